"""How long clients had no way, as the entry says it with each move."""

import pytest

from agents.entry.events import BridgeChanged, Event, GateStands, HopStands, Ordered
from agents.entry.model import Point, SayEvent
from bus.messages.entries import EntryEventKind
from bus.messages.orders import Gate
from tests.agents.entry.story import WG0, A, B, Story, carrying, order


def outages_ms(story: Story, *events: Event) -> list[float | None]:
    """What each move among these events is said to have cost."""
    said: list[float | None] = []
    for event in events:
        moves = story.hears(event).of(SayEvent)
        said += [one.outage_ms for one in moves if one.kind is EntryEventKind.MOVED]
    return said


def test_a_path_that_was_left_silent_has_cost_the_time_since_its_last_answer() -> None:
    moved = HopStands(2.0, Point(B), silent_s=0.25)

    assert outages_ms(carrying(), Ordered(2.0, order(2, "exit-b")), moved) == [250.0]


def test_a_path_that_still_answered_has_cost_nothing() -> None:
    moved = HopStands(2.0, Point(B), silent_s=0.0)

    assert outages_ms(carrying(), Ordered(2.0, order(2, "exit-b")), moved) == [0.0]


def test_a_path_that_nobody_measured_has_cost_nobody_knows_what() -> None:
    moved = HopStands(2.0, Point(B))

    assert outages_ms(carrying(), Ordered(2.0, order(2, "exit-b")), moved) == [None]


def test_where_nobody_took_over_the_time_goes_on_until_somebody_does() -> None:
    blocked = HopStands(2.0, Point(None), silent_s=0.5)
    resumed = HopStands(7.0, Point(B), silent_s=0.0)

    assert outages_ms(
        carrying(),
        Ordered(2.0, order(2, None)),
        blocked,
        Ordered(7.0, order(3, "exit-b")),
        resumed,
    ) == [None, 5500.0]


def test_a_next_hop_that_could_not_be_set_counts_from_the_last_answer() -> None:
    refused = HopStands(2.0, Point(B), "pointing: no", silent_s=0.5)
    stands = HopStands(8.0, Point(B), silent_s=0.0)

    told = outages_ms(carrying(), Ordered(2.0, order(2, "exit-b")), refused, stands)
    assert told == [None, 6500.0]


def test_a_bridge_that_went_and_came_counts_from_when_it_went() -> None:
    went, came = BridgeChanged(3.0, up=False), BridgeChanged(4.0, up=True)
    stands = HopStands(4.5, Point(A), silent_s=0.0)

    assert outages_ms(carrying(), went, came, stands) == [None, 1500.0]


@pytest.mark.parametrize("silent_s", [0.0, 0.5, None])
def test_while_the_gate_is_closed_nobody_waits(silent_s: float | None) -> None:
    blocked = HopStands(2.0, Point(None), silent_s=silent_s)
    opened = HopStands(900.0, Point(B), silent_s=0.0)

    assert outages_ms(
        carrying(),
        Ordered(2.0, order(2, None, Gate.CLOSED)),
        blocked,
        GateStands(2.1, None),
        Ordered(900.0, order(3, "exit-b")),
        opened,
        GateStands(900.1, WG0),
    ) == [None, None]


def test_waiting_ends_when_the_gate_is_closed_meanwhile() -> None:
    assert outages_ms(
        carrying(),
        Ordered(2.0, order(2, None)),
        HopStands(2.0, Point(None), silent_s=0.5),
        Ordered(3.0, order(3, None, Gate.CLOSED)),
        Ordered(900.0, order(4, "exit-b")),
        HopStands(900.0, Point(B), silent_s=0.0),
    ) == [None, None]


def test_the_first_way_of_all_has_cost_nothing_that_is_known() -> None:
    opened = HopStands(1.0, Point(A), silent_s=None)

    assert outages_ms(Story(), Ordered(1.0, order(1, "exit-a")), opened) == [None]
