"""Without ppp0 the kernel goes on through the other exit; no agent is awake here."""

import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.agents.exit.detours import (
    ADDRESSES,
    AT_ONCE_S,
    CLIENT,
    ENTRY,
    GATEWAY,
    LINKS,
    WITHIN_S,
    Place,
    heard,
    place,
)

pytestmark = pytest.mark.kernel

MARK = 0x2B << 2
IPV4, ICMP = 0x45, 1
NAMES = {address: name for name, address in LINKS.items()}


@pytest.fixture
async def net() -> AsyncIterator[Place]:
    async with place() as net:
        yield net


def left_by(net: Place, within_s: float = WITHIN_S) -> str:
    """By which exit a packet left, and that its answer came back; empty: it is lost."""
    number = net.send()
    packet = net.arrived(within_s)
    if packet is None:
        return ""
    assert packet.number == number
    assert packet.tos == 0, "no mark is seen outside"
    assert net.answered() == number
    return NAMES[packet.source]


def is_reset(stream: socket.socket) -> bool:
    """Whether the next packet of the stream is answered by its end."""
    stream.settimeout(WITHIN_S)
    stream.send(b"more")
    try:
        return stream.recv(64) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def without(net: Place, *nodes: str) -> None:
    """The ppp0 of these exits vanishes."""
    for node in nodes:
        net.ip(node, "link", "delete", "ppp0")


async def test_clients_leave_by_the_first_exit_and_by_it_alone(net: Place) -> None:
    other = net.watch("bridge", "to-exit-b")

    assert [left_by(net) for _ in range(5)] == ["exit-a"] * 5
    assert heard(other) == []


async def test_when_ppp0_vanishes_the_next_packet_leaves_by_the_other(
    net: Place,
) -> None:
    left_by(net)
    wire = net.watch("bridge", "to-exit-b")

    without(net, "exit-a")

    assert [left_by(net) for _ in range(5)] == ["exit-b"] * 5
    assert {packet.tos for packet in heard(wire)} == {MARK}


async def test_when_ppp0_is_set_down_the_next_packet_leaves_by_the_other(
    net: Place,
) -> None:
    left_by(net)

    net.ip("exit-a", "link", "set", "ppp0", "down")

    # The flow hangs on the address of ppp0 until the kernel has taken note.
    assert left_by(net, AT_ONCE_S) in ("", "exit-b")
    assert [left_by(net) for _ in range(4)] == ["exit-b"] * 4


async def test_without_any_ppp0_a_packet_goes_round_once_and_nowhere(
    net: Place,
) -> None:
    left_by(net)
    without(net, "exit-a", "exit-b")
    first = net.watch("bridge", "to-exit-a")
    second = net.watch("bridge", "to-exit-b")
    gateway = net.watch("bridge", "br0")

    number = net.send()

    assert net.arrived(AT_ONCE_S) is None
    # To the first exit, from it, to the second one: there it ends.
    assert [packet.number for packet in heard(first)] == [number] * 2
    assert [packet.number for packet in heard(second)] == [number]
    assert heard(gateway) == []


async def test_flows_that_went_round_leave_by_ppp0_again_once_it_is_back(
    net: Place,
) -> None:
    left_by(net)
    without(net, "exit-a")
    assert left_by(net) == "exit-b"

    net.link("exit-a")
    await net.carry("exit-a")

    assert [left_by(net) for _ in range(5)] == ["exit-a"] * 5


async def test_streams_are_reset_at_once_when_ppp0_goes_and_when_it_is_back(
    net: Place,
) -> None:
    stream = net.stream()
    without(net, "exit-a")
    assert is_reset(stream)

    stream = net.stream()
    net.link("exit-a")
    await net.carry("exit-a")
    assert is_reset(stream)


async def test_no_client_is_seen_outside_by_its_own_address(net: Place) -> None:
    without(net, "exit-a")
    assert left_by(net) == "exit-b"
    net.link("exit-a")
    outside = net.watch("exit-a", "ppp0")

    net.ip("exit-a", "route", "add", "default", "dev", "ppp0", "table", "100")
    net.send()  # the kernel remembers its flow as one that went round

    assert net.arrived(AT_ONCE_S) is None
    assert heard(outside) == []


async def test_the_entry_that_tries_the_first_exits_path_is_not_led_round(
    net: Place,
) -> None:
    entry = net.sender("entry", ENTRY)
    net.send(entry)
    tried = net.arrived()
    assert tried is not None
    assert tried.source == LINKS["exit-a"]
    other = net.watch("bridge", "to-exit-b")

    without(net, "exit-a")
    net.send(entry)

    assert net.arrived(AT_ONCE_S) is None
    assert heard(other) == []


async def test_who_is_bound_to_ppp0_is_not_led_round(net: Place) -> None:
    bound = net.bound("exit-a", "ppp0")
    net.send(bound)
    assert net.arrived() is not None
    bridge = net.watch("exit-a", "eth0")

    net.ip("exit-a", "link", "set", "ppp0", "down")
    net.send(bound)
    without(net, "exit-a")
    net.send(bound)

    assert heard(bridge) == []


async def test_nobody_is_told_of_another_way(net: Place) -> None:
    without(net, "exit-a")
    icmp = net.watch("entry", "eth0")
    icmp.settimeout(AT_ONCE_S)
    entry = net.sender("entry", ENTRY)

    for _ in range(5):
        left_by(net)
        net.send(entry)

    seen = []
    with suppress(TimeoutError):
        while True:
            seen.append(icmp.recv(2048))
    assert not [raw for raw in seen if raw[0] == IPV4 and raw[9] == ICMP]


@pytest.mark.parametrize(
    "address",
    [GATEWAY, ENTRY, ADDRESSES["exit-a"], CLIENT, "172.20.0.12/16", "nonsense"],
)
async def test_who_is_no_exit_is_no_detour(net: Place, address: str) -> None:
    await net.reroute("exit-a", address)

    assert "metric 200" not in net.ip("exit-a", "route", "show", "table", "100")


async def test_the_detour_follows_the_order_and_can_be_taken_away(net: Place) -> None:
    await net.reroute("exit-a", "172.20.0.13")
    table = net.ip("exit-a", "route", "show", "table", "100")
    assert table.count("metric 200") == table.count("via 172.20.0.13") == 1

    await net.reroute("exit-a", "")

    assert "metric 200" not in net.ip("exit-a", "route", "show", "table", "100")
    without(net, "exit-a")
    assert left_by(net, AT_ONCE_S) == ""


async def test_a_link_that_carries_is_told_from_one_that_does_not(net: Place) -> None:
    host = net.hosts["exit-a"]
    assert await host.has_link()

    net.ip("exit-a", "route", "delete", "default", "dev", "ppp0", "table", "100")
    assert not await host.has_link()

    without(net, "exit-a")
    assert not await host.has_link()
