"""The life of an agent, seen from outside: a process of its own and a real broker."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from bus.interface import Bus, BusUp, Subscription
from bus.link import open_link
from bus.messages.presence import Status
from bus.topics import PRESENCE
from bus.wire import Broker
from tests.bus.hearing import PATIENCE_S, message, sign

pytestmark = pytest.mark.broker

WATCHED: Final = Subscription(PRESENCE, {"agent": "stub"})


class Life:
    """A stub agent's process, and what the bus hears of it."""

    def __init__(self, process: asyncio.subprocess.Process, bus: Bus) -> None:
        self._process = process
        self._bus = bus
        self.told: list[str] = []

    async def tells(self, line: str) -> None:
        """Returns once the agent says so."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while line not in self.told:
                raw = await self._process.stdout.readline()
                assert raw, f"it said {self.told}, not {line}"
                self.told.append(raw.decode().rstrip())

    def signal(self, signum: signal.Signals) -> None:
        self._process.send_signal(signum)

    async def presence(self) -> Status:
        return (await message(self._bus, PRESENCE)).payload.status

    async def ends(self) -> int:
        """Its exit status."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            rest = await self._process.stdout.read()
            self.told += rest.decode().splitlines()
            return await self._process.wait()


@asynccontextmanager
async def life(broker: Broker, habit: str) -> AsyncIterator[Life]:
    async with open_link("watcher", "", broker, [WATCHED]) as bus:
        await sign(bus, BusUp)
        words = ("-m", "tests.agents.stub", str(broker.port), broker.base, habit)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield Life(process, bus)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_good_order(
    broker: Broker, signum: signal.Signals
) -> None:
    async with life(broker, "works") as agent:
        await agent.tells("work")
        assert await agent.presence() is Status.ONLINE
        agent.signal(signum)
        assert await agent.ends() == 0
        assert agent.told == ["open", "work", "cancelled", "close"]
        assert await agent.presence() is Status.STOPPED


async def test_it_is_present_while_it_opens(broker: Broker) -> None:
    async with life(broker, "opens for ever") as agent:
        assert await agent.presence() is Status.ONLINE
        agent.signal(signal.SIGTERM)
        assert await agent.ends() == 0
        assert agent.told == ["open", "close"]
        assert await agent.presence() is Status.STOPPED


FAILS: Final = {
    "does not open": ("no leg to stand on", ["open", "close"]),
    "crashes": ("out of order", ["open", "work", "cancelled", "close"]),
    "returns": ("running work: it ended", ["open", "work", "cancelled", "close"]),
    "has no jobs": ("running stub: it has no jobs", ["open", "close"]),
}


@pytest.mark.parametrize("habit", FAILS)
async def test_what_fails_ends_it_after_cleaning_up(broker: Broker, habit: str) -> None:
    cause, told = FAILS[habit]
    async with life(broker, habit) as agent:
        assert await agent.ends() == 1
        assert agent.told[:-1] == told
        assert cause in agent.told[-1]
        while await agent.presence() is not Status.OFFLINE:
            pass


async def test_closing_has_a_limit(broker: Broker) -> None:
    async with life(broker, "does not close") as agent:
        await agent.tells("work")
        agent.signal(signal.SIGTERM)
        assert await agent.ends() == 1
        assert "closing stub: not done in 0.2 s" in agent.told[-1]


async def test_a_second_signal_changes_nothing(broker: Broker) -> None:
    async with life(broker, "works") as agent:
        await agent.tells("work")
        agent.signal(signal.SIGTERM)
        agent.signal(signal.SIGTERM)
        agent.signal(signal.SIGINT)
        assert await agent.ends() == 0
        assert agent.told[-1] == "close"


async def test_a_job_that_will_not_end_is_ended_with_all_else(broker: Broker) -> None:
    async with life(broker, "is deaf") as agent:
        await agent.tells("work")
        agent.signal(signal.SIGTERM)
        await agent.tells("cancelled")
        agent.signal(signal.SIGTERM)
        assert await agent.ends() == -signal.SIGALRM
        assert await agent.presence() is Status.ONLINE
        assert await agent.presence() is Status.OFFLINE


async def test_a_thread_that_will_not_end_is_ended_with_all_else(
    broker: Broker,
) -> None:
    async with life(broker, "leaves a thread") as agent:
        await agent.tells("work")
        agent.signal(signal.SIGTERM)
        assert await agent.ends() == -signal.SIGALRM
        assert agent.told[-1] == "close"
        assert await agent.presence() is Status.ONLINE
        assert await agent.presence() is Status.STOPPED


async def test_a_thread_of_one_that_did_not_open_is_ended_too(broker: Broker) -> None:
    async with life(broker, "opens with a thread, and does not") as agent:
        assert await agent.ends() == -signal.SIGALRM
        assert agent.told == ["open", "close"]


async def test_a_killed_one_is_offline(broker: Broker) -> None:
    async with life(broker, "works") as agent:
        await agent.tells("work")
        assert await agent.presence() is Status.ONLINE
        agent.signal(signal.SIGKILL)
        assert await agent.presence() is Status.OFFLINE
