"""What the prober's file tells: is the flow steady, by which exit, what was lost."""

import asyncio
import mmap
import socket
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench.failover.prober import HEADER

MS: Final = 1_000_000  # ns
NEWEST_MS: Final = 15  # packets that may still be on their way
LEAST_SHARE: Final = 0.6  # of the packets that should be there, or nothing is known
LOOK_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of the packets sent between two moments.

    Attributes:
        gap_ms: The longest time between two arrivals, the packets' spacing included.
        pause_ms: The longest time between two sendings: what of the gap is ours.
        ways: Who was seen, one after the other; more than one: the way changed.
        first_ms: Keys: who was seen; values: from the window's start until a packet
            came back that had left so.
    """

    sent: int
    lost: int
    gap_ms: float
    pause_ms: float
    ways: tuple[str, ...]
    first_ms: dict[str, float]

    @property
    def changes(self) -> int:
        """How often the way changed."""
        return max(0, len(self.ways) - 1)


def passage(
    start_ns: int, sent: Sequence[int], back: Sequence[int], seen: Sequence[int]
) -> Passage:
    """The passage of these packets; a `back` of 0 never came.

    Changes are counted in the order of sending: late arrivals are no change.
    """
    came = sorted(at for at in back if at)
    ways: list[str] = []
    first_ms: dict[str, float] = {}
    last = None
    for at, who in zip(back, seen, strict=True):
        if at and who != last:
            last, name = who, address(who)
            ways.append(name)
            first_ms.setdefault(name, (at - start_ns) / MS)
    return Passage(
        sent=len(sent),
        lost=len(sent) - len(came),
        gap_ms=_longest(came) / MS,
        pause_ms=_longest(sent) / MS,
        ways=tuple(ways),
        first_ms=first_ms,
    )


def way(back: Sequence[int], seen: Sequence[int]) -> str:
    """By whom all of these packets came back; empty if not all did, or not by one."""
    if not back or not all(back) or len(set(seen)) != 1:
        return ""
    return address(seen[0])


def address(number: int) -> str:
    """The address as people write it."""
    return socket.inet_ntoa(number.to_bytes(4, "big"))


def _longest(moments: Sequence[int]) -> int:
    return max((after - before for before, after in pairwise(moments)), default=0)


class Flow:
    """The prober's file, while it is written."""

    def __init__(self, file: Path, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        with file.open("rb") as opened:
            mapped = mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ)
        self._words = memoryview(mapped).cast("Q")
        self._room = self._words[1]

    @property
    def sent(self) -> int:
        """Packets so far."""
        return self._words[0]

    def way(self, last_ms: float) -> str:
        """By whom all late packets came back; empty if not all did, or not by one."""
        now_ns = time.time_ns()
        first = self._number(now_ns - int((last_ms + NEWEST_MS) * MS))
        last = self._number(now_ns - NEWEST_MS * MS)
        if last - first < LEAST_SHARE * last_ms * self.rate_hz / 1000:
            return ""
        return way(self._cut(1, first, last), self._cut(2, first, last))

    def passage(self, start_ns: int, end_ns: int) -> Passage:
        """What became of the packets sent between two moments (Unix ns)."""
        first, last = self._number(start_ns), self._number(end_ns)
        columns = [self._cut(column, first, last) for column in range(3)]
        return passage(start_ns, *columns)

    async def until(self, fact: Callable[[], bool], within_s: float) -> bool:
        """Whether the fact came true in time."""
        deadline_s = time.monotonic() + within_s
        while not fact():
            if time.monotonic() > deadline_s:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def _number(self, at_ns: int) -> int:
        """The first packet sent then or later."""
        return bisect_left(self._words[HEADER : HEADER + self.sent], at_ns)

    def _cut(self, column: int, first: int, last: int) -> list[int]:
        start = HEADER + column * self._room
        return self._words[start + first : start + last].tolist()
