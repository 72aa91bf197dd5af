"""What the real coordinator remembers, read by `vpnchain events` after it has gone."""

import asyncio
import json

import pytest

from bus.interface import Subscription
from bus.link import open_link
from bus.messages.exits import Stage
from bus.topics import HISTORY
from bus.wire import Broker
from tests.bus.hearing import message
from tests.cli.test_commands import environment, ran
from tests.standin import stand_ins

TIMEOUT_S = 20.0


@pytest.mark.broker
async def test_moves_of_two_lives_of_a_coordinator_are_told(broker: Broker) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        async with stand_ins(broker) as chain:
            await chain.exits["exit-a"].be(Stage.READY)
            await remembered(broker, 1)
            await chain.exits["exit-b"].be(Stage.READY)
            await chain.exits["exit-a"].be(Stage.DOWN, "hung up")
            await remembered(broker, 2)
        async with stand_ins(broker) as chain:
            await chain.exits["exit-a"].be(Stage.READY)
            await remembered(broker, 3)
        code, out, _ = await ran(
            environment(broker), "events", "--since", "1h", "--json"
        )

    told = [json.loads(one)["payload"] for one in out.splitlines()]
    assert [one["after"] for one in told] == ["exit-a", "exit-b", "exit-a"]
    assert [one["outage_ms"] for one in told] == [None, 31.0, 31.0]
    assert code == 0


async def remembered(broker: Broker, number: int) -> None:
    """Until so many moves are remembered, and what the last one has cost."""
    async with open_link("watcher", "", broker, [Subscription(HISTORY)]) as bus:
        while True:
            moves = (await message(bus, HISTORY)).payload.moves
            if len(moves) == number and (number == 1 or moves[-1].outage_ms):
                return
