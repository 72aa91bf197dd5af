import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.exit.model import Cause
from agents.exit.pppd import Login, cause_of_exit, cause_of_line, options, quoted
from bus.secret import Secret

PPPD = "/usr/sbin/pppd"


def login(**changes: object) -> Login:
    plain = {"username": "user-a", "password": Secret("pw-a")}
    return Login(**{**plain, **changes})  # type: ignore[arg-type]


def lines(**changes: object) -> list[str]:
    return options(login(**changes)).splitlines()


def as_read(text: str) -> str:
    """What pppd's own parser makes of it: it names what should be a number."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(f"mtu {quoted(text)}\n")
        file.flush()
        argv = [PPPD, "file", file.name]
        done = subprocess.run(argv, check=False, capture_output=True, timeout=10)
    said = (done.stdout + done.stderr).decode()
    return said.partition("invalid numeric parameter '")[2].rpartition("' for mtu")[0]


PRINTABLE = st.characters(exclude_categories=("Cc", "Cs"))


@pytest.mark.daemon
@settings(max_examples=60, deadline=None)
@given(st.text(PRINTABLE, min_size=1, max_size=60))
def test_any_printable_text_reaches_pppd_as_it_is(text: str) -> None:
    assert as_read(f"x{text}") == f"x{text}"


@pytest.mark.daemon
@pytest.mark.parametrize(
    "text",
    ["'", '"', "\\", "#", " lead and trail ", "\\n\\x41\\101", "${HOME} $(id) `id` %s"],
)
def test_what_pppd_could_read_otherwise_it_does_not(text: str) -> None:
    assert as_read(text) == text


def test_name_and_password_are_quoted() -> None:
    said = lines(username='DOM\\us "er"', password=Secret("# \\"))

    assert 'user "DOM\\\\us \\"er\\""' in said
    assert 'password "# \\\\"' in said


def test_what_is_not_allowed_is_refused() -> None:
    refused = {line for line in lines(methods=("mschapv2",)) if "refuse-" in line}

    assert refused == {"refuse-mschap", "refuse-chap", "refuse-pap", "refuse-eap"}
    assert "refuse-pap" not in lines(methods=("mschapv2", "pap"))


def test_mppe_is_either_required_or_not_spoken_of() -> None:
    assert "require-mppe" in lines(mppe=True)
    assert "noccp" not in lines(mppe=True)
    assert "noccp" in lines()
    assert not any("mppe" in line for line in lines())


def test_mtu_counts_both_ways() -> None:
    assert {"mtu 1280", "mru 1280"} <= set(lines(mtu_bytes=1280))


def test_the_systems_own_options_and_hooks_have_no_say() -> None:
    said = set(lines())

    assert {"noauth", "nodefaultroute", "hide-password", "nopersist"} <= said
    assert "ip-up-script /bin/true" in said
    assert "lcp-echo-adaptive" in said


def test_what_prints_a_login_shows_no_password() -> None:
    assert "pw-a" not in repr(login())


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (
            "MS-CHAP authentication failed: E=691 Authentication failure",
            Cause("ppp: authentication failed (MS-CHAPv2)", permanent=True),
        ),
        (
            "MS-CHAP authentication failed: Access denied",
            Cause("ppp: authentication failed (MS-CHAPv2)", permanent=True),
        ),
        (
            "MS-CHAP authentication failed: E=648 Password expired",
            Cause(
                "ppp: authentication failed (MS-CHAPv2: Password expired)",
                permanent=True,
            ),
        ),
        (
            "CHAP authentication failed: Access denied",
            Cause("ppp: authentication failed (CHAP)", permanent=True),
        ),
        (
            "PAP authentication failed",
            Cause("ppp: authentication failed (PAP)", permanent=True),
        ),
        (
            "LCP terminated by peer (peer refused to authenticate)",
            Cause("ppp: no authentication method in common", permanent=True),
        ),
        (
            "LCP terminated by peer (MPPE required but peer refused)",
            Cause("ppp: the server requires MPPE (setting mppe)", permanent=True),
        ),
        (
            "LCP terminated by peer (Authentication failed)",
            Cause("ppp: authentication failed", permanent=True),
        ),
        (
            "LCP terminated by peer (User request)",
            Cause("ppp: ended by the server (User request)"),
        ),
        ("LCP terminated by peer", Cause("ppp: ended by the server")),
        (
            "MPPE required but peer negotiation failed",
            Cause("ppp: the server has no MPPE", permanent=True),
        ),
        (
            "MPPE required, but kernel has no support.",
            Cause("kernel: no MPPE (module ppp_mppe)", permanent=True),
        ),
        (
            "MPPE required, but MS-CHAP[v2] nor EAP-TLS auth are performed.",
            Cause("ppp: MPPE needs MS-CHAPv2, the server took another", permanent=True),
        ),
        (
            "LCP: timeout sending Config-Requests",
            Cause("ppp: no answer to LCP", silent=True),
        ),
        (
            "IPCP: timeout sending Config-Requests",
            Cause("ppp: no answer to IPCP", silent=True),
        ),
        (
            "No response to 5 echo-requests",
            Cause("ppp: the server answers no echo", silent=True),
        ),
        (
            "No response to PAP authenticate-requests",
            Cause("ppp: no answer to authentication (PAP)", silent=True),
        ),
        (
            "Couldn't open the /dev/ppp device: No such file or directory",
            Cause("kernel: no /dev/ppp", permanent=True),
        ),
        (
            "Could not determine local IP address",
            Cause("ppp: no address from the server"),
        ),
        (
            "Couldn't rename interface ppp1 to ppp0: File exists",
            Cause("ppp: naming the link ppp0: File exists"),
        ),
        (
            "/usr/sbin/pppd: In file /run/x: unrecognized option 'lcp-echo-adaptive'",
            Cause("pppd: unrecognized option 'lcp-echo-adaptive'", permanent=True),
        ),
        ("CHAP authentication succeeded", None),
        ("Terminating on signal 15", None),
        ("Connection terminated.", None),
        ("Modem hangup", None),
        ("kernel does not support PPP filtering", None),
        ("", None),
    ],
)
def test_what_a_line_means(line: str, cause: Cause | None) -> None:
    assert cause_of_line(line) == cause


def test_only_what_a_person_must_change_is_permanent() -> None:
    permanent = {code for code in range(256) if cause_of_exit(code).permanent}

    assert permanent == {2, 3, 4, 11, 19}


def test_a_code_that_nobody_knows_is_named() -> None:
    assert cause_of_exit(77) == Cause("pppd: ended with status 77")


@pytest.mark.daemon
def test_pppd_itself_knows_every_option_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "options"
    file.write_text(options(login(mppe=True, methods=("pap", "chap"))))

    argv = [PPPD, "file", str(file), "logfd", "1", "bare-nonsense"]
    done = subprocess.run(argv, check=False, capture_output=True, timeout=10)

    assert b"unrecognized option 'bare-nonsense'" in done.stdout + done.stderr
