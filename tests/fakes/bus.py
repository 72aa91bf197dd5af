"""A broker and its links without a wire.

It keeps retained values, really encodes and decodes, understands the wildcards of
subscriptions, and refuses a second writer of a topic. `tests/bus/test_contract.py` runs
over this and over the real link, so the two cannot drift apart.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Self, TypeVar

from bus.codec import decode, encode
from bus.errors import PayloadError
from bus.inbox import Inbox
from bus.interface import (
    BusDown,
    BusUp,
    Counters,
    Heard,
    Subscription,
)
from bus.messages.presence import Presence, Status
from bus.messages.stamp import Stamp
from bus.topics import PRESENCE, Topic

P = TypeVar("P")

UNTIL_TIMEOUT_S: Final = 20.0
LEVEL: Final = re.compile(r"\{([a-z]+)\}")


class SecondWriterError(AssertionError):
    """An agent said what only another may say."""


class FakeBroker:
    """The broker: what is retained, what was ever said, who listens."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.retained: dict[str, bytes] = {}
        self.said: list[tuple[str, bytes]] = []
        self.buses: list[FakeBus] = []
        self._news = asyncio.Event()

    @asynccontextmanager
    async def open_link(
        self, name: str, role: str, subscriptions: Sequence[Subscription] = ()
    ) -> AsyncIterator["FakeBus"]:
        """As bus.link.open_link."""
        bus = FakeBus(self, name, role, subscriptions)
        self.buses.append(bus)
        if self.up:
            bus.connect()
        status = Status.OFFLINE
        try:
            yield bus
            status = Status.STOPPED
        finally:
            bus.leave(status)
            self.buses.remove(bus)

    # --- the broker's own life --------------------------------------------------------

    def stop(self, *, forget: bool = True) -> None:
        """The broker dies; without persistence it forgets what it retained."""
        self.up = False
        if forget:
            self.retained.clear()
        for bus in self.buses:
            bus.disconnect()

    def start(self) -> None:
        """The broker is back, and everybody connects."""
        self.up = True
        for bus in self.buses:
            bus.connect()

    # --- what others say, and what was said -------------------------------------------

    def say(self, topic: Topic[P], payload: P, **levels: str) -> None:
        """Somebody without a FakeBus says this: another agent, an operator."""
        self.put(topic.name(**levels), encode(payload), retain=topic.retain)

    def forget(self, topic: Topic[Any], **levels: str) -> None:
        """Somebody without a FakeBus takes this back."""
        self.put(topic.name(**levels), b"", retain=True)

    def put(self, name: str, raw: bytes, *, retain: bool) -> None:
        """Takes a message, sense or nonsense, and hands it to all who want it."""
        if retain and raw:
            self.retained[name] = raw
        elif retain:
            self.retained.pop(name, None)
        self.said.append((name, raw))
        for bus in self.buses:
            bus.hear(name, raw, retained=False)
        self._news.set()
        self._news = asyncio.Event()

    def all(self, topic: Topic[P], **levels: str) -> list[P]:
        """Everything that was ever said on one topic, oldest first."""
        name = topic.name(**levels)
        return [
            decode(topic.payload, raw)
            for said, raw in self.said
            if said == name and raw
        ]

    def last(self, topic: Topic[P], **levels: str) -> P | None:
        """What was said last on one topic; None: nothing yet, or taken back."""
        name = topic.name(**levels)
        raws = [raw for said, raw in self.said if said == name]
        return decode(topic.payload, raws[-1]) if raws and raws[-1] else None

    async def changed(self) -> None:
        """Returns when the next thing is said."""
        await self._news.wait()

    async def until(
        self, topic: Topic[P], holds: Callable[[P], bool], **levels: str
    ) -> P:
        """The first for which it holds: what was said last, or what will be said.

        Raises:
            AssertionError: Nothing of the kind was said in time.
        """
        name = topic.name(**levels)
        last = self.last(topic, **levels)
        if last is not None and holds(last):
            return last
        seen = len(self.said)
        try:
            async with asyncio.timeout(UNTIL_TIMEOUT_S):
                while True:
                    for said, raw in self.said[seen:]:
                        if said == name and raw and holds(decode(topic.payload, raw)):
                            return decode(topic.payload, raw)
                    seen = len(self.said)
                    await self._news.wait()
        except TimeoutError:
            said = ", ".join(repr(one) for one in self.all(topic, **levels)[-3:])
            raise AssertionError(f"waiting on {name}: last said: {said}") from None


