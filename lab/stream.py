"""A stream of numbered packets, and what of it came back: how an outage is measured.

Runs as a process of its own on a socket that lives in the client's node, and needs
nothing but the standard library, so that it starts at once. It sends to an echo server
(`lab.internet`) which answers each number with the address that it saw, so a reply
tells when the path worked and through whom. Talks lines of JSON: one with its rate when
it begins, and one for each command from standard input, whose end is its own:

    window START END    what became of the packets sent between two moments
    flow SINCE          answers once a packet sent after SINCE has come back
    by ADDRESS          answers once packets leave by this address

Moments are seconds of the monotonic clock, which all processes of a machine share.
Times of arrival are the kernel's, so a late reader does not look like an outage; its
own late sending does, and is therefore told beside it (`longest_pause_ms`).
"""

import argparse
import json
import os
import select
import socket
import struct
import sys
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import Final

from lab.internet import BUFFER_BYTES, REPLY, REQUEST, SO_RCVBUFFORCE

Answer = dict[str, object]

RATES_HZ: Final = (1000, 750, 500, 250, 200, 150, 100, 75, 50)
# What of one CPU the stream may cost, all nodes on the packet's way included.
SHARE: Final = 0.4
TRIAL_S: Final = 0.5
# A packet that has not come back by then is lost, unless it comes back later still.
LATE_S: Final = 0.5
TRIAL_TIMEOUT_S: Final = 5.0
SO_TIMESTAMPNS: Final = 35  # <asm-generic/socket.h>; Python 3.11 has no names for them
TIMESPEC: Final = struct.Struct("@qq")


@dataclass(frozen=True, slots=True)
class Window:
    """What became of the packets sent between two moments.

    Attributes:
        longest_gap_ms: The longest time in which nothing came back.
        longest_pause_ms: The longest time in which nothing was sent: what of the gap
            may be the prober's own fault.
        seen: Keys: addresses that the echo server saw; values: packets.
    """

    sent: int
    lost: int
    longest_gap_ms: float
    longest_pause_ms: float
    seen: dict[str, int]


@dataclass(slots=True)
class Track:
    """Every packet by number: when it went, when it came back, seen from where.

    `back_s` is 0 while a packet has not come back; `seen` then means nothing.
    """

    sent_s: "array[float]"
    back_s: "array[float]"
    seen: "array[int]"
    addresses: list[str]

    def went(self, at_s: float) -> int:
        """The number of the packet that goes at this moment."""
        self.sent_s.append(at_s)
        self.back_s.append(0.0)
        self.seen.append(0)
        return len(self.sent_s) - 1

    def came(self, number: int, at_s: float, address: str) -> bool:
        """Whether this packet came by another way than any before it."""
        new = address not in self.addresses
        if new:
            self.addresses.append(address)
        if number < len(self.back_s) and not self.back_s[number]:
            self.back_s[number] = at_s
            self.seen[number] = self.addresses.index(address)
        return new


def new_track() -> Track:
    """A track without packets."""
    return Track(array("d"), array("d"), array("B"), [])


def measure(track: Track, start_s: float, end_s: float) -> Window:
    """What became of the packets sent in `start_s`..`end_s`.

    The gap is one between arrivals, the window's own edges included: a path that never
    came back has a gap up to the window's end.
    """
    first = bisect_left(track.sent_s, start_s)
    last = bisect_left(track.sent_s, end_s)
    numbers = range(first, last)
    back = sorted(track.back_s[n] for n in numbers if track.back_s[n])
    seen: dict[str, int] = {}
    for number in numbers:
        if track.back_s[number]:
            address = track.addresses[track.seen[number]]
            seen[address] = seen.get(address, 0) + 1
    sent = track.sent_s[first:last]
    return Window(
        sent=len(numbers),
        lost=len(numbers) - len(back),
        longest_gap_ms=_longest([start_s, *back, max([end_s, *back[-1:]])]),
        longest_pause_ms=_longest(sent),
        seen=seen,
    )


def _longest(moments: Iterable[float]) -> float:
    gaps = (after - before for before, after in pairwise(moments))
    return round(1000 * max(gaps, default=0.0), 1)


def affordable_hz(round_trip_s: float) -> int:
    """The fastest rate that leaves the machine to those who are measured.

    One packet at a time, on one CPU, spends its round trip in computing: what the trip
    takes is what a packet costs.
    """
    return next((r for r in RATES_HZ if r * round_trip_s <= SHARE), RATES_HZ[-1])


