"""The link to the broker: birth, will, reconnect, the present said again.

The one rule: a lost bus never hurts an agent. Nothing here raises because of what the
broker does or what others say, nothing waits for a broker that is away, and nothing is
lost without being counted and logged.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Self

from bus.codec import decode, encode
from bus.complaints import Complaints
from bus.endings import Endings
from bus.errors import PayloadError
from bus.inbox import Inbox
from bus.interface import (
    Bus,
    BusDown,
    BusUp,
    Counters,
    Heard,
    Subscription,
)
from bus.messages.presence import Presence, Status
from bus.messages.stamp import Stamp
from bus.names import found, placed
from bus.outbox import Outbox, Parcel
from bus.topics import PRESENCE, P, Topic
from bus.wire import (
    Broker,
    OldBrokerError,
    TakenOverError,
    Wire,
    WireError,
    heed_cancellation,
    open_wire,
)

VERSION: Final = "0.1.0"
FAREWELL_TIMEOUT_S: Final = 2.0
SETTLE_TIMEOUT_S: Final = 6.0  # a little longer than connecting takes
SETTLED_S: Final = 10.0  # a connection that lasted this long was a good one

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_link(
    name: str, role: str, broker: Broker, subscriptions: Sequence[Subscription]
) -> AsyncIterator[Bus]:
    """The bus as this agent; presence is said on connect, the farewell at the end.

    It is there at once, connected or not. Without a role it only listens and asks:
    nobody is told that it is there.
    """
    link = _Link(name, role, broker, subscriptions)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run(), name="link")
        status = Status.OFFLINE  # as the will would say: a crash is no clean stop
        try:
            yield link
            status = Status.STOPPED
        finally:
            await link.settle()
            await link.farewell(status)
            running.cancel()


class _Link:
    """The bus over a real broker."""

    def __init__(
        self,
        name: str,
        role: str,
        broker: Broker,
        subscriptions: Sequence[Subscription],
    ) -> None:
        self.counters = Counters()
        self.connected = False
        self._connecting = asyncio.Lock()
        self._ending = False
        self._old_broker = False
        self._endings = Endings()
        self._name = name
        self._role = role
        self._broker = broker
        self._where = f"{broker.host}:{broker.port}"
        self._subscriptions = self._wanted = tuple(subscriptions)
        self._mine = PRESENCE.name(agent=name)
        if role and all(one.match(self._mine) is None for one in subscriptions):
            self._wanted += (Subscription(PRESENCE, {"agent": name}),)
        self._boot = uuid.uuid4().hex[:12]
        self._namesake = ""  # the life of another agent of our name: said once
        self._seq = 0
        self._complaints = Complaints(log)
        self._outbox = Outbox(self.counters)
        self._inbox = Inbox(subscriptions, self.counters)

    async def publish(self, topic: Topic[P], payload: P, **levels: str) -> None:
        """See `Bus`."""
        self._say(topic, payload, levels)

    async def forget(self, topic: Topic[Any], **levels: str) -> None:
        """See `Bus`."""
        self._outbox.put(Parcel(self._full(topic, levels), b"", topic.qos, retain=True))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        return await self._inbox.next()

    async def farewell(self, status: Status) -> None:
        """Says how we leave; what is on its way goes first."""
        self._ending = True
        self._say_presence(status)
        try:
            async with asyncio.timeout(FAREWELL_TIMEOUT_S):
                await self._outbox.emptied()
        except TimeoutError:
            log.warning("saying farewell: no answer from %s", self._where)

    async def settle(self) -> None:
        """Returns when the link may be cancelled: not while it is connecting.

        From then on it does not connect again.
        """
        try:
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                await self._connecting.acquire()
        except TimeoutError:
            log.warning("leaving while still connecting to %s", self._where)

    # --- out --------------------------------------------------------------------------

    def _full(self, topic: Topic[Any], levels: Mapping[str, str]) -> str:
        return placed(self._broker.base, topic.name(**levels))

    def _presence(self, status: Status) -> Presence:
        return Presence(
            status=status, role=self._role, version=VERSION, boot=self._boot
        )

    def _say_presence(self, status: Status) -> None:
        if self._role:
            self._say(PRESENCE, self._presence(status), {"agent": self._name})

    def _say(self, topic: Topic[Any], payload: Any, levels: Mapping[str, str]) -> None:
        if isinstance(payload, Stamp):
            self._seq += 1
            payload = replace(payload, at=time.time(), boot=self._boot, seq=self._seq)
        name = self._full(topic, levels)
        try:
            raw = encode(payload)
        except PayloadError as error:
            self.counters.refused += 1
            self._complaints.say(f"unsaid: {name}", f"saying {name}: {error}")
            return
        self._outbox.put(Parcel(name, raw, topic.qos, topic.retain))

    async def _speak(self, wire: Wire) -> None:
        while True:
            parcel = await self._outbox.take()
            again = True
            try:
                again = await self._hand_over(wire, parcel)
            finally:
                self._outbox.done(parcel, again=again)
            heed_cancellation()

    async def _hand_over(self, wire: Wire, parcel: Parcel) -> bool:
        """Gives one message to the broker; whether to say it again after a connect."""
        try:
            refusal = await wire.say(parcel)
        except (WireError, asyncio.CancelledError):
            if not parcel.retain:
                self._outbox.drop(parcel, "the link broke")
            raise
        if refusal:  # not again: mosquitto 2.0 breaks the link after each refusal
            self.counters.refused += 1
            text = f"saying {parcel.name}: refused by the broker: {refusal}"
            self._complaints.say(f"refused: {parcel.name}", text, logging.ERROR)
            return False
        self.counters.published += 1
        return bool(parcel.raw)

    # --- in ---------------------------------------------------------------------------

    async def _listen(self, wire: Wire) -> None:
        for subscription in self._wanted:
            name = placed(self._broker.base, subscription.filter)
            if refusal := await wire.ask(name, subscription.topic.qos):
                self.counters.refused += 1
                log.error("subscribing to %s: refused by the broker: %s", name, refusal)
        async for delivery in wire.deliveries():
            self._hear(delivery.name, delivery.raw, retained=delivery.retained)

    def _hear(self, full_name: str, raw: bytes, *, retained: bool) -> None:
        self.counters.received += 1
        name = found(self._broker.base, full_name)
        if name == self._mine:
            self._check_namesake(raw, retained=retained)
            if self._wanted is not self._subscriptions:
                return
        self._inbox.deliver(name, raw, retained=retained)

    def _check_namesake(self, raw: bytes, *, retained: bool) -> None:
        """Two agents of one name throw each other out for ever: somebody must know."""
        try:
            presence = decode(Presence, raw)
        except PayloadError:
            return
        predecessor = retained and self.counters.connects == 1
        if presence.boot not in (self._boot, self._namesake) and not predecessor:
            self._namesake = presence.boot
            text = f"another agent says that it is {self._name}"
            self._complaints.say("namesake", text, logging.ERROR)

    # --- the connection ---------------------------------------------------------------

    async def run(self) -> None:
        """Keeps the link up until the farewell."""
        attempt = 0
        while not self._ending:
            began_s = time.monotonic()
            why = await self._connection()
            if time.monotonic() - began_s > SETTLED_S:
                attempt = 0
            if news := self._endings.ended(time.monotonic()):
                log.error("link to %s: %s", self._where, news)
            pause_s = self._broker.pause_s(attempt)
            attempt += 1
            log.warning("link to %s: %s; in %.1f s again", self._where, why, pause_s)
            await asyncio.sleep(pause_s)

    async def _connection(self) -> str:
        """One connection, from birth to its end; why it ended."""
        name = f"{self._broker.base}/{self._mine}"
        offline = encode(self._presence(Status.OFFLINE))
        will = Parcel(name, offline, PRESENCE.qos, retain=True) if self._role else None
        identifier = f"{self._broker.base}-{self._name}"
        old = self._old_broker
        try:
            async with open_wire(
                self._broker, identifier, will, self._connecting, old=old
            ) as wire:
                return "leaving" if self._ending else await self._converse(wire)
        except OldBrokerError as error:
            self._old_broker = True
            return str(error)
        except WireError as error:
            return str(error)

    async def _converse(self, wire: Wire) -> str:
        """Says and hears until the connection breaks; why it did."""
        self._up()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(wire.fail(), name="link.watch")
                tasks.create_task(self._listen(wire), name="link.listen")
                tasks.create_task(self._speak(wire), name="link.speak")
        except BaseExceptionGroup as group:
            broken, bugs = group.split(WireError)
            if bugs is not None:
                raise bugs from None
            if group.subgroup(TakenOverError):
                self._endings.taken_over()
            return str(broken.exceptions[0]) if broken else ""
        finally:
            self._down()
        return ""

    def _up(self) -> None:
        log.info("link to %s: up", self._where)
        self.connected = True
        self._endings.up(time.monotonic())
        self.counters.connects += 1
        self._inbox.put(BusUp())
        if not self._ending:
            self._say_presence(Status.ONLINE)
        self._outbox.open(first=f"{self._broker.base}/{self._mine}")

    def _down(self) -> None:
        self.connected = False
        self._outbox.close()
        self._inbox.put(BusDown())
