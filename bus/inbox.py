"""What was heard and waits to be looked at; what does not fit never gets that far.

The one rule: nothing that somebody else says raises, and nothing is dropped without
being counted and, once per kind, logged. What waits has a limit: whoever cannot follow
loses the oldest, as states are said again, and the newest of them is what holds.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from bus.commands import Request
from bus.complaints import Complaints
from bus.errors import PayloadError
from bus.interface import (
    BusDown,
    BusUp,
    Counters,
    Heard,
    Received,
    Subscription,
    read,
)
from bus.replay import Transactions
from bus.topics import topic_of

# The broker holds no more for a reader either; 1,000 exits' states are a third of it.
LIMIT_BYTES: Final = 16 * 2**20
READ_BYTES: Final = 1_024  # what a message takes as values, besides its text

log = logging.getLogger(__name__)


class Inbox:
    """A queue that never blocks: the link's ups and downs are always kept."""

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        counters: Counters,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._subscriptions = tuple(subscriptions)
        self._counters = counters
        self._complaints = Complaints(log)
        self._transactions = Transactions()
        self._limit_bytes = limit_bytes
        self._waiting: deque[tuple[Heard, int]] = deque()  # with what it takes
        self._bytes = 0
        self._news = asyncio.Event()

    def put(self, heard: BusUp | BusDown) -> None:
        """It is the next, after all that waits."""
        self._append(heard, 0)

    def deliver(self, name: str, raw: bytes, *, retained: bool) -> None:
        """Reads a message below the base; one that does not fit is dropped."""
        try:
            heard = read(self._subscriptions, name, raw, retained=retained)
        except PayloadError as error:
            self._counters.malformed += 1
            self._complain(name, str(error))
            return
        if self._is_repeated(heard):
            self._counters.repeated += 1
            self._complain(name, "the same request again")
            return
        self._append(heard, len(raw) + READ_BYTES)
        if self._bytes > self._limit_bytes:
            self._make_room()

    async def next(self) -> Heard:
        """What was heard first, and not yet looked at."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        heard, size = self._waiting.popleft()
        self._bytes -= size
        return heard

    def _append(self, heard: Heard, size: int) -> None:
        self._waiting.append((heard, size))
        self._bytes += size
        self._news.set()

    def _make_room(self) -> None:
        """Drops the oldest messages, until what waits fits."""
        kept = []
        while self._waiting and self._bytes > self._limit_bytes:
            heard, size = self._waiting.popleft()
            if isinstance(heard, BusUp | BusDown):
                kept.append((heard, size))
                continue
            self._bytes -= size
            self._counters.dropped += 1
            name = heard.topic.name(**heard.levels)
            text = f"dropping a message on {name}: too many wait to be looked at"
            self._complaints.say("too many", text)
        self._waiting.extendleft(reversed(kept))

    def _complain(self, name: str, why: str) -> None:
        topic = topic_of(name)
        kind = topic.pattern if topic else ""
        self._complaints.say(kind, f"dropping a message on {name}: {why}")

    def _is_repeated(self, heard: Heard) -> bool:
        match heard:
            case Received(levels=levels, payload=Request(transaction=asked)):
                return self._transactions.again(levels, asked, time.monotonic())
            case _:
                return False
