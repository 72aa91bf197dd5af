"""What waits to be said, and what must be said again after each connect.

The one rule: a state is never lost, an event only with a log line and a count.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from bus.complaints import Complaints
from bus.interface import Counters

LIMIT: Final = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message on its way out; `raw` empty: a retained one is taken back."""

    name: str
    raw: bytes
    qos: int
    retain: bool


class Outbox:
    """A queue that is open while the broker is there; states outlive it."""

    def __init__(self, counters: Counters, limit: int = LIMIT) -> None:
        self._counters = counters
        self._complaints = Complaints(log)
        self._open = False
        self._present: dict[str, Parcel] = {}
        self._late: set[str] = set()  # states that found the queue full
        self._queue: asyncio.Queue[Parcel] = asyncio.Queue(limit)

    def put(self, parcel: Parcel) -> None:
        """It will be said as soon as it can, or dropped and counted."""
        if parcel.retain:
            self._present[parcel.name] = parcel
        if not self._open:
            if not parcel.retain:
                self.drop(parcel, "no broker")
        elif not self._queue.full():
            self._queue.put_nowait(parcel)
            self._counters.queued = self._queue.qsize()
        elif parcel.retain:
            self._late.add(parcel.name)
        else:
            self.drop(parcel, "too many at once")

    async def take(self) -> Parcel:
        """The next to be said; `done` follows."""
        return await self._queue.get()

    def done(self, parcel: Parcel, *, again: bool) -> None:
        """What was taken is dealt with; `again`: it is a state to be said again."""
        self._queue.task_done()
        self._counters.queued = self._queue.qsize()
        if not again and self._present.get(parcel.name) is parcel:
            del self._present[parcel.name]
        while self._late and not self._queue.full():
            if late := self._present.get(self._late.pop()):
                self._queue.put_nowait(late)

    def open(self, first: str) -> None:
        """The broker is there: the whole present is said, `first` before the rest."""
        self._open = True
        present = self._present.copy()
        head = present.pop(first, None)
        for parcel in (head, *present.values()):
            if parcel is not None:
                self.put(parcel)

    def close(self) -> None:
        """The broker is gone: states will be said again, events are lost."""
        self._open = False
        self._late.clear()
        while not self._queue.empty():
            parcel = self._queue.get_nowait()
            self._queue.task_done()
            if not parcel.retain:
                self.drop(parcel, "the link broke")

    async def emptied(self) -> None:
        """Returns once all that was put is said or dropped."""
        await self._queue.join()

    def drop(self, parcel: Parcel, why: str) -> None:
        """It will never be said."""
        self._counters.dropped += 1
        text = f"dropping a message on {parcel.name}: {why}"
        self._complaints.say(why, text)
