"""How every agent lives: bus, jobs, signals, farewell.

The one rule: crash-only. A job that raises or returns ends the agent, and whoever
started the agent starts it again; no agent is half alive.
"""

import asyncio
import logging
import signal
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from agents.health_door import overheard
from agents.telemetry import keep_telling
from bus.interface import Bus, Subscription
from bus.link import open_link
from bus.wire import Broker

log = logging.getLogger(__name__)

Job = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an agent may take.

    Attributes:
        close_s: Docker kills 12 s after it asked (`stop_grace_period`).
        end_s: From the first sign of the end to SIGALRM, which ends also what hangs; a
            successor cleans up.
    """

    open_s: float = 30.0
    close_s: float = 8.0
    end_s: float = 20.0


LIMITS: Final = Limits()


class JobError(Exception):
    """A job that should run for ever has ended."""


class Agent(Protocol):
    """What an agent gives to its life."""

    @property
    def name(self) -> str:
        """Its name on the bus."""

    @property
    def role(self) -> str:
        """What kind of agent it is: one of `agents.run.ROLES`."""

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """What it wants to hear."""

    async def open(self) -> None:
        """Removes what a predecessor left; rules and floor stand when it returns."""

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """What runs as long as the agent lives; keys: names for the log."""

    async def close(self) -> None:
        """Undoes what was done to the host, as far as fail-closed allows."""


async def live(agent: Agent, broker: Broker, limits: Limits = LIMITS) -> None:
    """Runs the agent until SIGTERM or SIGINT, or until a job ends.

    Connecting and `open` run side by side, so that an agent is present at once. `close`
    is called in any case, also if `open` did not come to its end. The bus hears the
    farewell after it.

    Raises:
        BaseExceptionGroup: A job ended; in it the job's error, or a JobError.
    """
    async with (
        _signals(partial(_end_within, limits.end_s)) as stop,
        open_link(agent.name, agent.role, broker, agent.subscriptions) as bus,
        overheard(agent.name, agent.role, bus) as noted,
    ):
        try:
            await _work(agent, noted, limits, stop)
        finally:
            async with _within(limits.close_s, f"closing {agent.name}"):
                await agent.close()


async def _work(agent: Agent, bus: Bus, limits: Limits, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        main = tasks.create_task(_run(agent, bus, limits), name=agent.name)
        await stop.wait()
        log.info("stopping")
        main.cancel()


async def _run(agent: Agent, bus: Bus, limits: Limits) -> None:
    async with _within(limits.open_s, f"opening {agent.name}"):
        await agent.open()
    async with asyncio.TaskGroup() as tasks:
        if not (jobs := agent.jobs(bus)):
            raise JobError(f"running {agent.name}: it has no jobs")
        for name, job in jobs.items():
            tasks.create_task(_forever(name, job, limits.end_s), name=name)
        await keep_telling(bus, agent.name)


async def _forever(name: str, job: Job, end_s: float) -> None:
    try:
        await job()
    finally:
        _end_within(end_s)  # whatever the other jobs and the agent do now
    raise JobError(f"running {name}: it ended")


@asynccontextmanager
async def _within(timeout_s: float, doing: str) -> AsyncIterator[None]:
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise JobError(f"{doing}: not done in {timeout_s:g} s") from error


@asynccontextmanager
async def _signals(ending: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set; a second one changes nothing.

    Threads end within the limit too: asyncio.run would wait for them without one.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        ending()
        stop.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, end)
    try:
        yield stop
    finally:
        ending()
        await loop.shutdown_default_executor()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(signum)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _end_within(end_s: float) -> None:
    """From now on the process lives for so long at most, even if it hangs."""
    remaining_s, _ = signal.getitimer(signal.ITIMER_REAL)
    if not remaining_s:
        signal.setitimer(signal.ITIMER_REAL, end_s)
