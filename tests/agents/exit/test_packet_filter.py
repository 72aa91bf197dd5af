"""Who reaches an exit, and whose packets it passes on, in real kernels.

See `detours.py` for the picture. The bridge's gateway stands for whoever is on the
bridge, and for the server that is reached through it.
"""

import socket
from collections.abc import AsyncIterator

import pytest

from tests.agents.exit.detours import (
    ADDRESSES,
    AT_ONCE_S,
    CLIENT,
    ENTRY,
    GATEWAY,
    LINKS,
    MTU_BYTES,
    SERVER,
    WITHIN_S,
    Place,
    heard,
    place,
)

pytestmark = pytest.mark.kernel

EXIT, ANYWHERE, PROVIDER = ADDRESSES["exit-a"], "0.0.0.0", "203.0.113.2"  # noqa: S104
IPV4, SYN, MSS = 0x45, 0x02, (2, 4)  # their octets in a packet
HEADERS_BYTES = 40
STRANGER = "192.0.2.9"
PORTS = {"IKE": 500, "IKE behind NAT": 4500, "L2TP": 1701, "other": 4242}


@pytest.fixture
async def net() -> AsyncIterator[Place]:
    async with place() as net:
        yield net


def hears(sock: socket.socket, within_s: float = AT_ONCE_S) -> bool:
    """Whether a packet comes in."""
    sock.settimeout(within_s)
    try:
        sock.recv(64)
    except TimeoutError:
        return False
    return True


def ways_to(net: Place, node: str, *addresses: str) -> None:
    """These addresses are the node's own, too."""
    for address in addresses:
        net.ip(node, "address", "add", f"{address}/32", "dev", "lo")


@pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
async def test_who_is_on_the_bridge_cannot_speak_to_an_exit(
    net: Place, port: int
) -> None:
    exit_ = net.sender("exit-a", ANYWHERE, port)

    net.sender("bridge", GATEWAY, port).sendto(b"hello", (EXIT, port))

    assert not hears(exit_)


async def test_who_is_on_the_bridge_may_ping_an_exit(net: Place) -> None:
    assert "1 received" in net.run("bridge", "ping", "-c1", "-W9", EXIT)


async def test_an_exit_hears_whom_it_spoke_to(net: Place) -> None:
    broker = net.sender("bridge", GATEWAY, 1883)
    exit_ = net.sender("exit-a", ANYWHERE)
    exit_.sendto(b"hello", (GATEWAY, 1883))

    broker.settimeout(WITHIN_S)
    broker.sendto(b"hello", broker.recvfrom(64)[1])

    assert hears(exit_, WITHIN_S)


@pytest.mark.parametrize("port", [500, 4500])
async def test_the_pinned_server_may_begin_to_speak_by_ike(
    net: Place, port: int
) -> None:
    ways_to(net, "bridge", PROVIDER, STRANGER)
    exit_ = net.sender("exit-a", ANYWHERE, 40000)
    server = net.sender("bridge", PROVIDER, port)
    stranger = net.sender("bridge", STRANGER, port)

    await net.pin("exit-a", PROVIDER)
    stranger.sendto(b"hello", (EXIT, 40000))
    assert not hears(exit_)
    server.sendto(b"hello", (EXIT, 40000))
    assert hears(exit_, WITHIN_S)

    await net.pin("exit-a", STRANGER)
    server.sendto(b"hello", (EXIT, 40000))
    assert not hears(exit_)
    stranger.sendto(b"hello", (EXIT, 40000))
    assert hears(exit_, WITHIN_S)


@pytest.mark.parametrize("to", [EXIT, LINKS["exit-a"]])
@pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
async def test_nobody_speaks_to_an_exit_through_its_ppp0(
    net: Place, port: int, to: str
) -> None:
    net.ip("internet", "route", "add", f"{EXIT}/32", "dev", "to-exit-a")
    exit_ = net.sender("exit-a", ANYWHERE, port)

    net.sender("internet", SERVER[0], port).sendto(b"hello", (to, port))

    assert not hears(exit_)


async def test_what_ppp0_brings_is_never_taken_for_the_servers(net: Place) -> None:
    """The provider knows our server's address, and the port that we have there."""
    ways_to(net, "bridge", PROVIDER)
    ways_to(net, "internet", PROVIDER)
    net.ip("internet", "route", "add", f"{EXIT}/32", "dev", "to-exit-a")
    exit_ = net.sender("exit-a", ANYWHERE, 40000)
    exit_.sendto(b"hello", (PROVIDER, 4500))
    server = net.sender("bridge", PROVIDER, 4500)

    net.sender("internet", PROVIDER, 4500).sendto(b"hello", (EXIT, 40000))
    assert not hears(exit_)

    server.sendto(b"hello", (EXIT, 40000))
    assert hears(exit_, WITHIN_S)


async def test_who_is_asked_through_ppp0_is_heard(net: Place) -> None:
    probe = net.bound("exit-a", "ppp0")
    net.send(probe)

    assert net.arrived() is not None
    assert hears(probe, WITHIN_S)


@pytest.mark.parametrize(
    ("source", "passes"),
    [(CLIENT, True), (ENTRY, True), (STRANGER, False), ("172.20.0.9", False)],
)
async def test_only_clients_and_the_entrys_probes_leave_by_ppp0(
    net: Place, source: str, passes: bool
) -> None:
    if source not in (CLIENT, ENTRY):
        ways_to(net, "entry", source)
    outside = net.watch("exit-a", "ppp0")

    net.send(net.sender("entry", source))

    assert (len(heard(outside)) > 0) is passes


async def test_only_clients_are_led_round(net: Place) -> None:
    ways_to(net, "entry", STRANGER)
    other = net.watch("bridge", "to-exit-b")
    net.ip("exit-a", "link", "delete", "ppp0")

    net.send(net.sender("entry", STRANGER))
    assert heard(other) == []

    net.send()
    assert len(heard(other)) == 1


@pytest.mark.parametrize(("port", "to"), [(0, 1701), (1701, 4242)])
async def test_l2tp_never_leaves_outside_ipsec(net: Place, port: int, to: int) -> None:
    bridge = net.sender("bridge", GATEWAY, to)

    with pytest.raises(PermissionError):
        net.sender("exit-a", ANYWHERE, port).sendto(b"hello", (GATEWAY, to))

    assert not hears(bridge)


def largest_segment(wire: socket.socket) -> int:
    """The MSS of the next SYN that passes there."""
    wire.settimeout(WITHIN_S)
    while True:
        raw = wire.recv(2048)
        if raw[0] == IPV4 and raw[9] == socket.IPPROTO_TCP and raw[33] & SYN:
            assert tuple(raw[40:42]) == MSS, "it comes first"
            return int.from_bytes(raw[42:44], "big")


async def test_neither_side_is_promised_more_per_segment_than_ppp0_takes(
    net: Place,
) -> None:
    """Else full segments are lost where nobody tells of the MTU."""
    inside, outside = net.watch("entry", "eth0"), net.watch("internet", "to-exit-a")

    net.stream()

    most = MTU_BYTES - HEADERS_BYTES
    assert largest_segment(inside) > most, "as the client said it"
    assert largest_segment(outside) == most
    assert largest_segment(outside) > most, "as the server said it"
    assert largest_segment(inside) == most
