"""What was heard and waits: it has a limit, and nothing goes uncounted."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from bus.codec import encode
from bus.examples import example_of
from bus.inbox import LIMIT_BYTES, READ_BYTES, Inbox
from bus.interface import BusDown, BusUp, Counters, Heard, Received, Subscription
from bus.messages.exits import ExitReport
from bus.topics import EXIT_STATE, USUAL_BYTES
from tests.bus.hearing import PATIENCE_S

RAW: Final = encode(example_of(ExitReport))
SUBSCRIPTIONS: Final = (Subscription(EXIT_STATE),)
THREE: Final = 3 * (len(RAW) + READ_BYTES)


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def inbox(counters: Counters) -> Inbox:
    """It has room for three messages."""
    return Inbox(SUBSCRIPTIONS, counters, THREE)


def hear(inbox: Inbox, *exits: str) -> None:
    for name in exits:
        inbox.deliver(EXIT_STATE.name(exit=name), RAW, retained=False)


async def heard(inbox: Inbox, count: int) -> Sequence[Heard]:
    async with asyncio.timeout(PATIENCE_S):
        return [await inbox.next() for _ in range(count)]


def names(all_heard: Sequence[Heard]) -> list[str]:
    """The exit, or what befell the link."""
    return [
        one.levels["exit"] if isinstance(one, Received) else type(one).__name__
        for one in all_heard
    ]


async def test_what_is_too_much_pushes_out_the_oldest_and_is_counted(
    inbox: Inbox, counters: Counters, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "bus.inbox"):
        hear(inbox, "a", "b", "c", "d", "e")
    assert names(await heard(inbox, 3)) == ["c", "d", "e"]
    assert counters.dropped == 2
    assert [record.getMessage() for record in caplog.records] == [
        "dropping a message on exit/a/state: too many wait to be looked at"
    ]


async def test_the_links_ups_and_downs_are_kept_in_their_order(inbox: Inbox) -> None:
    inbox.put(BusUp())
    hear(inbox, "a")
    inbox.put(BusDown())
    inbox.put(BusUp())
    hear(inbox, "b", "c", "d", "e")
    ups = ["BusUp", "BusDown", "BusUp"]
    assert names(await heard(inbox, 6)) == [*ups, "c", "d", "e"]


async def test_who_follows_loses_nothing(inbox: Inbox, counters: Counters) -> None:
    for number in range(20):
        hear(inbox, f"exit-{number}")
        assert names(await heard(inbox, 1)) == [f"exit-{number}"]
    assert counters.dropped == 0


async def test_who_waits_is_told_at_once(inbox: Inbox) -> None:
    waiting = asyncio.create_task(heard(inbox, 2))
    await asyncio.sleep(0)
    hear(inbox, "a", "b")
    assert names(await waiting) == ["a", "b"]


async def test_a_thousand_exits_fit_while_nobody_looks(counters: Counters) -> None:
    """What is retained for each: presence, telemetry, state, container, path."""
    inbox = Inbox(SUBSCRIPTIONS, counters)
    for kind in range(5):
        hear(inbox, *(f"exit-{number}-{kind}" for number in range(1_000)))
    assert counters.dropped == 0
    assert len(await heard(inbox, 5_000)) == 5_000


async def test_a_flood_of_long_messages_does_not_fill_the_memory(
    counters: Counters,
) -> None:
    inbox = Inbox(SUBSCRIPTIONS, counters)
    cause = "x" * (USUAL_BYTES - len(RAW) - 100)
    raw = encode(replace(example_of(ExitReport), cause=cause))
    for number in range(5_000):
        name = EXIT_STATE.name(exit=f"exit-{number}")
        inbox.deliver(name, raw, retained=False)
    kept = LIMIT_BYTES // (len(raw) + READ_BYTES)
    assert counters.dropped == 5_000 - kept
    assert names(await heard(inbox, kept))[-1] == "exit-4999"
