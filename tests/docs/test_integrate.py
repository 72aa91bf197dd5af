"""Every command of docs/integrate.md, run as it stands there against a living chain."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from bus.wire import Broker
from tests.needs import need, tool
from tests.standin import StandIns, stand_ins

pytestmark = pytest.mark.broker

PAGE: Final = Path(__file__).parents[2] / "docs/integrate.md"
COMMANDS: Final = re.findall(r"```sh\n(.+?)```", PAGE.read_text(), re.DOTALL)
LIMIT_S: Final = 30.0


@pytest.fixture
async def chain(broker: Broker) -> AsyncIterator[StandIns]:
    """A chain that carries, both exits ready."""
    if missing := [one for one in ("mosquitto_sub", "mosquitto_rr") if not tool(one)]:
        need(f"needs {', '.join(missing)}")
    async with stand_ins(broker) as chain:
        await chain.ready("exit-a")
        await chain.ready("exit-b")
        async with asyncio.timeout(LIMIT_S):
            await chain.entry.sends_through("exit-a")
        yield chain


async def run(broker: Broker, words: str) -> str:
    """What the first command with these words prints."""
    command = next(one for one in COMMANDS if words in one)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", command),
        env={
            **os.environ,
            "BROKER": broker.host,
            "PORT": str(broker.port),
            "BASE": broker.base,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    return out.decode().strip()


async def data(broker: Broker, words: str) -> Any:
    return json.loads(await run(broker, words))


async def test_states_are_told_at_once(chain: StandIns, broker: Broker) -> None:
    assert (await data(broker, "exit/exit-a/state"))["stage"] == "ready"
    assert (await data(broker, "entry/+/state"))["active"] == "exit-a"
    assert "moves" in await data(broker, "coordinator/history")
    assert "/presence" in await run(broker, "agent/+/presence")
    assert chain.entry.report.active == "exit-a"


async def test_requests_are_answered_and_done(chain: StandIns, broker: Broker) -> None:
    answer = await data(broker, "coordinator/prefer")
    granted = {"transaction": "move-1", "ok": True, "error": "", "peer": None}
    assert answer == granted
    async with asyncio.timeout(LIMIT_S):
        await chain.entry.sends_through("exit-b")

    assert (await data(broker, "coordinator/drain"))["ok"]
    assert (await data(broker, "exit-a/reconnect"))["ok"]
    assert chain.exits["exit-a"].reconnects == 1
    await run(broker, "coordinator/auto")


async def test_a_move_is_told_when_it_happens(chain: StandIns, broker: Broker) -> None:
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(run(broker, "coordinator/event"))
        while not told.done():  # until somebody listens: events are not kept
            await chain.fail("exit-a")
            await asyncio.sleep(0.2)
            await chain.ready("exit-a")
            await asyncio.sleep(0.2)
    assert told.result().startswith('vpnchain: {"kind"')


def test_every_command_is_run_by_one_of_these() -> None:
    source = Path(__file__).read_text()
    topics = (re.search(r'\$BASE/([^"]+)"', command) for command in COMMANDS)
    names = [found[1].removeprefix("request/") for found in topics if found]
    assert len(names) == len(COMMANDS) > 5
    assert not [name for name in names if f'"{name}"' not in source]
