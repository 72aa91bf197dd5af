"""A client that tries everything, all the time, with packets known by their mark.

To the internet and to whatever stands on the way there, under its own address and under
others', in IPv4 and IPv6, through its tunnel. And an entry that goes by an old order:
it passes clients' packets on to every exit, active or not. Who is reached tells it;
what leaks, captures see.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lab.inside import station
from lab.nodes import Lab
from lab.rehearsal import udp_packet
from lab.talk import LabError
from lab.topology import (
    BRIDGE_GATEWAY,
    CONTROL_ADDRESS,
    ENTRY_ADDRESS,
    ENTRY_TUNNEL_ADDRESS,
    INTERNET_ADDRESS,
    Topology,
    bus_address,
    client_address,
    exit_address,
    public_address,
)

TOKEN: Final = bytes.fromhex("c1e27a9d")
PAYLOAD: Final = 8 * TOKEN  # so that it is found behind any header of whole words
# What tcpdump knows them by, whatever ports they have. A filter that looks beyond the
# end of a packet lets it go, whatever else is asked: hence the length.
MARKED: Final = f"udp[4:2] >= 20 and udp[16:4] = 0x{TOKEN.hex()}"

INTERNET: Final = "internet"
RESOLVER: Final = "resolver"
PUSHED: Final = "pushed"

ROUND_S: Final = 0.1
LOOK_S: Final = 0.02
AFRESH: Final = 5  # rounds after which other ports are used: new flows to everybody
PORT: Final = 7009
DNS: Final = 53
NOBODY: Final = 9  # the port of those with whom a client has no business
SOURCE_PORT: Final = 40009
SOURCE_PORTS: Final = 10_000
# Ports that are let through elsewhere: IKE, ESP in UDP, L2TP.
LIKE_TUNNELS: Final = (500, 4500, 1701)
SOMEWHERE_IPV6: Final = "2001:db8::1"
# Of the entry, of an exit, of the bus, of somebody out there.
SPOOFED: Final = (
    *(ENTRY_ADDRESS, exit_address("exit-a"), CONTROL_ADDRESS),
    "192.0.2.77",
)


class Target(NamedTuple):
    """Where packets of one kind go."""

    kind: str
    address: str
    port: int


class Arrival(NamedTuple):
    """A marked packet at `internet`: when, of which kind, and from whom."""

    at_s: float
    kind: str
    source: str


class Parcel(NamedTuple):
    """What to send, by which socket, where to."""

    sender: socket.socket
    packet: bytes
    target: tuple[str, int] | None


@dataclass(slots=True)
class Marked:
    """What was sent, and what of it came to `internet`.

    Attributes:
        rounds: How many times everything was tried.
    """

    rounds: int = 0
    arrivals: list[Arrival] = field(default_factory=list)

    def sources(self, since_s: float, kind: str = INTERNET) -> set[str]:
        """Who brought packets of a kind since a moment."""
        return {
            one.source
            for one in self.arrivals
            if one.at_s >= since_s and one.kind == kind
        }

    async def arrives(self, source: str, within_s: float, kind: str = INTERNET) -> None:
        """Return once one more comes from there.

        Raises:
            LabError: None does in time.
        """
        start_s = time.monotonic()
        while source not in self.sources(start_s, kind):
            if time.monotonic() > start_s + within_s:
                what = f"no packet to {kind} from {source}"
                raise LabError(f"marked: {what} within {within_s:g} s")
            await asyncio.sleep(LOOK_S)

    async def tries(self, rounds: int = 3) -> None:
        """Return once everything has been tried so many times more."""
        last = self.rounds + rounds
        while self.rounds < last:  # noqa: ASYNC110 - a counter tells nobody
            await asyncio.sleep(LOOK_S)

    def take(self, receiver: socket.socket) -> None:
        """Note what has arrived."""
        with suppress(BlockingIOError):
            while True:
                payload, (source, _) = receiver.recvfrom(256)
                if payload.startswith(PAYLOAD):
                    kind = payload.removeprefix(PAYLOAD).decode()
                    self.arrivals.append(Arrival(time.monotonic(), kind, source))


@asynccontextmanager
async def marked(lab: Lab, client: str = "") -> AsyncIterator[Marked]:
    """Everything is tried until the block is left.

    `client`: who does, its wg0 has to exist; empty: there is the entry only.
    """
    course = Marked()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        for port in (PORT, DNS):
            receiver = await lab.socket("internet", socket.AF_INET, socket.SOCK_DGRAM)
            stack.enter_context(receiver)
            receiver.bind((INTERNET_ADDRESS, port))
            loop.add_reader(receiver, course.take, receiver)
            stack.callback(loop.remove_reader, receiver)
        trying = tasks.create_task(_try(lab, client, course), name="marked")
        try:
            yield course
        finally:
            trying.cancel()


async def _try(lab: Lab, client: str, course: Marked) -> None:
    members = ("entry", *lab.topology.exits)
    stations = [await station(lab, name) for name in members]
    while True:
        async with AsyncExitStack() as stack:
            parcels = await _pushed(lab, stack, stations, course.rounds)
            if client:
                parcels += await _tried(lab, stack, client)
            for _ in range(AFRESH):
                for sender, packet, target in parcels:
                    with suppress(OSError):  # refused right here: it was tried
                        sender.sendto(packet, target) if target else sender.send(packet)
                course.rounds += 1
                await asyncio.sleep(ROUND_S)


async def _pushed(
    lab: Lab, stack: AsyncExitStack, stations: Sequence[str], number: int
) -> list[Parcel]:
    """From the entry to each exit, past all that the entry's agent says."""
    sender = stack.enter_context(
        await lab.socket("entry", socket.AF_PACKET, socket.SOCK_RAW)
    )
    sender.bind(("eth0", 0))
    source = client_address("client"), SOURCE_PORT + number % SOURCE_PORTS
    packet = udp_packet(source, (INTERNET_ADDRESS, PORT), PAYLOAD + PUSHED.encode())
    entry, *exits = (bytes.fromhex(mac.replace(":", "")) for mac in stations)
    return [Parcel(sender, mac + entry + b"\x08\x00" + packet, None) for mac in exits]


