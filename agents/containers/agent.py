"""The containers agent: Docker's events onto the bus, restarts on request. A shell.

Nobody waits for it: without it, or without Docker, everything else works.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final

from agents.containers.decide import decide
from agents.containers.engine import Engine, EngineError, open_engine
from agents.containers.model import (
    Action,
    Answer,
    Asked,
    Beat,
    DockerLost,
    Event,
    Forget,
    Listed,
    Policy,
    Restart,
    Restarted,
    SayEvent,
    SayReport,
    State,
)
from agents.lifecycle import Job
from agents.settings_model import Settings
from bus.commands import Request, Response
from bus.heartbeat import HEARTBEAT_S
from bus.interface import Bus, Received, Subscription
from bus.messages.containers import ContainerEvent
from bus.topics import CONTAINER_EVENT, CONTAINER_STATE, REQUEST, RESPONSE

RETRY_S: Final = 5.0  # Docker is away: until it is asked again

log = logging.getLogger(__name__)

Opener = Callable[[], AbstractAsyncContextManager[Engine]]


class Containers:
    """Tells what happens to the chain's containers, and restarts them if asked."""

    role = "containers"

    def __init__(
        self,
        settings: Settings,
        name: str = "containers",
        *,
        opener: Opener | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        """`opener`: instead of the Docker that the settings name."""
        self.name = name
        self.subscriptions: Sequence[Subscription] = (
            Subscription(REQUEST, {"agent": name}),
        )
        self._policy = Policy(settings.containers.pause_s, settings.containers.per_hour)
        self._opener = opener or (lambda: open_engine(settings.containers.docker))
        self._retry_s = retry_s
        self._state = State()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._restarts: asyncio.Queue[Restart] = asyncio.Queue()

    async def open(self) -> None:
        """Nothing: this agent touches no host."""

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """What runs as long as the agent lives."""
        return {
            "listen": lambda: self._listen(bus),
            "decide": lambda: self._work(bus),
            "docker": self._keep_watching,
            "heartbeat": self._beat,
        }

    async def close(self) -> None:
        """Nothing: what is retained outlives the agent, as its presence tells."""

    # --- ears -------------------------------------------------------------------------

    async def _listen(self, bus: Bus) -> None:
        async for heard in bus:
            if isinstance(heard, Received) and isinstance(heard.payload, Request):
                verb, wish = heard.levels["verb"], heard.payload
                about = wish.agent or wish.exit
                asked = Asked(time.monotonic(), verb, wish.transaction, about)
                self._events.put_nowait(asked)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._events.put_nowait(Beat(time.monotonic()))

    async def _keep_watching(self) -> None:
        """Docker's words; when it goes, what comes after is asked for anew."""
        while True:
            try:
                async with self._opener() as engine:
                    await self._watch(engine)
            except* EngineError as group:
                log.warning("%s; in %g s again", group.exceptions[0], self._retry_s)
            self._events.put_nowait(DockerLost(time.monotonic()))
            await asyncio.sleep(self._retry_s)

    async def _watch(self, engine: Engine) -> None:
        self._restarts = asyncio.Queue()  # wishes of an earlier connection are void
        listed = await engine.containers()
        self._events.put_nowait(Listed(time.monotonic(), listed))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._restart(engine), name="restart")
            async with aclosing(engine.happenings()) as happenings:
                async for happened in happenings:
                    self._events.put_nowait(happened)

    # --- rules and hands --------------------------------------------------------------

    async def _work(self, bus: Bus) -> None:
        while True:
            event = await self._events.get()
            self._state, actions = decide(self._state, event, self._policy)
            for action in actions:
                await self._do(bus, action)

    async def _do(self, bus: Bus, action: Action) -> None:
        match action:
            case SayReport(agent=agent, report=report):
                await bus.publish(CONTAINER_STATE, report, agent=agent)
            case Forget(agent=agent):
                await bus.forget(CONTAINER_STATE, agent=agent)
            case SayEvent(agent=agent):
                log.info("%s %s %s", action.container, action.kind, action.cause)
                await bus.publish(CONTAINER_EVENT, _event(action), agent=agent)
            case Answer(verb=verb, transaction=transaction, error=error):
                said = Response(transaction=transaction, ok=not error, error=error)
                await bus.publish(RESPONSE, said, agent=self.name, verb=verb)
            case Restart():
                self._restarts.put_nowait(action)

    async def _restart(self, engine: Engine) -> None:
        """One after the other: a chain is not restarted as a whole by requests."""
        while True:
            wish = await self._restarts.get()
            log.info("restarting %s", wish.container)
            cause = ""
            try:
                await engine.restart(wish.container)
            except EngineError as error:
                cause = str(error)
                log.warning("%s", cause)
            self._events.put_nowait(Restarted(time.monotonic(), wish.agent, cause))


def _event(said: SayEvent) -> ContainerEvent:
    return ContainerEvent(
        kind=said.kind,
        at=time.time(),
        container=said.container,
        exit_code=said.exit_code,
        health=said.health,
        cause=said.cause,
    )
