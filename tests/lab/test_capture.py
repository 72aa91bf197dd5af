"""A capture lets through what may be there, and catches what may not."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agents.icmp import checksum
from lab.capture import CaptureError, Watch, all_but_between, all_but_tunnels, capture
from lab.nodes import Lab, open_lab
from lab.rehearsal import inject, leaking_frame
from lab.topology import End, Link, Node, Port, Role, Topology

pytestmark = pytest.mark.kernel

WITHIN_S = 20.0
ENTRY, EXIT, GATEWAY = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
CLIENT, EXIT_ADDRESS, SERVER = "10.13.13.2", "172.20.0.11", "203.0.113.2"
UDP, ICMP, ESP = 17, 1, 50


def frame(source: str, target: str, packet: bytes, kind: int = 0x0800) -> bytes:
    """An Ethernet frame between two stations."""
    stations = (bytes.fromhex(one.replace(":", "")) for one in (target, source))
    return b"".join(stations) + struct.pack("!H", kind) + packet


def packet(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    """An IPv4 packet."""
    ends = (socket.inet_aton(source), socket.inet_aton(target))
    size = 20 + len(payload)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, protocol, 0, *ends)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def datagram(source: int, target: int, payload: bytes = b"") -> bytes:
    """A UDP datagram without checksum."""
    return struct.pack("!HHHH", source, target, 8 + len(payload), 0) + payload


def unreachable(quoted: bytes) -> bytes:
    """An ICMP error about the packet that it quotes."""
    return struct.pack("!BBHI", 3, 3, 0, 0) + quoted[:28]


def out(protocol: int, payload: bytes) -> bytes:
    """What an exit sends to its provider."""
    return packet(EXIT_ADDRESS, SERVER, protocol, payload)


ESP_IN_UDP = datagram(4500, 4500, b"\1\2\3\4" * 8)
MAY_PASS = {
    "ike": frame(EXIT, GATEWAY, out(UDP, datagram(500, 500, b"ike"))),
    "esp_in_udp": frame(EXIT, GATEWAY, out(UDP, ESP_IN_UDP)),
    "fresh_ike_ports": frame(EXIT, GATEWAY, out(UDP, datagram(40123, 4500, b"ike"))),
    "esp": frame(EXIT, GATEWAY, out(ESP, b"\1\2\3\4" * 8)),
    "error_about_the_tunnel": frame(
        GATEWAY,
        EXIT,
        packet(SERVER, EXIT_ADDRESS, ICMP, unreachable(out(UDP, ESP_IN_UDP))),
    ),
    "arp": frame(EXIT, "ff:ff:ff:ff:ff:ff", b"\0\1\x08\0\6\4\0\1" + 20 * b"\0", 0x0806),
}
MAY_NOT = {
    "l2tp_in_the_clear": frame(EXIT, GATEWAY, out(UDP, datagram(1701, 1701, b"ppp"))),
    "client_in_the_clear": frame(
        EXIT, GATEWAY, packet(CLIENT, "198.51.100.9", UDP, datagram(5000, 53))
    ),
    "client_behind_the_exit": frame(EXIT, GATEWAY, out(UDP, datagram(5000, 7007))),
    "client_pinging": frame(EXIT, GATEWAY, out(ICMP, b"\x08\0\0\0\0\1\0\1")),
    "error_about_a_client": frame(
        GATEWAY,
        EXIT,
        packet(SERVER, EXIT_ADDRESS, ICMP, unreachable(out(UDP, datagram(5000, 53)))),
    ),
    "ipv6": frame(
        EXIT,
        GATEWAY,
        b"\x60\0\0\0\0\0\x3b\x40" + 2 * (b"\x20\x01\x0d\xb8" + 11 * b"\0" + b"\1"),
        0x86DD,
    ),
}
BETWEEN = frame(ENTRY, EXIT, packet(CLIENT, "198.51.100.9", UDP, datagram(5000, 53)))


HERE = Node(
    "here",
    Role.CONTROL,
    (Port("eth0", ("10.9.9.1/24",)), Port("eth1", ("10.9.8.1/24",))),
)
ALONE = Topology((HERE,), (Link(End("here", "eth0"), End("here", "eth1")),))


@asynccontextmanager
async def node() -> AsyncIterator[Lab]:
    """One node, `here`, with a cable between its ports."""
    async with asyncio.timeout(WITHIN_S), open_lab(ALONE) as lab:
        yield lab


async def leaks_of(leak: str, *frames: bytes) -> list[str]:
    """What a capture makes of these frames, once it has seen what came after them."""
    async with node() as lab, capture(lab, [Watch("here", "eth0", leak)]) as captured:
        await captured.rehearse()
        for one in frames:
            await inject(lab, "here", "eth0", one)
        await captured.rehearse()
        return captured.leaks()


@pytest.mark.parametrize("name", MAY_NOT)
async def test_a_leak_to_the_provider_is_caught(name: str) -> None:
    assert len(await leaks_of(all_but_tunnels(), MAY_NOT[name])) == 1


@pytest.mark.parametrize("name", MAY_NOT)
async def test_a_leak_past_the_exits_is_caught(name: str) -> None:
    assert len(await leaks_of(all_but_between([ENTRY, EXIT]), MAY_NOT[name])) == 1


async def test_tunnels_and_neighbours_are_no_leak() -> None:
    assert await leaks_of(all_but_tunnels(), *MAY_PASS.values()) == []
    assert await leaks_of(all_but_between([ENTRY, EXIT]), *MAY_PASS.values()) == []


async def test_clients_may_pass_between_entry_and_exit_only() -> None:
    assert await leaks_of(all_but_between([ENTRY, EXIT]), BETWEEN) == []
    assert len(await leaks_of(all_but_tunnels(), BETWEEN)) == 1


async def test_what_is_allowed_besides_is_no_leak() -> None:
    asked = frame(EXIT, GATEWAY, out(UDP, datagram(5000, 53)))

    assert await leaks_of(all_but_tunnels("udp port 53"), asked) == []


async def test_a_rehearsed_leak_is_seen_and_counted_apart() -> None:
    watch = Watch("here", "eth0", all_but_tunnels())
    async with node() as lab, capture(lab, [watch]) as captured:
        await inject(lab, "here", "eth0", leaking_frame())
        await captured.rehearse()

        assert captured.leaks() == []


async def test_a_blind_capture_is_told() -> None:
    watch = Watch("here", "eth0", "udp port 1")
    async with node() as lab, capture(lab, [watch]) as captured:
        with pytest.raises(CaptureError, match="a leak went unseen"):
            await captured.rehearse(within_s=0.3)


async def test_an_interface_that_is_not_there_is_told() -> None:
    watch = Watch("here", "nope0", all_but_tunnels())
    async with node() as lab:
        with pytest.raises(CaptureError, match="here/nope0: "):
            async with capture(lab, [watch]):
                pass
