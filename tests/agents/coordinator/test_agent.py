"""The coordinator on the bus: what it hears, what it says, and to whom it listens."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import pytest

from agents.coordinator.agent import Coordinator, event_of
from agents.coordinator.events import (
    Asked,
    BusConnected,
    BusLost,
    EntryReported,
    Event,
    ExitForgotten,
    ExitReported,
    ModeHeard,
    OrderHeard,
    PathForgotten,
    PathReported,
    PresenceSaid,
)
from agents.settings_model import CoordinatorSettings, Settings
from bus.commands import Choice, Mode, Request, Response
from bus.interface import (
    Bus,
    BusDown,
    BusUp,
    Forgotten,
    Heard,
    Received,
    Subscription,
)
from bus.link import open_link
from bus.messages.entries import EntryEvent, EntryEventKind, EntryReport
from bus.messages.exits import ExitEvent, ExitEventKind, ExitReport, Stage
from bus.messages.orders import DecisionKind, Gate, History, Move, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.topics import (
    DECISION,
    ENTRY_EVENT,
    ENTRY_STATE,
    EXIT_EVENT,
    EXIT_STATE,
    HISTORY,
    MODE,
    ORDER,
    PATH_STATE,
    PRESENCE,
    REQUEST,
    RESPONSE,
)
from bus.wire import Broker
from tests.bus.hearing import message
from tests.fakes.bus import FakeBroker

TIMEOUT_S: Final = 20.0
ADOPTED: Final = DecisionKind.ADOPTED

# Nothing here waits for a time: grace and settling are over at once.
SETTINGS: Final = Settings(
    coordinator=CoordinatorSettings(settle_s=0.0, stale_s=600.0, start_grace_s=0.0)
)
GRACIOUS: Final = Settings(coordinator=CoordinatorSettings(start_grace_s=600.0))

READY_A: Final = ExitReport(stage=Stage.READY, since=1.0, address="172.20.0.10")
DOWN_A: Final = replace(READY_A, stage=Stage.DOWN)
READY_B: Final = ExitReport(stage=Stage.READY, since=1.0, address="172.20.0.11")
MOVED: Final = EntryEvent(kind=EntryEventKind.MOVED, at=1.0)
MOVE: Final = Move(
    kind=DecisionKind.FAILOVER,
    at=1.0,
    epoch=6,
    before="exit-a",
    after="exit-b",
    reason="because",
)
ORDER_7: Final = Order(epoch=7, gate=Gate.OPEN, active="exit-b")


@asynccontextmanager
async def working(
    broker: FakeBroker, settings: Settings = SETTINGS, overslept_s: float = 60.0
) -> AsyncIterator[Coordinator]:
    """The coordinator at work on a fake broker."""
    agent = Coordinator(settings, overslept_s=overslept_s)
    link = broker.open_link(agent.name, agent.role, agent.subscriptions)
    async with link as bus, at_work(agent, bus):
        yield agent


@asynccontextmanager
async def at_work(agent: Coordinator, bus: Bus) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        await agent.open()
        running = [tasks.create_task(job()) for job in agent.jobs(bus).values()]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await agent.close()


async def test_an_exit_that_is_ready_opens_the_gate() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        order = await broker.until(ORDER, lambda said: said.gate is Gate.OPEN)

    assert (order.epoch, order.active) == (1, "exit-a")
    decision = broker.last(DECISION)
    assert decision is not None
    assert decision.kind is DecisionKind.GATE_OPENED
    assert decision.at > 1e9
    assert (decision.before, decision.after) == (None, "exit-a")


async def test_an_exit_that_fails_moves_the_clients() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        broker.say(EXIT_STATE, READY_B, exit="exit-b")
        await broker.until(ORDER, lambda said: len(said.exits) == 2)
        lost = replace(READY_A, stage=Stage.PPP, cause="no answer through ppp0")
        broker.say(EXIT_STATE, lost, exit="exit-a")
        order = await broker.until(ORDER, lambda said: said.active == "exit-b")

    assert order.reason == "exit-a is at stage ppp: no answer through ppp0"
    assert [hop.exit for hop in order.exits] == ["exit-b", "exit-a"]


async def test_it_takes_over_what_its_predecessor_ordered() -> None:
    broker = FakeBroker()
    broker.say(ORDER, ORDER_7)
    broker.say(EXIT_STATE, READY_B, exit="exit-b")

    async with working(broker):
        decision = await broker.until(
            DECISION, lambda said: said.kind is DecisionKind.ADOPTED
        )

    assert (decision.epoch, decision.after) == (7, "exit-b")


async def test_a_broker_that_forgot_everything_is_told_the_order_again() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        before = await broker.until(ORDER, lambda said: said.active == "exit-a")
        broker.stop()
        assert not broker.retained
        broker.start()

    assert broker.retained[ORDER.name()]
    assert broker.last(ORDER) == before


async def test_it_remembers_moves_and_what_they_cost() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        broker.say(EXIT_STATE, READY_B, exit="exit-b")
        await broker.until(ORDER, lambda said: len(said.exits) == 2)
        broker.say(EXIT_STATE, DOWN_A, exit="exit-a")
        order = await broker.until(ORDER, lambda said: said.active == "exit-b")
        moved = replace(MOVED, epoch=order.epoch, after="exit-b", outage_ms=80.0)
        broker.say(ENTRY_EVENT, moved, entry="entry")
        said = await broker.until(
            HISTORY, lambda said: said.moves[-1].outage_ms is not None
        )

    assert [(one.after, one.outage_ms) for one in said.moves] == [
        ("exit-a", None),
        ("exit-b", 80.0),
    ]


async def test_it_goes_on_with_the_history_of_its_predecessor() -> None:
    broker = FakeBroker()
    broker.say(HISTORY, History(moves=(MOVE,)))
    broker.say(ORDER, ORDER_7)
    broker.say(EXIT_STATE, READY_B, exit="exit-b")

    async with working(broker):
        await broker.until(DECISION, lambda said: said.kind is ADOPTED)
        broker.say(EXIT_STATE, replace(READY_B, stage=Stage.DOWN), exit="exit-b")
        said = await broker.until(HISTORY, lambda said: len(said.moves) > 1)

    assert said.moves[0] == MOVE
    assert [one.after for one in said.moves] == ["exit-b", None]


async def test_a_broker_that_forgot_everything_is_told_the_past_again() -> None:
    broker = FakeBroker()
    broker.say(HISTORY, History(moves=(MOVE,)))

    async with working(broker):
        await broker.until(HISTORY, lambda said: bool(said.boot))
        broker.stop()
        broker.start()

        said = broker.last(HISTORY)
    assert said is not None
    assert said.moves == (MOVE,)


async def test_an_exit_that_was_taken_back_is_left() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        broker.say(EXIT_STATE, READY_B, exit="exit-b")
        await broker.until(ORDER, lambda said: said.active == "exit-a")
        broker.forget(EXIT_STATE, exit="exit-a")
        order = await broker.until(ORDER, lambda said: said.active == "exit-b")

    assert order.reason == "exit-a: it was removed"


async def test_it_wakes_when_silence_has_lasted_too_long() -> None:
    broker = FakeBroker()
    hasty = replace(SETTINGS.coordinator, stale_s=0.5)

    async with working(broker, replace(SETTINGS, coordinator=hasty)):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        order = await broker.until(
            ORDER, lambda said: any(not hop.usable for hop in said.exits)
        )

    assert (order.active, order.reason) == ("exit-a", "standbys: none ready")


async def test_after_a_stall_old_news_move_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = FakeBroker()

    async with working(broker, overslept_s=2.0):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        broker.say(EXIT_STATE, READY_B, exit="exit-b")
        before = await broker.until(ORDER, lambda said: len(said.exits) == 2)
        time.sleep(2.1)  # noqa: ASYNC251 - this is the stall
        broker.say(EXIT_STATE, DOWN_A, exit="exit-a")
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        broker.say(REQUEST, WISH, agent="coordinator", verb="prefer")
        answer = await broker.until(
            RESPONSE, lambda _: True, agent="coordinator", verb="prefer"
        )

    assert answer.error == "catching up after a pause; ask again"
    order = broker.last(ORDER)
    assert order is not None
    assert (order.active, order.epoch) == ("exit-a", before.epoch)
    assert "overslept" in caplog.text


async def test_an_entry_that_comes_hears_from_it_at_once() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        first = await broker.until(ORDER, lambda said: said.active == "exit-a")
        async with broker.open_link("entry", "entry"):
            again = await broker.until(ORDER, lambda said: said.seq > first.seq)

    assert again.epoch == first.epoch


async def test_a_wish_is_carried_out_remembered_and_answered() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        broker.say(EXIT_STATE, READY_B, exit="exit-b")
        await broker.until(ORDER, lambda said: len(said.exits) == 2)
        broker.say(REQUEST, WISH, agent="coordinator", verb="prefer")
        await broker.until(ORDER, lambda said: said.active == "exit-b")
        answer = await broker.until(
            RESPONSE, lambda _: True, agent="coordinator", verb="prefer"
        )

    assert answer == Response(transaction="t1", ok=True)
    mode = broker.last(MODE)
    assert mode is not None
    assert (mode.choice, mode.exit) == (Choice.PREFER, "exit-b")


async def test_a_wish_that_is_refused_is_answered_with_the_reason() -> None:
    broker = FakeBroker()

    async with working(broker):
        broker.say(REQUEST, WISH, agent="coordinator", verb="reconnect")
        answer = await broker.until(
            RESPONSE, lambda _: True, agent="coordinator", verb="reconnect"
        )

    wanted = "unknown to the coordinator: reconnect"
    assert answer == Response(transaction="t1", ok=False, error=wanted)


async def test_its_order_is_its_heartbeat() -> None:
    broker = FakeBroker()
    agent = Coordinator(SETTINGS, heartbeat_s=0.01)

    link = broker.open_link(agent.name, agent.role, agent.subscriptions)
    async with link as bus, at_work(agent, bus):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        first = await broker.until(ORDER, lambda said: said.active == "exit-a")
        again = await broker.until(ORDER, lambda said: said.seq > first.seq)

    assert again.epoch == first.epoch


async def test_each_decision_is_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = FakeBroker()
    caplog.set_level(logging.INFO, "agents.coordinator")

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        await broker.until(DECISION, lambda said: said.after == "exit-a")

    assert [record.getMessage() for record in caplog.records] == [
        "gate-opened: none -> exit-a by order 1: exit-a is ready (ExitReported)"
    ]


async def test_what_others_say_stays_within_its_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = FakeBroker()
    caplog.set_level(logging.INFO, "agents.coordinator")

    async with working(broker):
        broker.say(EXIT_STATE, READY_A, exit="exit-a")
        await broker.until(DECISION, lambda said: said.after == "exit-a")
        forged = replace(READY_A, stage=Stage.DOWN, cause="no\n\x1b[2Jall is well")
        broker.say(EXIT_STATE, forged, exit="exit-a")
        await broker.until(DECISION, lambda said: said.after is None)

    assert all(record.getMessage().isprintable() for record in caplog.records)


@pytest.mark.broker
async def test_on_a_real_broker_its_order_outlives_it(broker: Broker) -> None:
    # Decisions first: who hears an order is sure to hear the decisions after it.
    wanted = (Subscription(DECISION), Subscription(ORDER))
    async with (
        asyncio.timeout(TIMEOUT_S),
        open_link("watcher", "", broker, wanted) as watcher,
        open_link("exit-a", "exit", broker, ()) as exit_a,
        open_link("exit-b", "exit", broker, ()) as exit_b,
    ):
        async with really_working(broker, SETTINGS):
            await exit_a.publish(EXIT_STATE, READY_A, exit="exit-a")
            await exit_b.publish(EXIT_STATE, READY_B, exit="exit-b")
            while len((await message(watcher, ORDER)).payload.exits) < 2:
                pass
            down = replace(READY_A, stage=Stage.DOWN)
            await exit_a.publish(EXIT_STATE, down, exit="exit-a")
            while (order := (await message(watcher, ORDER)).payload).active != "exit-b":
                pass
        async with really_working(broker, GRACIOUS) as successor:
            while (await message(watcher, DECISION)).payload.kind is not ADOPTED:
                pass

    assert (successor.state.order.active, order.active) == ("exit-b", "exit-b")
    assert successor.state.order.epoch == order.epoch


@asynccontextmanager
async def really_working(
    broker: Broker, settings: Settings
) -> AsyncIterator[Coordinator]:
    agent = Coordinator(settings)
    link = open_link(agent.name, agent.role, broker, agent.subscriptions)
    async with link as bus, at_work(agent, bus):
        yield agent


# --- what is heard, in the words of the rules -----------------------------------------

PRESENT: Final = Presence(status=Status.ONLINE)
OBEYS: Final = EntryReport(epoch=1, gate=Gate.OPEN)
WAY: Final = PathReport(health=Health.UP, since=1.0)
WISH: Final = Request(transaction="t1", exit="exit-b")
STEP: Final = ExitEvent(
    kind=ExitEventKind.STAGE, at=1.0, before=Stage.DOWN, after=Stage.IKE
)


@pytest.mark.parametrize(
    ("heard", "event"),
    [
        (BusUp(), BusConnected(5.0)),
        (BusDown(), BusLost(5.0)),
        (
            Received(EXIT_STATE, {"exit": "exit-a"}, READY_A, retained=True),
            ExitReported(5.0, "exit-a", READY_A, echo=True),
        ),
        (
            Received(PRESENCE, {"agent": "exit-a"}, PRESENT),
            PresenceSaid(5.0, "exit-a", PRESENT),
        ),
        (
            Received(ENTRY_STATE, {"entry": "entry"}, OBEYS),
            EntryReported(5.0, "entry", OBEYS),
        ),
        (Received(ORDER, {}, ORDER_7), OrderHeard(5.0, ORDER_7)),
        (
            Received(PATH_STATE, {"entry": "entry", "exit": "exit-a"}, WAY, True),
            PathReported(5.0, "entry", "exit-a", WAY, echo=True),
        ),
        (
            Forgotten(PATH_STATE, {"entry": "entry", "exit": "exit-a"}),
            PathForgotten(5.0, "entry", "exit-a"),
        ),
        (Received(MODE, {}, Mode()), ModeHeard(5.0, Mode())),
        (
            Received(REQUEST, {"agent": "coordinator", "verb": "drain"}, WISH),
            Asked(5.0, "drain", WISH),
        ),
        (Forgotten(EXIT_STATE, {"exit": "exit-a"}), ExitForgotten(5.0, "exit-a")),
        (Forgotten(PRESENCE, {"agent": "exit-a"}), None),
        (Received(EXIT_EVENT, {"exit": "exit-a"}, STEP), None),
    ],
)
def test_what_is_heard_is_an_event(heard: Heard, event: Event | None) -> None:
    assert event_of(heard, 5.0) == event
