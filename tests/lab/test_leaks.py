"""The lab's captures: every place is watched, and each of them sees a leak."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from agents.icmp import checksum
from lab.capture import Capture, capture
from lab.inside import station
from lab.leaks import watches
from lab.marked import PAYLOAD
from lab.nodes import Lab, open_lab
from lab.rehearsal import SENDER, STRANGER, inject, udp_packet
from lab.topology import (
    CONTROL_ADDRESS,
    ENTRY_ADDRESS,
    INTERNET_ADDRESS,
    build,
    client_address,
    exit_address,
    public_address,
)

pytestmark = pytest.mark.kernel

WITHIN_S: Final = 30.0
CHAIN: Final = "198.18.0.1"  # what a provider sees of it
PROVIDER: Final = public_address("provider-a")


def unreachable(source: str, target: str) -> bytes:
    """A frame that says that nobody listens at 1701, and quotes what came there."""
    error = (
        struct.pack("!BBHI", 3, 3, 0, 0) + b"\x45" + 8 * b"\0" + b"\x11" + 18 * b"\0"
    )
    ends = (socket.inet_aton(source), socket.inet_aton(target))
    size = 20 + len(error)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 1, 0, *ends)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return STRANGER + SENDER + b"\x08\x00" + header + error


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Lab, Capture]]:
    """The whole lab, without anything that runs in it."""
    async with (
        asyncio.timeout(WITHIN_S),
        open_lab(build()) as lab,
        capture(lab, await watches(lab)) as captured,
    ):
        yield lab, captured


async def test_every_place_outside_the_tunnels_sees_a_leak() -> None:
    async with asyncio.timeout(WITHIN_S), open_lab(build()) as lab:
        places = {str(watch) for watch in await watches(lab)}

    assert places == {
        f"{node.name}/{port.name}" for node in build().nodes for port in node.ports
    }
    async with watched() as (_, captured):
        await captured.rehearse()

        assert captured.leaks() == []


async def test_what_a_provider_gives_away_is_its_own_affair() -> None:
    async with watched() as (lab, captured):
        await inject(lab, "router", "wan-a", unreachable(PROVIDER, CHAIN))
        await captured.rehearse()

        assert captured.leaks() == []


async def test_what_an_exit_gives_away_is_a_leak() -> None:
    async with watched() as (lab, captured):
        await inject(lab, "router", "wan-a", unreachable(CHAIN, PROVIDER))
        await captured.rehearse()

        places = [one.partition(":")[0] for one in captured.leaks()]
        assert places == ["router/wan-a", "provider-a/eth0"]  # one cable


GATEWAY: Final = "router"
CLIENT: Final = client_address("client")
# Who sends it to whom on the bridge, and what: from, to, payload.
Sent = tuple[str, str, tuple[str, int], tuple[str, int], bytes]
LEAKS: Final[dict[str, Sent]] = {
    "an_exits_packet_at_a_tunnels_port_in_the_clear": (
        *("exit-a", GATEWAY),
        *((exit_address("exit-a"), 4500), (PROVIDER, 4500), PAYLOAD),
    ),
    "a_clients_packet_at_a_tunnels_port_past_the_exits": (
        *("entry", GATEWAY),
        *((CLIENT, 4500), (PROVIDER, 4500), b""),
    ),
    "a_spoofed_source": (
        *("entry", "exit-a"),
        *(("192.0.2.77", 5000), (INTERNET_ADDRESS, 5000), b""),
    ),
    "the_entrys_own_address_on_a_clients_packet": (
        *("entry", "exit-a"),
        *((ENTRY_ADDRESS, 5000), (INTERNET_ADDRESS, 5000), PAYLOAD),
    ),
    "a_client_at_the_bridges_hosts": (
        *("entry", "exit-a"),
        *((CLIENT, 5000), (exit_address("exit-b"), 5000), b""),
    ),
    "a_client_at_the_bus": (
        *("entry", "exit-a"),
        *((CLIENT, 5000), (CONTROL_ADDRESS, 1883), b""),
    ),
}
CLEAN: Final[dict[str, Sent]] = {
    "a_client_on_its_way_to_an_exit": (
        *("entry", "exit-a"),
        *((CLIENT, 5000), (INTERNET_ADDRESS, 5000), PAYLOAD),
    ),
    "a_detour": (
        *("exit-a", "exit-b"),
        *((CLIENT, 5000), (INTERNET_ADDRESS, 5000), PAYLOAD),
    ),
    "an_answer": (
        *("exit-a", "entry"),
        *((INTERNET_ADDRESS, 5000), (CLIENT, 5000), b""),
    ),
    "the_entry_that_tries_a_path": (
        *("entry", "exit-b"),
        *((ENTRY_ADDRESS, 5000), (INTERNET_ADDRESS, 5000), b""),
    ),
    "a_tunnel": (
        *("exit-a", GATEWAY),
        *((exit_address("exit-a"), 4500), (PROVIDER, 4500), 40 * b"\1"),
    ),
}


async def seen(sent: Sent) -> list[str]:
    """What the captures make of a packet, where it leaves its sender."""
    sender, receiver, source, target, payload = sent
    async with watched() as (lab, captured):
        await captured.rehearse()
        own = await station(lab, sender)
        other = "02:00:00:00:00:01"  # nobody of the chain
        if receiver != GATEWAY:
            other = await station(lab, receiver)
        stations = bytes.fromhex(f"{other}{own}".replace(":", ""))
        frame = stations + b"\x08\x00" + udp_packet(source, target, payload)
        await inject(lab, sender, "eth0", frame)
        await captured.rehearse()
        return [one for one in captured.leaks() if one.startswith(f"{sender}/eth0")]


@pytest.mark.parametrize("name", LEAKS)
async def test_on_the_bridge_it_is_a_leak(name: str) -> None:
    assert len(await seen(LEAKS[name])) == 1


@pytest.mark.parametrize("name", CLEAN)
async def test_on_the_bridge_it_is_none(name: str) -> None:
    assert await seen(CLEAN[name]) == []


async def test_a_provider_without_an_sa_speaks_in_the_clear_at_its_own_risk() -> None:
    frame = STRANGER + SENDER + b"\x08\x00"
    async with watched() as (lab, captured):
        theirs = udp_packet((PROVIDER, 1701), (CHAIN, 1701))
        await inject(lab, "router", "wan-a", frame + theirs)
        await captured.rehearse()
        assert captured.leaks() == []

        ours = udp_packet((CHAIN, 1701), (PROVIDER, 1701))
        await inject(lab, "router", "wan-a", frame + ours)
        await captured.rehearse()
        assert captured.leaks()
