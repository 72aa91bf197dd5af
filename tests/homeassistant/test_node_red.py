"""The example for Node-RED, in a real one: after a failover it asks for a move."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from bus.commands import Choice, Mode
from bus.interface import Bus, Received, Subscription
from bus.link import open_link
from bus.topics import DECISION, MODE, RESPONSE
from bus.wire import Broker
from tests.homeassistant.house import end
from tests.mosquitto import Mosquitto, free_port
from tests.needs import NODE_RED, ROOT
from tests.standin import stand_ins

pytestmark = [pytest.mark.home, pytest.mark.broker]

EXAMPLE: Final = ROOT / "examples/node-red/stay-after-failover.json"
NODE: Final = ROOT / ".venv/bin/node"
START_S: Final = 120.0  # a bound: it takes seconds
PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.05


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """One that tells who subscribes to what."""
    broker = Mosquitto(tmp_path, more="allow_anonymous true\nlog_type subscribe")
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@asynccontextmanager
async def node_red(
    folder: Path, mosquitto: Mosquitto, **changes: dict[str, str]
) -> AsyncIterator[None]:
    """It has subscribed; `changes`: of the example's nodes, keys as their ids end."""
    flow: list[dict[str, Any]] = json.loads(EXAMPLE.read_text())
    changes["broker"] = {"broker": mosquitto.host, "port": str(mosquitto.port)}
    for node in flow:
        node.update(changes.get(node["id"].removeprefix("vpnchain-"), {}))
    folder.mkdir()
    (folder / "flow.json").write_text(json.dumps(flow))
    process = await asyncio.create_subprocess_exec(
        *(NODE, NODE_RED, "--userDir", folder, "--port", str(free_port())),
        *("-D", "uiHost=127.0.0.1", folder / "flow.json"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        async with asyncio.timeout(START_S):
            while not _subscribed(mosquitto):
                assert process.returncode is None, "Node-RED has ended"
                await asyncio.sleep(LOOK_S)
        yield
    finally:
        await end(process)


def _subscribed(mosquitto: Mosquitto) -> bool:
    """To all: the last that it asks for is answered in the log."""
    names = (DECISION.filter, RESPONSE.within({"agent": "coordinator"}))
    text = mosquitto.log.read_text()
    return all(f"vpnchain/{name}" in text for name in names)


async def chosen(bus: Bus, choice: Choice) -> Mode:
    """The next mode of this kind."""
    async with asyncio.timeout(PATIENCE_S):
        async for heard in bus:
            if isinstance(heard, Received) and heard.payload.choice is choice:
                mode: Mode = heard.payload
                return mode
    raise AssertionError("the bus has ended")


async def test_after_a_failover_it_stays_a_while_where_the_chain_went(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    broker = Broker(mosquitto.host, mosquitto.port)
    soon = {"duration": "500", "units": "ms"}
    async with (
        stand_ins(broker) as chain,
        node_red(tmp_path / "node-red", mosquitto, hour=soon),
        open_link("ear", "", broker, [Subscription(MODE)]) as bus,
    ):
        await chain.ready("exit-a")
        await chain.ready("exit-b")
        await chain.fail("exit-a")
        assert (await chosen(bus, Choice.PREFER)).exit == "exit-b"
        await chosen(bus, Choice.AUTO)