class Stream:
    """The running stream: sends when due, drains what came back, answers commands."""

    def __init__(self, descriptor: int, address: str, port: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.connect((address, port))
        self._socket.setblocking(False)
        self._offset_s = time.monotonic() - time.time()
        self._track = new_track()
        self._latest = ""  # the address seen last, and since when it is
        self._latest_s = 0.0
        self._flowing_since_s = 0.0
        self._waiting: list[Callable[[float], Answer | None]] = []
        self._typed = b""

    def trial(self) -> float:
        """How long a round trip takes, seconds: the quick ones of half a second.

        The slow ones waited for somebody else.

        Raises:
            TimeoutError: Nothing comes back.
        """
        trips: list[float] = []
        start_s = time.monotonic()
        while time.monotonic() < start_s + TRIAL_S or not trips:
            if time.monotonic() > start_s + TRIAL_TIMEOUT_S:
                raise TimeoutError("trying the stream: no packet comes back")
            sent_s = time.monotonic()
            number = self._send(sent_s)
            select.select([self._socket], [], [], 1.0)
            self._drain()
            if self._track.back_s[number]:
                trips.append(time.monotonic() - sent_s)
        return sorted(trips)[len(trips) // 4]

    def run(self, rate_hz: int) -> None:
        """Send at this rate until standard input ends."""
        period_s = 1 / rate_hz
        due_s = time.monotonic()
        while True:
            wait_s = max(0.0, due_s - time.monotonic())
            if select.select([0], [], [], wait_s)[0] and not self._read():
                return
            now_s = time.monotonic()
            if now_s >= due_s:
                self._send(now_s)
                # Packets missed while the machine was busy are not sent in a burst.
                due_s = max(due_s + period_s, now_s)
            self._drain()
            self._answer(now_s)

    def _send(self, now_s: float) -> int:
        number = self._track.went(now_s)
        try:
            self._socket.send(REQUEST.pack(number))
        except OSError:
            # Refused or unreachable for now: the packet counts as lost.
            return number
        return number

    def _drain(self) -> None:
        while True:
            try:
                reply, extra, _, _ = self._socket.recvmsg(REPLY.size, 64)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier packet; reading clears it
            if len(reply) == REPLY.size:
                number, seen = REPLY.unpack(reply)
                self._came(number, self._arrival_s(extra), socket.inet_ntoa(seen))

    def _arrival_s(self, extra: list[tuple[int, int, bytes]]) -> float:
        for _, kind, raw in extra:
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = TIMESPEC.unpack(raw)
                return float(seconds + nanoseconds / 1e9 + self._offset_s)
        return time.monotonic()

    def _came(self, number: int, at_s: float, address: str) -> None:
        self._track.came(number, at_s, address)
        if number < len(self._track.sent_s):
            sent_s = self._track.sent_s[number]
            self._flowing_since_s = max(self._flowing_since_s, sent_s)
        if address != self._latest:
            self._latest, self._latest_s = address, at_s

    def _read(self) -> bool:
        """Whether standard input goes on; whole lines become waiting commands."""
        chunk = os.read(sys.stdin.fileno(), 4096)
        *lines, self._typed = (self._typed + chunk).split(b"\n")
        verbs = {"window": self._window, "flow": self._flow, "by": self._by}
        for line in lines:
            verb, *words = line.decode().split()
            self._waiting.append(partial(verbs[verb], words))
        return bool(chunk)

    def _answer(self, now_s: float) -> None:
        for waiting in tuple(self._waiting):
            if (answer := waiting(now_s)) is not None:
                self._waiting.remove(waiting)
                say(answer)

    def _window(self, words: Sequence[str], now_s: float) -> Answer | None:
        start_s, end_s = map(float, words)
        if now_s < end_s + LATE_S:
            return None
        return asdict(measure(self._track, start_s, end_s))

    def _flow(self, words: Sequence[str], _now_s: float) -> Answer | None:
        if self._flowing_since_s <= float(words[0]):
            return None
        return {"flowing": self._latest, "at": self._flowing_since_s}

    def _by(self, words: Sequence[str], _now_s: float) -> Answer | None:
        if self._latest != words[0]:
            return None
        return {"by": self._latest, "at": self._latest_s}


def say(value: Answer) -> None:
    """Print one line of JSON, at once."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Stream to the given echo server at an affordable rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", type=int, help="a UDP socket that we inherited")
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=int, default=0, help="Hz; 0: what it can do")
    arguments = parser.parse_args()
    stream = Stream(arguments.socket, arguments.address, arguments.port)
    trip_s = stream.trial()
    rate_hz = arguments.rate or affordable_hz(trip_s)
    say({"rate_hz": rate_hz, "round_trip_ms": round(1000 * trip_s, 2)})
    stream.run(rate_hz)


if __name__ == "__main__":
    main()
