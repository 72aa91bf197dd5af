"""The shell of home automation's agent: bus in, decide, bus out. No rule.

Nobody waits for it: without it the chain does the same, only unseen from home.
"""

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from agents.homeassistant.decide import decide
from agents.homeassistant.model import (
    Action,
    Answer,
    Ask,
    Beat,
    Declare,
    Declared,
    Due,
    Event,
    ForgetExit,
    Gone,
    Kind,
    PathGone,
    Place,
    Policy,
    Said,
    SayChain,
    SayEvent,
    SayExit,
    State,
    Thing,
    Withdraw,
)
from agents.lifecycle import Job
from agents.settings_model import Settings
from bus.commands import Request, Response
from bus.discovery import BIRTH, COMPONENTS, Component, Discovery
from bus.heartbeat import HEARTBEAT_S
from bus.interface import Bus, Forgotten, Heard, Received, Subscription
from bus.link import VERSION
from bus.topics import (
    DECISION,
    ENTRY_EVENT,
    ENTRY_STATE,
    EXIT_STATE,
    HISTORY,
    HOME_CHAIN,
    HOME_ENABLE,
    HOME_EVENT,
    HOME_EXIT,
    MODE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    REQUEST,
    RESPONSE,
    Topic,
)

log = logging.getLogger(__name__)

COORDINATOR: Final = ORDER.writer


def _jitter(most_s: float) -> float:
    return random.uniform(0.0, most_s)  # noqa: S311 - no secret


class HomeAssistant:
    """Declares the chain to home automation, and hands its wishes on."""

    role = "homeassistant"

    def __init__(
        self,
        settings: Settings,
        name: str = "homeassistant",
        *,
        heartbeat_s: float = HEARTBEAT_S,
        jitter: Callable[[float], float] = _jitter,
    ) -> None:
        """`jitter`: for how long of so many seconds at most we wait."""
        self.name = name
        own = settings.homeassistant
        self._discovery = Discovery(own.prefix, settings.broker.base)
        self._topics: Mapping[Component, Topic[dict[str, Any]]] = {
            component: self._discovery.topic(component) for component in COMPONENTS
        }
        self._birth = self._discovery.birth
        self.subscriptions: Sequence[Subscription] = tuple(self._subscriptions())
        self._policy = Policy(
            discovery=self._discovery,
            agent=name,
            coordinator=COORDINATOR,
            exits=settings.coordinator.exits,
            enabled=own.enabled,
            peers=own.peers,
            version=VERSION,
        )
        self._jitter_s = own.jitter_s
        self._jitter = jitter
        self._heartbeat_s = heartbeat_s
        self._state = State()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._born = asyncio.Event()

    async def open(self) -> None:
        """Nothing: this agent touches no host."""

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """What runs as long as the agent lives."""
        return {
            "listen": lambda: self._listen(bus),
            "decide": lambda: self._work(bus),
            "declare": self._declare,
            "heartbeat": self._beat,
        }

    async def close(self) -> None:
        """Nothing: what is declared stays, and is shown as unavailable."""

    # --- ears -------------------------------------------------------------------------

    def _subscriptions(self) -> Sequence[Subscription]:
        """Things before their declarations: one whose thing is gone is told by that."""
        chain = (PRESENCE, EXIT_STATE, PATH_STATE, ENTRY_STATE, PEER_STATE, ORDER, MODE)
        events = (HISTORY, DECISION, ENTRY_EVENT, HOME_ENABLE)
        return (
            *(Subscription(topic) for topic in (*chain, *events)),
            Subscription(REQUEST, {"agent": self.name}),
            Subscription(RESPONSE, {"agent": COORDINATOR}),
            Subscription(self._birth),
            *(
                Subscription(topic, {"node": self._discovery.node})
                for topic in self._topics.values()
            ),
        )

    async def _listen(self, bus: Bus) -> None:
        async for heard in bus:
            if self._is_birth(heard):
                self._born.set()
            elif (event := self._event(heard)) is not None:
                self._events.put_nowait(event)

    def _is_birth(self, heard: Heard) -> bool:
        """One that was retained is no news, and all is said on each connect anyway."""
        match heard:
            case Received(topic=topic, payload=said, retained=False):
                return topic is self._birth and said == BIRTH
            case _:
                return False

    def _event(self, heard: Heard) -> Event | None:
        """What was heard, in the words of the rules; None: nothing to them."""
        match heard:
            case Received(topic=topic) if place := self._place(topic, heard.levels):
                return Declared(place)
            case Received(levels=levels, payload=payload):
                return Said(time.monotonic(), levels, payload)
            case Forgotten(topic=topic, levels=levels) if topic is PATH_STATE:
                return PathGone(levels["entry"], levels["exit"])
            case Forgotten(topic=topic, levels=levels):
                thing = _thing(topic, levels)
                return None if thing is None else Gone(thing)
            case _:
                return None

    def _place(self, topic: Topic[Any], levels: Mapping[str, str]) -> Place | None:
        for component, own in self._topics.items():
            if topic is own:
                return component, levels["object"]
        return None

    # --- time -------------------------------------------------------------------------

    async def _declare(self) -> None:
        """All at once when we begin; when home automation comes, after a moment.

        It tells everybody at the same time that it is there.
        """
        while True:
            self._events.put_nowait(Due())
            await self._born.wait()
            await asyncio.sleep(self._jitter(self._jitter_s))
            self._born.clear()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            self._events.put_nowait(Beat())

    # --- rules and hands --------------------------------------------------------------

    async def _work(self, bus: Bus) -> None:
        while True:
            event = await self._events.get()
            self._state, actions = decide(self._state, event, self._policy)
            for action in actions:
                await self._do(bus, action)

    async def _do(self, bus: Bus, action: Action) -> None:
        match action:
            case Declare(place=(component, name), config=config):
                await bus.publish(self._topics[component], config, **self._at(name))
            case Withdraw(place=(component, name)):
                await bus.forget(self._topics[component], **self._at(name))
            case SayChain(present=present):
                await bus.publish(HOME_CHAIN, present)
            case SayExit(exit=name, present=state):
                await bus.publish(HOME_EXIT, state, exit=name)
            case ForgetExit(exit=name):
                await bus.forget(HOME_EXIT, exit=name)
            case SayEvent(event=event):
                await bus.publish(HOME_EVENT, event)
            case Ask() | Answer():
                await self._speak(bus, action)

    async def _speak(self, bus: Bus, action: Ask | Answer) -> None:
        match action:
            case Ask(verb=verb, exit=exit_, transaction=transaction):
                log.info("home automation asks: %s %s", verb, ascii(exit_))
                wish = Request(transaction=transaction or uuid.uuid4().hex, exit=exit_)
                await bus.publish(REQUEST, wish, agent=COORDINATOR, verb=verb)
            case Answer(verb=verb, transaction=transaction, error=error):
                said = Response(transaction=transaction, ok=not error, error=error)
                await bus.publish(RESPONSE, said, agent=self.name, verb=verb)

    def _at(self, name: str) -> Mapping[str, str]:
        return {"node": self._discovery.node, "object": name}


def _thing(topic: Topic[Any], levels: Mapping[str, str]) -> Thing | None:
    """The device that a state was about."""
    if topic is EXIT_STATE:
        return Thing(Kind.EXIT, levels["exit"])
    if topic is ENTRY_STATE:
        return Thing(Kind.ENTRY, levels["entry"])
    if topic is PEER_STATE:
        return Thing(Kind.PEER, levels["peer"], levels["entry"])
    return None
