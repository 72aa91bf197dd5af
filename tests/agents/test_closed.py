"""`images/closed`: nothing is forwarded before an agent has put its rules in place."""

import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from agents.firewall import Firewall
from agents.netlink import Netlink
from tests.agents.netns import inside, ip, namespace

pytestmark = pytest.mark.kernel

CLOSED = Path(__file__).parents[2] / "images/closed"
NEAR, FAR = "10.13.13.2", "172.20.0.9"
WITHIN_S = 20.0  # for what comes
AT_ONCE_S = 0.2  # for what does not
OPEN = """\
*filter
:FORWARD DROP [0:0]
:VPNCHAIN-FORWARD - [0:0]
-A FORWARD -j VPNCHAIN-FORWARD
-A VPNCHAIN-FORWARD -i near -j ACCEPT
COMMIT
"""


class Place:
    """A router between two hosts, which forwards from the start."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def passes(self, within_s: float = WITHIN_S) -> bool:
        """Whether a packet gets through."""
        with self.at("far"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            far.bind((FAR, 9))
            far.settimeout(within_s)
            with self.at("near"), socket.socket(type=socket.SOCK_DGRAM) as near:
                near.sendto(b"hello", (FAR, 9))
            try:
                return far.recv(64) == b"hello"
            except TimeoutError:
                return False

    def close(self, *command: str) -> str:
        """What the command prints, once forwarding is closed."""
        with self.at("router"):
            done = subprocess.run(
                [CLOSED, *command],
                check=True,
                capture_output=True,
                text=True,
                timeout=10,
            )
        return done.stdout

    @contextmanager
    def at(self, label: str) -> Iterator[None]:
        """What is done within is done there."""
        with inside(self._names[label]):
            yield


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    with ExitStack() as stack:
        labels = ("near", "router", "far")
        names = {label: stack.enter_context(namespace(label)) for label in labels}
        for label, here, there in (
            ("near", NEAR, "10.13.13.1"),
            ("far", FAR, "172.20.0.2"),
        ):
            peer = ("peer", "name", label, "netns", names["router"])
            ip("link", "add", "eth0", "netns", names[label], "type", "veth", *peer)
            for name, device, address in (
                (names[label], "eth0", here),
                (names["router"], label, there),
            ):
                ip("address", "add", f"{address}/24", "dev", device, namespace=name)
                ip("link", "set", device, "up", namespace=name)
            ip("route", "add", "default", "via", there, namespace=names[label])
        built = Place(names)
        with built.at("router"):
            async with Netlink() as net:
                await net.ensure_forwarding()
        yield built


def test_it_closes_and_becomes_the_command(place: Place) -> None:
    assert place.passes()

    assert place.close("echo", "an agent") == "an agent\n"

    assert not place.passes(AT_ONCE_S)


async def test_an_agents_rules_take_its_place_and_are_left_by_the_next(
    place: Place,
) -> None:
    place.close("true")
    with place.at("router"):
        await Firewall().apply(OPEN)
    assert place.passes()

    place.close("true")

    assert place.passes()


def test_ipv6_is_closed_too(place: Place) -> None:
    place.close("true")

    with place.at("router"):
        saved = subprocess.run(
            ["ip6tables-save"], check=True, capture_output=True, text=True, timeout=10
        ).stdout
    assert "-A FORWARD -j VPNCHAIN-FORWARD" in saved
    assert "-A VPNCHAIN-FORWARD -j DROP" in saved


def test_without_the_right_to_close_no_command_runs(place: Place) -> None:
    with place.at("router"):
        done = subprocess.run(
            ["setpriv", "--bounding-set=-all", "--inh-caps=-all", CLOSED, "echo", "no"],
            check=False,
            capture_output=True,
            text=True,
            timeout=10,
        )

    assert (done.returncode, done.stdout) == (1, "")
    assert "NET_ADMIN" in done.stderr
