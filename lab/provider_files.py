"""What an L2TP/IPsec server is told, as text: it serves one account. Pure."""

import re
from dataclasses import dataclass, field
from typing import Final

# All that the exits' presets may ask for.
IKE: Final = (
    *("aes256-sha256-modp2048", "aes256-sha1-modp2048", "aes256-sha1-modp1024"),
    *("aes128-sha1-modp1024", "3des-sha1-modp1024"),
)
ESP: Final = ("aes256-sha256", "aes256-sha1", "aes128-sha1", "3des-sha1")

# Only pppd is told which proof of the caller counts: xl2tpd's "require chap" would have
# it take MD5, too. A kernel tunnel would refuse a second one from the same address and
# port while a stale one lives; xl2tpd's own does not.
_XL2TPD: Final = """\
[global]
port = 1701
listen-addr = {address}
access control = no
force userspace = yes
[lns default]
ip range = {pool}.10-{pool}.250
local ip = {pool}.1
require chap = no
require pap = no
require authentication = yes
name = {name}
length bit = yes
pppoptfile = /run/ppp-options
"""

# Silent: the first request would be lost, the dialling side does not listen yet.
_PPPD: Final = """\
auth
name {name}
require-{method}
silent
lcp-restart 1
lcp-echo-interval 10
lcp-echo-failure 3
{compression}
novj
noipv6
mtu 1400
mru 1400
ms-dns {dns}
debug
logfile {log}
"""
_MPPE: Final = "require-mppe\nnobsdcomp\nnodeflate"


@dataclass(frozen=True, slots=True)
class Account:
    """What an exit needs to know in order to be served."""

    psk: str = field(repr=False)
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a caller's PPP has to agree to.

    Attributes:
        method: pppd's name of the one proof that counts: mschap-v2, chap, pap.
        mppe: Whether PPP has to be encrypted once more; takes mschap-v2.
    """

    method: str = "mschap-v2"
    mppe: bool = False


USUAL: Final = Terms()


def xl2tpd(name: str, address: str, pool: str) -> str:
    """xl2tpd.conf; `pool`: the first three numbers of the callers' network."""
    return _XL2TPD.format(name=name, address=address, pool=pool)


def pppd(name: str, dns: str, log: str, terms: Terms = USUAL) -> str:
    """The option file of each call; `log`: where pppd writes."""
    return _PPPD.format(
        name=name,
        dns=dns,
        log=log,
        method=terms.method,
        compression=_MPPE if terms.mppe else "noccp",
    )


def chap_secrets(name: str, account: Account) -> str:
    """The file by which pppd knows the caller by CHAP."""
    return f"{_word(account.username)} {name} {_word(account.password)} *"


def pap_secrets(name: str, account: Account) -> str:
    """The same by PAP, where pppd compares what it would print."""
    shown = (_shown(one) for one in (account.username, account.password))
    return f" {name} ".join(_word(one) for one in shown) + " *"


def _shown(text: str) -> str:
    """As pppd prints it: Meta for the eighth bit, a caret for control characters."""
    words = ""
    for octet in text.encode():
        low = octet & 0x7F
        words += "M-" if octet != low else ""
        words += chr(low) if 0x20 <= low < 0x7F else f"^{chr(low ^ 0x40)}"
    return words


def _word(text: str) -> str:
    """As pppd reads it; not within quotes, which is how the exit writes it."""
    return re.sub(r"[^\w]", r"\\\g<0>", text)


def connection(address: str) -> dict[str, object]:
    """What charon offers at this address, as vici's load-conn takes it."""
    child = {
        "mode": "transport",
        "local_ts": ["dynamic[17/1701]"],
        "remote_ts": ["dynamic[17]"],  # NAT may have changed the port
        "esp_proposals": list(ESP),
        "dpd_action": "clear",
    }
    return {
        "version": "1",
        "local_addrs": [address],
        "remote_addrs": ["%any"],
        "proposals": list(IKE),
        "unique": "never",
        "dpd_delay": "10s",
        "dpd_timeout": "30s",
        "local": {"auth": "psk"},
        "remote": {"auth": "psk", "id": "%any"},
        "children": {"l2tp": child},
    }
