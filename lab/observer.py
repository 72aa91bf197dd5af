"""What the bus says of the chain: its present, its past, and waiting for a fact.

An observer hears every topic, and nobody is told that it is there. Who needs something
to have happened waits for it here, with a bound, instead of sleeping.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from bus.commands import Request, Response
from bus.interface import Bus, Forgotten, Received, Subscription
from bus.link import open_link
from bus.messages.entries import EntryEvent, EntryReport, PeerReport
from bus.messages.exits import ExitEvent, ExitReport
from bus.messages.orders import Decision, History, Move, Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence, Status
from bus.topics import REQUEST, TOPICS
from bus.wire import Broker

T = TypeVar("T")

OPENED_TIMEOUT_S: Final = 10.0
LOOK_S: Final = 0.5  # how often a fact is looked at while the bus is quiet

Event = ExitEvent | EntryEvent | Decision | Response


class NotSeenError(Exception):
    """A fact that was waited for did not come."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event or a change, when it was heard (monotonic), and who said it."""

    at_s: float
    who: str
    what: Event | Presence


@dataclass(slots=True)
class Observer:
    """The chain as the bus tells it.

    Keys: names of agents, `entry/peer` for peers, `entry/exit` for paths.
    """

    bus: Bus
    presence: dict[str, Presence] = field(default_factory=dict)
    exits: dict[str, ExitReport] = field(default_factory=dict)
    entries: dict[str, EntryReport] = field(default_factory=dict)
    peers: dict[str, PeerReport] = field(default_factory=dict)
    paths: dict[str, PathReport] = field(default_factory=dict)
    order: Order | None = None
    moves: tuple[Move, ...] = ()
    happened: list[Happened] = field(default_factory=list)
    tell: Callable[[Happened], None] = lambda _: None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def online(self, *names: str) -> bool:
        """Whether all of these agents are there."""
        return all(
            name in self.presence and self.presence[name].status is Status.ONLINE
            for name in names
        )

    def since(self, at_s: float, kind: type[T], who: str = "") -> list[T]:
        """The events of one kind from a moment on, of one writer or of all."""
        return [
            one.what
            for one in self.happened
            if one.at_s >= at_s and isinstance(one.what, kind) and who in ("", one.who)
        ]

    async def until(self, fact: Callable[[], T], what: str, within_s: float) -> T:
        """The fact, as soon as the bus makes it true.

        Raises:
            NotSeenError: It did not become true in time; names `what`.
        """
        try:
            async with asyncio.timeout(within_s):
                while not (value := fact()):
                    self._news.clear()
                    with suppress(TimeoutError):  # a fact may have another source
                        async with asyncio.timeout(LOOK_S):
                            await self._news.wait()
        except TimeoutError:
            raise NotSeenError(f"{what}: not seen within {within_s:g} s") from None
        return value

    async def ask(
        self, agent: str, verb: str, within_s: float, *, about: str = ""
    ) -> Response:
        """The answer to a request; `about`: the exit that it is about.

        Raises:
            NotSeenError: There was none.
        """
        transaction = uuid.uuid4().hex
        request = Request(transaction=transaction, exit=about)
        await self.bus.publish(REQUEST, request, agent=agent, verb=verb)

        def answers() -> list[Response]:
            heard = (one.what for one in self.happened)
            return [
                one
                for one in heard
                if isinstance(one, Response) and one.transaction == transaction
            ]

        what = f"an answer of {agent} to {verb}"
        return (await self.until(answers, what, within_s))[0]

    async def listen(self) -> None:
        """Take in everything that is heard, for ever."""
        async for heard in self.bus:
            if isinstance(heard, Received):
                self._take(heard)
            elif isinstance(heard, Forgotten):
                who = "/".join(heard.levels.values())
                self.peers.pop(who, None)
                self.paths.pop(who, None)
            self._news.set()

    def _take(self, heard: Received[Any]) -> None:
        who = "/".join(heard.levels.values()) or "coordinator"
        match heard.payload:
            case Presence() as presence:
                before = self.presence.get(who)
                self.presence[who] = presence
                if before is None or before.status is not presence.status:
                    self._add(who, presence)
            case ExitReport() as report:
                self.exits[who] = report
            case EntryReport() as report:
                self.entries[who] = report
            case PeerReport() as report:
                self.peers[who] = report
            case PathReport() as report:
                self.paths[who] = report
            case ExitEvent() | EntryEvent() | Decision() | Response() as event:
                self._add(who, event)
            case _ as said:
                self._take_from_coordinator(said)

    def _take_from_coordinator(self, said: object) -> None:
        match said:
            case Order() as order:
                self.order = order
            case History(moves=moves):
                self.moves = moves
            case _:
                pass  # a request: its response tells

    def _add(self, who: str, what: Event | Presence) -> None:
        one = Happened(time.monotonic(), who, what)
        self.happened.append(one)
        self.tell(one)


@asynccontextmanager
async def observe(
    broker: Broker, tell: Callable[[Happened], None] = lambda _: None
) -> AsyncIterator[Observer]:
    """An observer that is connected and listens; `tell` hears each event at once."""
    # Answers first: who asks as soon as the bus is there shall not miss one.
    ordered = sorted(TOPICS, key=lambda topic: topic.payload is not Response)
    subscriptions = [Subscription(topic) for topic in ordered]
    async with (
        open_link("observer", "", broker, subscriptions) as bus,
        asyncio.TaskGroup() as tasks,
    ):
        observer = Observer(bus, tell=tell)
        listening = tasks.create_task(observer.listen(), name="observer")
        try:
            await observer.until(lambda: bus.connected, "the bus", OPENED_TIMEOUT_S)
            yield observer
        finally:
            listening.cancel()
