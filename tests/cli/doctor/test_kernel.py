"""What the kernel can do, and what keeps it from that."""

import errno
from typing import Final

import pytest

from agents.exit.model import Cause
from cli.doctor.finding import State
from cli.doctor.kernel import (
    checks,
    forbidden,
    no_witness,
    of_blacklists,
    of_cause,
    of_forwarding,
    of_tun,
    of_wireguard,
)

MODPROBE: Final = """\
# blacklist tun
blacklist l2tp_ppp
  blacklist   ppp-generic  # as RHEL does
install esp4 /bin/false
install wireguard /usr/bin/true \\
    || exit 1
install ppp_async /sbin/modprobe --ignore-install ppp_async
options tun debug=1
blacklist floppy
"""


def test_each_way_to_keep_a_module_away_is_seen() -> None:
    assert forbidden([MODPROBE]) == {
        "l2tp_ppp": "blacklist",
        "ppp_generic": "blacklist",
        "esp4": "install",
        "wireguard": "install",
        "floppy": "blacklist",
    }


def test_a_blacklist_hurts_only_what_is_ours_and_not_loaded() -> None:
    words = forbidden([MODPROBE])

    found = of_blacklists(words, loaded=["esp4", "wireguard"])

    assert found.state is State.WRONG
    assert found.what == "blacklist ppp_generic, blacklist l2tp_ppp"
    assert of_blacklists({"floppy": "blacklist"}, []).state is State.OK


@pytest.mark.parametrize("check", ["ppp", "l2tp", "esp"])
def test_what_the_kernel_lacks_is_wrong_and_a_way_out_is_told(check: str) -> None:
    found = of_cause(check, Cause("kernel: no module", permanent=True))

    assert (found.state, found.what) == (State.WRONG, "no module")
    assert "modprobe" in found.todo
    assert of_cause(check, None).state is State.OK


def test_what_only_root_may_try_is_not_called_wrong() -> None:
    cause = Cause("kernel: ESP not permitted (NET_ADMIN is needed)", permanent=True)

    assert of_cause("esp", cause).state is State.UNKNOWN
    assert of_tun(errno.EPERM).state is State.UNKNOWN


def test_without_a_tun_device_wireguard_is_in_doubt() -> None:
    assert of_tun(errno.ENOENT).what == "/dev/net/tun: no such file or directory"
    assert of_tun(errno.ENOENT).state is State.WRONG
    assert of_wireguard(in_kernel=False, tun=errno.ENOENT).state is State.UNKNOWN
    assert of_wireguard(in_kernel=True, tun=errno.ENOENT).state is State.OK
    assert of_wireguard(in_kernel=False, tun=0).state is State.OK


@pytest.mark.parametrize(
    ("value", "writable", "state"),
    [
        ("1", False, State.OK),
        ("0", True, State.OK),
        ("0", False, State.WRONG),
        (None, False, State.UNKNOWN),
    ],
)
def test_forwarding_is_on_or_can_be_turned_on(
    value: str | None, *, writable: bool, state: State
) -> None:
    assert of_forwarding(value, writable).state is state


def test_a_container_is_no_witness_against_the_others() -> None:
    missing = of_forwarding("0", writable=False)

    found = no_witness(missing)

    assert found.state is State.UNKNOWN
    assert found.what.startswith("in this container: is off")
    assert no_witness(of_forwarding("1", writable=False)).state is State.OK


def test_every_check_says_something_of_this_machine() -> None:
    found = list(checks())

    assert [one.check for one in found] == [
        *("ppp", "l2tp", "esp", "tun", "wireguard", "module blacklists", "forwarding"),
    ]
    assert all(one.todo for one in found if one.state is State.WRONG)
