"""Forgetting connections, in the real kernel's table, with real traffic.

client 10.13.13.2 ── wg0 router eth0 ── 172.20.0.9 server
"""

import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from agents.conntrack import forget_flows, mark_flows
from agents.firewall import Firewall
from agents.marks import Flows
from agents.netlink import Netlink
from tests.agents.netns import inside, ip, namespace

pytestmark = pytest.mark.kernel

CLIENT, SERVER, ROUTER = "10.13.13.2", "172.20.0.9", "172.20.0.2"
NOBODY = 65534
TRACKED = """\
*filter
:VPNCHAIN-FORWARD - [0:0]
-A FORWARD -j VPNCHAIN-FORWARD
-A VPNCHAIN-FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
"""


class Place:
    """Three namespaces; the router is the one whose table is asked."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def talk(self, node: str, ports: range) -> None:
        """A connection of UDP to the server from each of these ports."""
        for port in ports:
            with (
                inside(self._names[node]),
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
            ):
                sock.bind(("", port))
                sock.sendto(b"hello", (SERVER, 9))

    def tracked(self, source: str) -> list[str]:
        """The router's connections that began there."""
        table = ["conntrack", "-L", "-f", "ipv4", "-s", source, "-o", "id"]
        where = ["ip", "netns", "exec", self._names["router"]]
        done = subprocess.run(
            [*where, *table], check=True, capture_output=True, text=True, timeout=10
        )
        return done.stdout.splitlines()

    @contextmanager
    def router(self) -> Iterator[None]:
        """What is done within is done there."""
        with inside(self._names["router"]):
            yield


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """The router forwards, and marks what comes from its wg0."""
    with ExitStack() as stack:
        labels = ("client", "router", "server")
        names = {label: stack.enter_context(namespace(label)) for label in labels}
        wire(names)
        built = Place(names)
        with built.router():
            async with Netlink() as net:
                await net.ensure_forwarding()
            firewall = Firewall()
            await firewall.apply(TRACKED)
            await mark_flows(firewall, "wg0")
            yield built


def wire(names: dict[str, str]) -> None:
    """Cables, addresses, routes."""
    for label, near, far, here, there in (
        ("client", "eth0", "wg0", f"{CLIENT}/24", "10.13.13.1/24"),
        ("server", "eth0", "eth0", f"{SERVER}/16", f"{ROUTER}/16"),
    ):
        peer = ("peer", "name", far, "netns", names["router"])
        ip("link", "add", near, "netns", names[label], "type", "veth", *peer)
        for name, device, address in (
            (names[label], near, here),
            (names["router"], far, there),
        ):
            ip("address", "add", address, "dev", device, namespace=name)
            ip("link", "set", device, "up", namespace=name)
    ip("route", "add", "default", "via", "10.13.13.1", namespace=names["client"])
    ip("route", "add", "10.13.13.0/24", "via", ROUTER, namespace=names["server"])


async def test_what_was_passed_on_for_clients_goes_and_what_is_ours_stays(
    place: Place,
) -> None:
    place.talk("client", range(5000, 5250))
    place.talk("router", range(5000, 5001))
    assert (len(place.tracked(CLIENT)), len(place.tracked(ROUTER))) == (250, 1)

    assert await forget_flows(Flows.CLIENTS)

    assert (len(place.tracked(CLIENT)), len(place.tracked(ROUTER))) == (0, 1)


async def test_where_there_is_none_nothing_goes(place: Place) -> None:
    place.talk("router", range(5000, 5001))

    assert await forget_flows(Flows.CLIENTS)

    assert len(place.tracked(ROUTER)) == 1


async def test_a_kernel_that_refuses_is_said_and_ends_nothing(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.talk("client", range(5000, 5001))

    with as_nobody():
        assert not await forget_flows(Flows.CLIENTS)

    assert "forgetting connections: Operation not permitted" in caplog.text
    assert len(place.tracked(CLIENT)) == 1


@contextmanager
def as_nobody() -> Iterator[None]:
    """This process has no rights meanwhile."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
