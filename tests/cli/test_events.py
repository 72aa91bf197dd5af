"""What happened: remembered by the coordinator, and told as it happens."""

import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bus.interface import Bus, Subscription
from bus.link import open_link
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from bus.messages.orders import DecisionKind, History, Move
from bus.topics import EXIT_EVENT, HISTORY
from bus.wire import Broker
from tests.bus.hearing import message
from tests.cli.test_commands import environment, line, ran, started

LOST = ExitEvent(kind=ExitEventKind.LOST, at=1.0, before=Stage.READY, after=Stage.DOWN)


def move(age_s: float, after: str) -> Move:
    return Move(
        kind=DecisionKind.FAILOVER,
        at=time.time() - age_s,
        epoch=3,
        before="exit-a",
        after=after,
        reason="because",
        outage_ms=212.0,
    )


@asynccontextmanager
async def remembering(broker: Broker, *moves: Move) -> AsyncIterator[Bus]:
    """A coordinator with this history."""
    mine = [Subscription(HISTORY)]
    async with open_link("coordinator", "coordinator", broker, mine) as bus:
        await bus.publish(HISTORY, History(moves=moves))
        await message(bus, HISTORY)
        yield bus


@pytest.mark.broker
async def test_moves_that_are_remembered_are_told(broker: Broker) -> None:
    async with remembering(broker, move(7200, "exit-b"), move(60, "exit-c")):
        code, out, _ = await ran(environment(broker), "events")

    told = [one.split("  ", 1)[1].strip() for one in out.splitlines()]
    assert [one.split("to ")[1].split(":")[0] for one in told] == ["exit-b", "exit-c"]
    assert "outage 212 ms" in told[0]
    assert code == 0


@pytest.mark.broker
async def test_only_what_is_young_enough_is_told(broker: Broker) -> None:
    async with remembering(broker, move(7200, "exit-b"), move(60, "exit-c")):
        _, out, _ = await ran(environment(broker), "events", "--since", "1h", "--json")

    (told,) = [json.loads(one) for one in out.splitlines()]
    assert told["topic"] == "coordinator/history"
    assert told["payload"]["after"] == "exit-c"
    assert told["payload"]["outage_ms"] == 212.0


@pytest.mark.broker
async def test_without_a_history_nothing_is_told(broker: Broker) -> None:
    assert await ran(environment(broker), "events") == (0, "", "")


@pytest.mark.broker
async def test_who_follows_is_told_what_happens_from_then_on(broker: Broker) -> None:
    env = environment(broker)
    async with (
        remembering(broker, move(60, "exit-b")) as bus,
        started(env, "events", "--follow", "--json") as process,
    ):
        remembered = json.loads(await line(process))
        await bus.publish(HISTORY, History(moves=(move(60, "exit-b"),)))  # no event
        await bus.publish(EXIT_EVENT, LOST, exit="exit-a")
        happened = json.loads(await line(process))
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()

    assert remembered["payload"]["after"] == "exit-b"
    assert happened["topic"] == "exit/exit-a/event"
    assert (process.returncode, errors) == (0, b"")


async def test_a_duration_that_is_none_is_refused() -> None:
    code, _, errors = await ran({}, "events", "--since", "soon")

    assert code == 2
    assert "1h30m" in errors