class FakeBus:
    """What one agent sees of the fake broker; a `bus.interface.Bus`."""

    def __init__(
        self,
        broker: FakeBroker,
        name: str,
        role: str,
        subscriptions: Sequence[Subscription] = (),
    ) -> None:
        self.counters = Counters()
        self.connected = False
        self._broker = broker
        self._name = name
        self._role = role
        self._subscriptions = tuple(subscriptions)
        self._seq = 0
        self._present: dict[str, bytes] = {}
        self._inbox = Inbox(subscriptions, self.counters)

    async def publish(self, topic: Topic[P], payload: P, **levels: str) -> None:
        """See bus.interface.Bus."""
        self._say(topic, payload, levels)

    async def forget(self, topic: Topic[Any], **levels: str) -> None:
        """See bus.interface.Bus."""
        self._send(topic.name(**levels), b"", retain=True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        return await self._inbox.next()

    def _say(self, topic: Topic[Any], payload: Any, levels: Mapping[str, str]) -> None:
        self._check_writer(topic, levels)
        if isinstance(payload, Stamp):
            self._seq += 1
            payload = replace(
                payload, at=time.time(), boot=f"boot-{id(self)}", seq=self._seq
            )
        name = topic.name(**levels)
        try:
            raw = encode(payload)
        except PayloadError:
            self.counters.refused += 1
            return
        self._send(name, raw, retain=topic.retain)

    def _say_presence(self, status: Status) -> None:
        if self._role:
            presence = Presence(status=status, role=self._role)
            self._say(PRESENCE, presence, {"agent": self._name})

    def _check_writer(self, topic: Topic[Any], levels: Mapping[str, str]) -> None:
        """One writer per topic: an agent says only what is its own."""
        wanted = LEVEL.sub(lambda match: levels[match[1]], topic.writer)
        if wanted not in (self._name, "operator"):
            name = topic.name(**levels)
            raise SecondWriterError(f"{self._name} on {name}, which is of {wanted}")

    def _send(self, name: str, raw: bytes, *, retain: bool) -> None:
        if retain:
            self._present[name] = raw
        if self.connected:
            self.counters.published += 1
            self._broker.put(name, raw, retain=retain)
        elif not retain:
            self.counters.dropped += 1

    # --- what the broker does to it ---------------------------------------------------

    def connect(self) -> None:
        """The link is there: birth, the present, then what the broker retains."""
        self.connected = True
        self.counters.connects += 1
        self._inbox.put(BusUp())
        present = dict(self._present)
        for name, raw in self._broker.retained.items():
            self.hear(name, raw, retained=True)
        self._say_presence(Status.ONLINE)
        for name, raw in present.items():
            if name != PRESENCE.name(agent=self._name):
                self._send(name, raw, retain=True)

    def disconnect(self) -> None:
        """The link is gone."""
        self.connected = False
        self._inbox.put(BusDown())

    def leave(self, status: Status) -> None:
        """The agent leaves, in good order or not."""
        self._say_presence(status)
        self.connected = False

    def hear(self, name: str, raw: bytes, *, retained: bool) -> None:
        """The broker delivers; what nobody asked for is not delivered."""
        if all(one.match(name) is None for one in self._subscriptions):
            return
        self.counters.received += 1
        self._inbox.deliver(name, raw, retained=retained)
