"""What an agent says of its own process."""

import asyncio
import os
from typing import Final

from agents.telemetry import keep_telling, present
from bus.topics import TELEMETRY
from tests.fakes.bus import FakeBroker

MUCH: Final = 64 * 1024 * 1024


async def test_memory_files_and_tasks_are_those_of_this_process() -> None:
    broker = FakeBroker()
    async with broker.open_link("entry", "entry") as bus:
        before = present(bus)
        held = bytearray(os.urandom(1024)) * (MUCH // 1024)
        reader, writer = os.pipe()
        task = asyncio.create_task(asyncio.sleep(60))

        after = present(bus)

        task.cancel()
        os.close(reader)
        os.close(writer)
    assert after.memory_bytes - before.memory_bytes > len(held) // 2
    assert after.open_files == before.open_files + 2
    assert after.tasks == before.tasks + 1
    assert after.cpu_s >= before.cpu_s > 0


async def test_it_is_said_under_the_agents_name() -> None:
    broker = FakeBroker()
    async with (
        broker.open_link("entry", "entry") as bus,
        asyncio.TaskGroup() as tasks,
    ):
        telling = tasks.create_task(keep_telling(bus, "entry"))
        said = await broker.until(TELEMETRY, lambda _: True, agent="entry")
        telling.cancel()
    assert said.memory_bytes > 1_000_000
