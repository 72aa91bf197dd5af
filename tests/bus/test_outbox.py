"""What waits to be said: states are never lost, events are counted."""

from typing import Final

import pytest

from bus.interface import Counters
from bus.outbox import Outbox, Parcel

LIMIT: Final = 3


def state(name: str, raw: bytes = b"1") -> Parcel:
    return Parcel(name, raw, 1, retain=True)


def event(name: str) -> Parcel:
    return Parcel(name, b"1", 1, retain=False)


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def outbox(counters: Counters) -> Outbox:
    return Outbox(counters, LIMIT)


async def said(outbox: Outbox, count: int) -> list[Parcel]:
    parcels = []
    for _ in range(count):
        parcels.append(await outbox.take())
        outbox.done(parcels[-1], again=bool(parcels[-1].raw))
    await outbox.emptied()
    return parcels


async def test_order_is_kept(outbox: Outbox) -> None:
    outbox.open(first="")
    parcels = [state("a"), event("e"), state("a", b"2")]
    for parcel in parcels:
        outbox.put(parcel)
    assert await said(outbox, 3) == parcels


async def test_after_a_connect_the_present_is_said_its_head_first(
    outbox: Outbox, counters: Counters
) -> None:
    for parcel in (state("a"), state("b"), event("e"), state("a", b"2")):
        outbox.put(parcel)
    outbox.open(first="b")
    assert await said(outbox, 2) == [state("b"), state("a", b"2")]
    assert counters.dropped == 1


async def test_what_is_too_much_is_dropped_if_an_event(
    outbox: Outbox, counters: Counters
) -> None:
    outbox.open(first="")
    for number in range(LIMIT + 2):
        outbox.put(event(f"e{number}"))
    assert [one.name for one in await said(outbox, LIMIT)] == ["e0", "e1", "e2"]
    assert counters.dropped == 2


async def test_what_is_too_much_is_late_if_a_state(
    outbox: Outbox, counters: Counters
) -> None:
    outbox.open(first="")
    for number in range(LIMIT):
        outbox.put(event(f"e{number}"))
    outbox.put(state("a"))
    outbox.put(state("a", b"2"))
    assert (await said(outbox, LIMIT + 1))[-1] == state("a", b"2")
    assert counters.dropped == 0


async def test_a_late_state_that_was_taken_back_is_said_as_gone(
    outbox: Outbox,
) -> None:
    outbox.open(first="")
    for number in range(LIMIT):
        outbox.put(event(f"e{number}"))
    outbox.put(state("a"))
    outbox.put(state("a", b""))
    assert (await said(outbox, LIMIT + 1))[-1] == state("a", b"")
    outbox.close()
    outbox.open(first="")
    outbox.put(event("end"))
    assert await said(outbox, 1) == [event("end")]


async def test_what_waits_when_the_link_breaks_is_said_again_or_counted(
    outbox: Outbox, counters: Counters
) -> None:
    outbox.open(first="")
    outbox.put(state("a"))
    outbox.put(event("e"))
    outbox.close()
    await outbox.emptied()
    assert counters.dropped == 1
    outbox.open(first="")
    assert await said(outbox, 1) == [state("a")]


async def test_what_is_gone_is_said_until_the_broker_knows(outbox: Outbox) -> None:
    outbox.put(state("a"))
    outbox.put(state("a", b""))
    for _ in range(2):
        outbox.open(first="")
        parcel = await outbox.take()
        assert parcel == state("a", b"")
        outbox.done(parcel, again=True)  # no receipt came
        outbox.close()
    outbox.open(first="")
    await said(outbox, 1)
    outbox.close()
    outbox.open(first="")
    outbox.put(event("end"))
    assert await said(outbox, 1) == [event("end")]
