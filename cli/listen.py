"""What the commands do with the bus: listen, unseen, disturbing nobody."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from bus.interface import Bus, BusUp, Heard, Received, Subscription
from bus.link import open_link
from bus.messages.orders import History, Move
from bus.topics import (
    CONTAINER_EVENT,
    DECISION,
    ENTRY_EVENT,
    EXIT_EVENT,
    HISTORY,
    TOPICS,
    Topic,
)
from bus.wire import Broker
from cli.line import Line
from cli.snapshot import STATES, Snapshot

EVENTS: Final[tuple[Topic[Any], ...]] = (
    *(DECISION, ENTRY_EVENT, EXIT_EVENT, CONTAINER_EVENT),
)

REACH_TIMEOUT_S: Final = 3.0
GATHER_TIMEOUT_S: Final = 1.5
QUIET_S: Final = 0.3  # nothing more came for so long: that was all that is retained


def own_name() -> str:
    """A name that nobody else has: two links of one name throw each other out."""
    return f"cli-{os.getpid()}-{secrets.token_hex(4)}"


async def listen(broker: Broker, tell: Callable[[Heard], None]) -> bool:
    """Tells everything that is said, what is retained first; without end.

    False: the broker was not reached. Once it was, it is waited for whenever it goes.
    """
    wanted = [Subscription(topic) for topic in TOPICS]
    async with open_link(own_name(), "", broker, wanted) as bus:
        if not await reached(bus):
            return False
        tell(BusUp())
        async for heard in bus:
            tell(heard)
    return True


async def present(broker: Broker) -> Snapshot | None:
    """What is retained now; None: the broker was not reached."""
    wanted = [Subscription(topic) for topic in STATES]
    async with open_link(own_name(), "", broker, wanted) as bus:
        return await gathered(aiter(bus)) if await reached(bus) else None


async def reached(bus: Bus) -> bool:
    """Whether the broker answered in time; what it retains comes next."""
    try:
        async with asyncio.timeout(REACH_TIMEOUT_S):
            while not isinstance(await anext(aiter(bus)), BusUp):
                pass
    except TimeoutError:
        return False
    return True


async def remembered(
    broker: Broker,
    recall: Callable[[Move], None],
    tell: Callable[[Heard], None] | None,
) -> bool:
    """Recalls each move of the history, then tells each event, without end.

    False: the broker was not reached. `tell` None: it ends after the history.
    """
    wanted = [Subscription(topic) for topic in (*EVENTS, HISTORY)]
    async with open_link(own_name(), "", broker, wanted) as bus:
        if not await reached(bus):
            return False
        happened: list[Heard] = []
        for move in await _history(aiter(bus), happened):
            recall(move)
        if tell is None:
            return True
        for heard in happened:
            tell(heard)
        async for heard in bus:
            if _is_event(heard):
                tell(heard)
    return True


async def _history(
    heard: AsyncIterator[Heard], happened: list[Heard]
) -> tuple[Move, ...]:
    """The moves that are remembered, none if nobody says so; and what came before."""
    try:
        async with asyncio.timeout(GATHER_TIMEOUT_S):
            while True:
                match await anext(heard):
                    case Received(payload=History() as said):
                        return said.moves
                    case other if _is_event(other):
                        happened.append(other)
                    case _:
                        pass
    except TimeoutError:
        return ()


def _is_event(heard: Heard) -> bool:
    return isinstance(heard, Received) and not isinstance(heard.payload, History)


async def gathered(heard: AsyncIterator[Heard]) -> Snapshot:
    """What is heard until it becomes quiet.

    The order comes last of all; without one there is no telling what is still to come.
    """
    snapshot, loop = Snapshot(), asyncio.get_running_loop()
    until_s = loop.time() + GATHER_TIMEOUT_S
    while True:
        quiet_s = loop.time() + QUIET_S if snapshot.order else until_s
        try:
            async with asyncio.timeout_at(min(until_s, quiet_s)):
                snapshot.hear(await anext(heard))
        except TimeoutError:
            return snapshot


class Novelty:
    """Which lines are news: agents say again every few seconds what has not changed."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def has(self, heard: Heard, line: Line) -> bool:
        """Whether the line says more than the one before it on the same topic."""
        if not isinstance(heard, Received) or not heard.topic.retain:
            return True
        name = heard.topic.name(**heard.levels)
        old = self._said.get(name)
        self._said[name] = line.what
        return old != line.what
