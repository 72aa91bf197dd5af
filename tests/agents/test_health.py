"""What an agent answers when it is asked how it is."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agents.health import ask, main
from agents.health_door import overheard
from agents.health_rules import Record, ailment
from bus.epochs import EPOCH_LIMIT
from bus.interface import BusDown, Subscription
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Order
from bus.topics import ENTRY_STATE, EXIT_STATE, ORDER
from tests.fakes.bus import FakeBroker

ROOT = Path(__file__).parents[2]
OPENED = Order(epoch=3, gate=Gate.OPEN, active="exit-a")
OBEYED = EntryReport(epoch=3, gate=Gate.OPEN, active="exit-a", wireguard="kernel")


def of_entry(report: EntryReport | None, order: Order | None = OPENED) -> str:
    return ailment("entry", Record(entry=report, order=order), connected=True)


def of_exit(report: ExitReport | None) -> str:
    return ailment("exit", Record(exit=report), connected=True)


def test_an_exit_is_well_when_it_is_ready() -> None:
    assert of_exit(ExitReport(stage=Stage.READY, since=1.0)) == ""


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage != Stage.READY])
def test_any_other_stage_of_an_exit_is_told_with_its_cause(stage: Stage) -> None:
    report = ExitReport(stage=stage, since=1.0, cause="ike: no answer (wrong PSK?)")
    assert of_exit(report) == f"{stage}: ike: no answer (wrong PSK?)"


def test_an_entry_is_well_when_it_obeys_the_newest_order() -> None:
    assert of_entry(OBEYED) == ""


def test_a_closed_gate_is_well_if_that_was_ordered() -> None:
    closed = Order(epoch=4, gate=Gate.CLOSED)
    assert of_entry(EntryReport(epoch=4, gate=Gate.CLOSED), closed) == ""


SICK: Mapping[str, tuple[EntryReport | None, Order | None]] = {
    "has not said anything yet": (None, OPENED),
    "no order yet": (EntryReport(epoch=0, gate=Gate.CLOSED), None),
    "obeys order 2, the newest is 3": (EntryReport(epoch=2, gate=Gate.OPEN), OPENED),
    "the gate is closed, ordered: open": (
        EntryReport(epoch=3, gate=Gate.CLOSED),
        OPENED,
    ),
    "the gate is open, but WireGuard is not there": (
        EntryReport(epoch=3, gate=Gate.OPEN),
        OPENED,
    ),
    "wg0: no such key": (
        EntryReport(epoch=3, gate=Gate.CLOSED, cause="wg0: no such key"),
        OPENED,
    ),
    "seen from home": (
        EntryReport(epoch=3, gate=Gate.CLOSED, leak="seen from home"),
        OPENED,
    ),
}


@pytest.mark.parametrize("words", SICK)
def test_an_entry_that_does_not_obey_says_why(words: str) -> None:
    assert of_entry(*SICK[words]) == words


def test_an_entry_without_a_broker_is_well_while_it_obeys_what_it_heard() -> None:
    record = Record(entry=OBEYED, order=OPENED)
    assert ailment("entry", record, connected=False) == ""


def test_a_coordinator_without_a_broker_is_not_well() -> None:
    assert ailment("coordinator", Record(), connected=True) == ""
    assert ailment("coordinator", Record(), connected=False) == "no link to the broker"


def test_an_older_order_that_comes_late_changes_nothing() -> None:
    record = Record().heard(OPENED).heard(Order(epoch=1, gate=Gate.CLOSED))
    assert record.order == OPENED


def test_an_order_that_none_can_be_does_not_make_an_entry_ill() -> None:
    rubbish = Order(epoch=EPOCH_LIMIT + 1, gate=Gate.OPEN)

    record = Record(entry=OBEYED).heard(OPENED).heard(rubbish)

    assert ailment("entry", record, connected=True) == ""


def test_the_order_after_the_last_epoch_is_the_newest() -> None:
    record = Record(entry=OBEYED).heard(Order(epoch=EPOCH_LIMIT, gate=Gate.OPEN))

    assert ailment("entry", record.heard(OPENED), connected=True) == ""


async def asked(name: str) -> str:
    return await asyncio.to_thread(ask, name)


async def test_an_agent_is_asked_for_what_it_said_last() -> None:
    name = f"exit-{os.getpid()}"
    async with (
        FakeBroker().open_link(name, "exit") as bus,
        overheard(name, "exit", bus) as noted,
    ):
        assert await asked(name) == "has not said anything yet"
        report = ExitReport(stage=Stage.READY, since=1.0)
        await noted.publish(EXIT_STATE, report, exit=name)
        assert await asked(name) == "healthy"
        assert bus.counters.published


async def test_an_entry_is_judged_by_the_order_that_it_heard() -> None:
    name, broker = f"entry-{os.getpid()}", FakeBroker()
    async with (
        broker.open_link(name, "entry", [Subscription(ORDER)]) as bus,
        overheard(name, "entry", bus) as noted,
    ):
        await noted.publish(ENTRY_STATE, OBEYED, entry=name)
        broker.say(ORDER, Order(epoch=9, gate=Gate.OPEN))
        broker.stop()
        async with asyncio.timeout(5):
            async for heard in noted:
                if isinstance(heard, BusDown):
                    break
        assert await asked(name) == "obeys order 3, the newest is 9"


async def test_a_second_agent_of_the_name_lives_without_being_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)  # whatever a command left behind
    name = f"coordinator-{os.getpid()}"
    async with (
        FakeBroker().open_link(name, "coordinator") as bus,
        overheard(name, "coordinator", bus),
        overheard(name, "coordinator", bus) as second,
    ):
        assert second.connected
        assert "nobody can ask" in caplog.text


def test_nobody_there_is_not_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nobody-of-this-name"]) == 1
    assert "asking nobody-of-this-name: " in capsys.readouterr().out


async def test_an_agent_that_hangs_is_not_healthy() -> None:
    """Its kernel takes the visit, but no word comes back."""
    name = f"hung-{os.getpid()}"
    async with (
        FakeBroker().open_link(name, "coordinator") as bus,
        overheard(name, "coordinator", bus),
    ):
        assert "timed out" in ask(name)  # from this very thread: the loop stands still


def test_the_question_loads_no_library_and_no_agent() -> None:
    shown = "import sys, agents.health; print(*sys.modules)"
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path[0:0] = ['{ROOT}']; {shown}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"asyncio", "msgspec", "orjson", "aiomqtt", "bus", "logging"}
