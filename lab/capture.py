"""Captures of what may not be there: every interface outside the tunnels is tapped.

Each filter matches only what would be a leak, and the kernel applies it: a capture
costs nothing while nothing leaks. A capture which never caught anything proves nothing:
`Capture.rehearse` lets one marked packet leak past every interface, and each has to see
its own before its silence counts.
"""

import asyncio
import ctypes
import socket
import struct
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from lab.internet import BUFFER_BYTES, SO_RCVBUFFORCE
from lab.nodes import Lab
from lab.rehearsal import inject, leaking_frame, number_of
from lab.talk import LabError

REHEARSAL_TIMEOUT_S: Final = 10.0
AGAIN_S: Final = 0.5
ETH_P_ALL: Final = 3  # <linux/if_ether.h>
SO_ATTACH_FILTER: Final = 26  # <asm-generic/socket.h>
SOL_PACKET: Final = 263  # <linux/socket.h>
PACKET_STATISTICS: Final = 6  # <linux/if_packet.h>
STATISTICS: Final = struct.Struct("II")  # frames, and those there was no room for
INSTRUCTION: Final = struct.Struct("HBBI")

# Neighbours on a link find each other by these; they tell nothing of a client.
NEIGHBOURS: Final = "arp or igmp or (ip6 and (dst net ff02::/16 or net fe80::/10))"
TUNNEL: Final = "udp port 500 or udp port 4500 or ip proto 50"
# "Port unreachable" and the like, about a packet of the tunnel which they quote.
TUNNEL_ERRORS: Final = (
    "icmp[0] == 3 and (icmp[17] == 50 or (icmp[17] == 17 and "
    "(icmp[28:2] == 500 or icmp[28:2] == 4500 or "
    "icmp[30:2] == 500 or icmp[30:2] == 4500)))"
)


def never(*allowed: str) -> str:
    """The filter that matches what none of the given ones does."""
    return " and ".join(f"not ({one})" for one in allowed if one)


def all_but_tunnels(also: str = "") -> str:
    """Leaks on a link between an exit and its provider: all that is not IKE or ESP.

    `also` names what else may be there, as a filter of tcpdump.
    """
    return never(NEIGHBOURS, TUNNEL, TUNNEL_ERRORS, also)


def all_but_between(members: Collection[str], also: str = "") -> str:
    """Leaks on a shared link: what is not from one member to another, nor a tunnel.

    `members` are the MAC addresses of entry and exits: clients' packets may go between
    them and to nobody else.
    """
    return never(NEIGHBOURS, TUNNEL, TUNNEL_ERRORS, between(members), also)


def between(members: Collection[str]) -> str:
    """The filter for what goes from one of these MAC addresses to another."""
    sides = (
        " or ".join(f"ether {side} {mac}" for mac in sorted(members))
        for side in ("src", "dst")
    )
    return " and ".join(f"({side})" for side in sides)


@dataclass(frozen=True, slots=True)
class Watch:
    """One interface of one node, and what would be a leak there."""

    node: str
    interface: str
    leak: str

    def __str__(self) -> str:
        return f"{self.node}/{self.interface}"


class CaptureError(Exception):
    """A capture could not be started, or is blind."""


@dataclass(slots=True)
class Tap:
    """One interface that is listened at.

    Attributes:
        number: A rehearsal meant for it carries the same.
        rehearsed: How many of them it has seen.
        leaks: The packets so far that nobody leaked on purpose.
        heard: Set whenever something came.
    """

    number: int
    watch: Watch
    socket: socket.socket
    rehearsed: int = 0
    leaks: list[str] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def read(self) -> None:
        """Take in what the kernel has kept."""
        while True:
            try:
                frame = self.socket.recv(256)
            except BlockingIOError:
                return
            except OSError:
                continue  # the interface went down; told once
            number = number_of(frame)
            if number is None:
                self.leaks.append(f"{self.watch}: {described(frame)}")
            elif number == self.number:
                self.rehearsed += 1
            self.heard.set()

    def missed(self) -> int:
        """How many frames there was no room for, since the last time."""
        told = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, STATISTICS.size)
        return int(STATISTICS.unpack(told)[1])


