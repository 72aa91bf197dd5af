"""What pppd is told, and what its words and exit codes mean. Pure text.

pppd also reads the system's /etc/ppp/options before ours. What there could hurt is said
again here, so that ours wins: its `auth`, its own echo settings, its hooks.
"""

import re
from dataclasses import dataclass
from typing import Final

from agents.exit.forwarding import DEVICE
from agents.exit.model import Cause
from bus.secret import Secret

# Setting: pppd's name for the method, and a person's.
_METHODS: Final = {
    "mschapv2": ("mschap-v2", "MS-CHAPv2"),
    "mschap": ("mschap", "MS-CHAP"),
    "chap": ("chap", "CHAP"),
    "pap": ("pap", "PAP"),
    "eap": ("eap", "EAP"),
}

# Some 10 s of silence end the session; the peer is asked only when nothing came from
# it, since some servers answer no echo at all. The probe is the quicker judge.
_OPTIONS: Final = """\
ifname {interface}
user {username}
password {password}
hide-password
noauth
{refused}
noipdefault
nodefaultroute
ipcp-accept-local
ipcp-accept-remote
usepeerdns
ip-up-script /bin/true
ip-down-script /bin/true
nopersist
{compression}
novj
noipv6
mtu {mtu_bytes}
mru {mtu_bytes}
lcp-echo-adaptive
lcp-echo-interval 2
lcp-echo-failure 4
lcp-restart 1
lcp-max-terminate 1
ipcp-restart 1
logfd 2
"""


@dataclass(frozen=True, slots=True)
class Login:
    """Who calls the server, and how PPP shall be.

    Attributes:
        methods: How we may prove who we are: mschapv2, chap, pap.
        mppe: PPP is encrypted once more; needs mschapv2.
    """

    username: str
    password: Secret
    methods: tuple[str, ...] = ("mschapv2",)
    mppe: bool = False
    mtu_bytes: int = 1400


def options(login: Login) -> str:
    """The option file: it holds the password, so it belongs on tmpfs with mode 0600.

    Neither name nor password may contain a line break.
    """
    refused = (name for key, (name, _) in _METHODS.items() if key not in login.methods)
    mppe = "require-mppe\nnobsdcomp\nnodeflate"
    return _OPTIONS.format(
        interface=DEVICE,
        username=quoted(login.username),
        password=quoted(login.password.reveal()),
        refused="\n".join(f"refuse-{name}" for name in refused),
        compression=mppe if login.mppe else "noccp",
        mtu_bytes=login.mtu_bytes,
    )


def quoted(text: str) -> str:
    """The text as one word of an option file, whatever is in it.

    Source: pppd(8), "options files": within quotes only the quote and the backslash
    mean something.
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- what it says --------------------------------------------------------------------

_NO_PPP: Final = Cause("kernel: no PPP", permanent=True)
_NO_METHOD: Final = Cause("ppp: no authentication method in common", permanent=True)
_NO_MPPE: Final = Cause("kernel: no MPPE (module ppp_mppe)", permanent=True)
_NO_ECHO: Final = Cause("ppp: the server answers no echo", silent=True)

_LINES: Final = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (
            r"PAP authentication failed",
            Cause("ppp: authentication failed (PAP)", permanent=True),
        ),
        (
            r"^CHAP authentication failed",
            Cause("ppp: authentication failed (CHAP)", permanent=True),
        ),
        (
            r"No response to PAP",
            Cause("ppp: no answer to authentication (PAP)", silent=True),
        ),
        (r"No auth is possible", _NO_METHOD),
        (
            r"LCP terminated by peer \(.*refused to authenticate.*\)",
            _NO_METHOD,
        ),
        (
            r"LCP terminated by peer \(MPPE required",
            Cause("ppp: the server requires MPPE (setting mppe)", permanent=True),
        ),
        (
            r"LCP terminated by peer \(.*[Aa]uthentication failed.*\)",
            Cause("ppp: authentication failed", permanent=True),
        ),
        (r"LCP: timeout sending", Cause("ppp: no answer to LCP", silent=True)),
        (r"IPCP: timeout sending", Cause("ppp: no answer to IPCP", silent=True)),
        (r"No response to \d+ echo-requests", _NO_ECHO),
        (r"MPPE required.*in kernel|MPPE required, but kernel", _NO_MPPE),
        (
            r"MPPE required, but MS-CHAP",
            Cause("ppp: MPPE needs MS-CHAPv2, the server took another", permanent=True),
        ),
        (r"MPPE required", Cause("ppp: the server has no MPPE", permanent=True)),
        (r"lacks (kernel support for PPP|PPP kernel support)", _NO_PPP),
        (
            r"Couldn't open (the )?/dev/ppp",
            Cause("kernel: no /dev/ppp", permanent=True),
        ),
        (r"Could not determine local IP", Cause("ppp: no address from the server")),
        (r"Peer refused to agree to our IP", Cause("ppp: no address agreed")),
    )
)
_MS_CHAP: Final = re.compile(r"^MS-CHAP authentication failed:? ?(?:E=\d+ )?(.*)")
_USUAL: Final = {"", "Access denied", "Authentication failure"}
_ENDED: Final = re.compile(r"LCP terminated by peer(?: \((.*)\))?")
_OPTION: Final = re.compile(r"pppd: .*(unrecognized option '[\w-]+')")
_RENAME: Final = re.compile(r"Couldn't rename interface .*: (.*)")


def cause_of_line(line: str) -> Cause | None:
    """Why PPP ends, if the line says so; None if it does not.

    The first line that tells one tells most: what follows is its consequence.
    """
    if failed := _MS_CHAP.search(line):
        said = "" if failed[1] in _USUAL else f": {failed[1]}"
        return Cause(f"ppp: authentication failed (MS-CHAPv2{said})", permanent=True)
    for pattern, cause in _LINES:
        if pattern.search(line):
            return cause
    if ended := _ENDED.search(line):
        why = f" ({ended[1]})" if ended[1] else ""
        return Cause(f"ppp: ended by the server{why}")
    if refused := _OPTION.search(line):
        return Cause(f"pppd: {refused[1]}", permanent=True)
    if taken := _RENAME.search(line):
        return Cause(f"ppp: naming the link {DEVICE}: {taken[1]}")
    return None


# Source: pppd(8), "exit status".
_CODES: Final = {
    0: Cause("ppp: ended by the server"),
    1: Cause("pppd: fatal error"),
    2: Cause("pppd: options refused", permanent=True),
    3: Cause("pppd: not root", permanent=True),
    4: _NO_PPP,
    5: Cause("ppp: hung up by us"),
    10: Cause("ppp: negotiation failed"),
    11: Cause("ppp: the server did not authenticate itself", permanent=True),
    12: Cause("ppp: ended as idle"),
    13: Cause("ppp: ended at its time limit"),
    15: _NO_ECHO,
    16: Cause("ppp: hung up by the server"),
    17: Cause("ppp: the line loops back"),
    19: Cause("ppp: authentication failed", permanent=True),
}


def cause_of_exit(code: int) -> Cause:
    """What pppd's exit status means."""
    return _CODES.get(code) or Cause(f"pppd: ended with status {code}")
