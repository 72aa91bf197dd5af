"""Whether charon may open its sockets."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from cli.doctor.capability import holds, of_running, of_starting, own, running, value
from cli.doctor.finding import State
from tests.agents.exit.daemons import provider
from tests.agents.netns import namespace

WITHOUT: Final = ("setpriv", "--bounding-set", "-net_bind_service")
# Says its own status, and stays until its standard input ends.
TRIAL: Final = """
import sys
print(open("/proc/self/status").read(), end="", flush=True)
sys.stdin.read()
"""
BIND: Final = 1 << 10
OTHERS: Final = (1 << 10) - 1 | 1 << 11


def status(effective: int, bounding: int, pid: int = 7) -> str:
    """As the kernel writes it."""
    return (
        f"Name:\tcharon\nPid:\t{pid}\nCapEff:\t{effective:016x}\n"
        f"CapBnd:\t{bounding:016x}\n"
    )


def test_a_charon_that_gave_it_up_had_it() -> None:
    given = status(effective=OTHERS, bounding=BIND | OTHERS)

    found = of_running([given, given])

    assert found.state is State.OK


def test_the_one_of_two_charons_that_was_not_given_it_is_named() -> None:
    given = status(effective=OTHERS, bounding=BIND | OTHERS, pid=7)
    lacking = status(effective=OTHERS, bounding=OTHERS, pid=8)

    found = of_running([given, lacking])

    assert found.state is State.WRONG
    assert found.what == "charon (process 8) has no NET_BIND_SERVICE, so no socket"
    assert "cap_add: [NET_BIND_SERVICE]" in found.todo


@pytest.mark.parametrize(
    ("effective", "root", "contained", "state"),
    [
        (BIND, True, False, State.OK),
        (BIND, True, True, State.OK),
        (OTHERS, True, False, State.WRONG),
        (OTHERS, True, True, State.UNKNOWN),
        (0, False, True, State.UNKNOWN),
        (0, False, False, State.UNKNOWN),
    ],
)
def test_only_root_outside_of_containers_speaks_for_all(
    effective: int, *, root: bool, contained: bool, state: State
) -> None:
    found = of_starting(status(effective, effective), root=root, contained=contained)

    assert found.state is state
    assert (found.todo == "") is (state is State.OK)


def test_what_is_not_in_effect_does_not_count_when_starting() -> None:
    allowed = status(effective=OTHERS, bounding=BIND | OTHERS)

    assert of_starting(allowed, root=True, contained=False).state is State.WRONG


def test_our_own_status_is_ours() -> None:
    assert value(own(), "Pid") == str(os.getpid())
    assert value(own(), "CapEff")


@pytest.mark.kernel
def test_root_without_it_is_told_so_by_the_kernel(tmp_path: Path) -> None:
    named = tmp_path / f"trial-{os.getpid()}"  # as long as the kernel keeps names
    named.symlink_to(sys.executable)
    with subprocess.Popen(
        [*WITHOUT, str(named), "-S", "-c", TRIAL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as trial:
        assert trial.stdout is not None
        assert trial.stdout.readline() == f"Name:\t{named.name}\n"
        (seen,) = running(named.name)

    assert value(seen, "Pid") == str(trial.pid)
    assert of_running([seen]).state is State.WRONG
    assert of_starting(seen, root=True, contained=False).state is State.WRONG


@pytest.mark.kernel
@pytest.mark.daemon
async def test_a_real_charon_that_has_its_sockets_is_well(tmp_path: Path) -> None:
    with namespace("capability") as node:
        async with provider(node, tmp_path / "charon"):
            pid = (tmp_path / "charon/pid").read_text().split()[0]
            (seen,) = [one for one in running("charon") if value(one, "Pid") == pid]

    assert not holds(seen, "CapEff")
    assert of_running([seen]).state is State.OK