class Capture:
    """The running captures, seen as one."""

    def __init__(self, lab: Lab, taps: Sequence[Tap]) -> None:
        self._lab = lab
        self._taps = taps

    def leaks(self) -> list[str]:
        """Every packet so far that may not be there."""
        return [leak for tap in self._taps for leak in tap.leaks]

    def forgive(self) -> None:
        """What has leaked so far was on purpose: it counts no more."""
        for tap in self._taps:
            tap.leaks.clear()

    async def rehearse(self, within_s: float = REHEARSAL_TIMEOUT_S) -> None:
        """Let one packet leak past every interface; return when all have been seen.

        Raises:
            CaptureError: One did not see it: it is blind.
        """
        for tap in self._taps:
            try:
                async with asyncio.timeout(within_s):
                    await self._rehearse(tap)
            except TimeoutError:
                what = f"capturing at {tap.watch}: a leak went unseen"
                raise CaptureError(what) from None
            if missed := tap.missed():
                raise CaptureError(f"capturing at {tap.watch}: {missed} went unseen")

    async def _rehearse(self, tap: Tap) -> None:
        enough, frame = tap.rehearsed + 1, leaking_frame(tap.number)
        while tap.rehearsed < enough:
            tap.heard.clear()
            # What is sent before a cable is alive is lost: once more then.
            await inject(self._lab, tap.watch.node, tap.watch.interface, frame)
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await tap.heard.wait()


@asynccontextmanager
async def capture(lab: Lab, watches: Sequence[Watch]) -> AsyncIterator[Capture]:
    """Capture at all these interfaces; all listen when it begins.

    Raises:
        CaptureError: A filter or an interface was refused.
    """
    loop = asyncio.get_running_loop()
    programs = {leak: await _compiled(lab, leak) for leak in {w.leak for w in watches}}
    async with AsyncExitStack() as stack:
        taps = []
        for number, watch in enumerate(watches):
            tap = await _tap(lab, number, watch, programs[watch.leak])
            stack.enter_context(tap.socket)
            loop.add_reader(tap.socket, tap.read)
            stack.callback(loop.remove_reader, tap.socket)
            taps.append(tap)
        yield Capture(lab, taps)


async def _compiled(lab: Lab, leak: str) -> bytes:
    """The kernel's program for a filter, as tcpdump makes it."""
    command = ["tcpdump", "-ddd", "-y", "EN10MB", leak]
    try:
        said = (await lab.exec("", command)).stdout
    except LabError as error:
        raise CaptureError(f"capturing {leak!r}: {error}") from error
    lines = said.splitlines()[1:]
    return b"".join(INSTRUCTION.pack(*map(int, line.split())) for line in lines)


async def _tap(lab: Lab, number: int, watch: Watch, program: bytes) -> Tap:
    # Of no protocol, it hears nothing before it has its filter.
    ear = await lab.socket(watch.node, socket.AF_PACKET, socket.SOCK_RAW)
    try:
        ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        kept = ctypes.create_string_buffer(program)
        count = len(program) // INSTRUCTION.size
        told = struct.pack("HP", count, ctypes.addressof(kept))
        ear.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, told)
        ear.bind((watch.interface, ETH_P_ALL))
    except OSError as error:
        ear.close()
        raise CaptureError(f"capturing at {watch}: {error.strerror}") from error
    return Tap(number, watch, ear)


def described(frame: bytes) -> str:
    """A frame for a person: stations, addresses, protocol, bytes, and words in it."""
    target, source, kind = frame[:6].hex(":"), frame[6:12].hex(":"), frame[12:14].hex()
    what = f"{source} > {target}, type {kind}"
    if kind == "0800" and len(frame) >= 14 + 20:
        packet = frame[14:]
        ends = (socket.inet_ntoa(packet[start : start + 4]) for start in (12, 16))
        what += f", {' > '.join(ends)}, protocol {packet[9]}"
    words = bytes(byte if 32 <= byte < 127 else ord(".") for byte in frame[14:])
    return f"{what}: {frame[14:].hex()} {words.decode()}"