async def _tried(lab: Lab, stack: AsyncExitStack, client: str) -> list[Parcel]:
    """Through the client's tunnel."""
    kinds = (
        (socket.AF_INET, socket.SOCK_DGRAM, 0),
        (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
        (socket.AF_INET6, socket.SOCK_DGRAM, 0),
    )
    senders = [stack.enter_context(await lab.socket(client, *kind)) for kind in kinds]
    for sender in senders:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wg0")
    udp, raw, ipv6 = senders
    parcels = [
        Parcel(udp, PAYLOAD + kind.encode(), (address, port))
        for kind, address, port in targets(lab.topology)
    ]
    for source in SPOOFED:
        ends = (source, SOURCE_PORT), (INTERNET_ADDRESS, PORT)
        spoofed = udp_packet(*ends, PAYLOAD + b"spoofed")
        parcels.append(Parcel(raw, spoofed, (INTERNET_ADDRESS, 0)))
    return [*parcels, Parcel(ipv6, PAYLOAD + b"ipv6", (SOMEWHERE_IPV6, PORT))]


def targets(topology: Topology) -> Iterator[Target]:
    """Where a client tries to get by UDP."""
    yield Target(INTERNET, INTERNET_ADDRESS, PORT)
    yield Target(RESOLVER, ENTRY_TUNNEL_ADDRESS, DNS)
    yield Target("dns", INTERNET_ADDRESS, DNS)
    for port in LIKE_TUNNELS:
        yield Target("like a tunnel", INTERNET_ADDRESS, port)
    yield Target("gateway", BRIDGE_GATEWAY, NOBODY)
    yield Target("entry", ENTRY_ADDRESS, NOBODY)
    for name in topology.exits:
        yield Target(name, exit_address(name), NOBODY)
    for name in ("entry", *topology.exits):
        yield Target(f"{name} on the bus", bus_address(name), NOBODY)
    yield Target("broker", CONTROL_ADDRESS, 1883)
    for name in topology.providers:
        yield Target(name, public_address(name), NOBODY)
