"""Who sits on the ports that the chain needs."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.doctor.finding import Finding, State
from cli.doctor.ports import Holder, checks, in_use, of_port

SLEEPER = "import socket, sys, time; sock = socket.socket(fileno=0); time.sleep(60)"


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    """A UDP port that is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def finding(port: int) -> Finding:
    (one,) = [
        one for one in checks(port, contained=False) if one.check == f"udp {port}"
    ]
    return one


def test_a_port_of_a_stranger_is_wrong_and_the_stranger_is_named(
    bound: socket.socket,
) -> None:
    found = finding(bound.getsockname()[1])

    name = Path("/proc/self/comm").read_text().strip()
    assert found.state is State.WRONG
    assert found.what == f"WireGuard needs it, {name} has it"


def test_a_port_of_an_agents_child_is_ours(
    bound: socket.socket, tmp_path: Path
) -> None:
    """A stand-in is started as an agent is: `python -m agents ...`."""
    (tmp_path / "agents.py").write_text(
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {SLEEPER!r}], stdin=0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "agents", "exit"],
        cwd=tmp_path,
        stdin=bound.fileno(),
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as agent:
        port = bound.getsockname()[1]
        bound.close()
        try:
            found = finding(port)
            assert found.state is State.OK
        finally:
            os.killpg(agent.pid, 9)


def test_a_free_port_is_well() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    assert finding(port).state is State.OK


def test_a_container_does_not_know_who_has_the_ports_of_the_host(
    bound: socket.socket,
) -> None:
    found = list(checks(bound.getsockname()[1], contained=True))

    assert {one.state for one in found} == {State.UNKNOWN}
    assert all(one.what.startswith("in this container: ") for one in found)
    assert {one.todo for one in found} == {"look from the host, as root"}


def test_ports_are_read_as_the_kernel_writes_them() -> None:
    line = (
        "  581: 00000000:CA6C 00000000:0000 07 00000000:00000000 00:00000000 "
        "00000000     0        0 12345 2 0000000000000000 0"
    )

    assert in_use(f"{line}\n\nnothing\n") == {51820: "12345"}


@pytest.mark.parametrize(
    ("holder", "wireguard", "state"),
    [
        (None, False, State.OK),
        (Holder("docker-proxy", ours=False), False, State.OK),
        (Holder("wireguard-go", ours=False), True, State.OK),
        (Holder("", ours=False), True, State.OK),
        (Holder("", ours=False), False, State.UNKNOWN),
        (Holder("openvpn", ours=False), True, State.WRONG),
    ],
)
def test_who_may_have_wireguards_port(
    holder: Holder | None, *, wireguard: bool, state: State
) -> None:
    assert of_port(51820, "WireGuard", holder, wireguard=wireguard).state is state


def test_the_kernel_has_no_ike_of_its_own() -> None:
    nobody = Holder("", ours=False)

    assert of_port(500, "IKE", nobody, wireguard=True).state is State.UNKNOWN
