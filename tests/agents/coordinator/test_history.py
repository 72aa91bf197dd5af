"""What the coordinator remembers of moves: what counts as one, and what it has cost."""

from dataclasses import replace

import pytest

from agents.coordinator.history import LONGEST, MOST, Moves, extended, remembered
from bus.codec import encode
from bus.epochs import EPOCH_LIMIT
from bus.messages.entries import EntryEvent, EntryEventKind
from bus.messages.orders import Decision, DecisionKind, History, Move

LARGEST_BYTES = 40_000


def decision(
    epoch: int,
    before: str | None,
    after: str | None,
    kind: DecisionKind = DecisionKind.FAILOVER,
) -> Decision:
    return Decision(
        kind=kind,
        at=1000.0 + epoch,
        epoch=epoch,
        before=before,
        after=after,
        reason="because",
    )


def past(*decisions: Decision) -> Moves:
    moves: Moves = ()
    for one in decisions:
        moves = extended(moves, one)
    return moves


def moved(epoch: int, after: str | None, outage_ms: float | None) -> EntryEvent:
    return EntryEvent(
        kind=EntryEventKind.MOVED,
        at=2000.0,
        after=after,
        epoch=epoch,
        outage_ms=outage_ms,
    )


FIRST = decision(1, None, "exit-a", DecisionKind.GATE_OPENED)
SECOND = decision(2, "exit-a", "exit-b")
THIRD = decision(4, "exit-b", None, DecisionKind.EXHAUSTED)


# --- what is a move -------------------------------------------------------------------


def test_what_is_no_word_of_moves_changes_nothing() -> None:
    assert remembered(past(SECOND), SECOND) == past(SECOND)


def test_a_decision_that_changes_who_carries_is_remembered() -> None:
    assert past(SECOND) == (
        Move(
            kind=DecisionKind.FAILOVER,
            at=1002.0,
            epoch=2,
            before="exit-a",
            after="exit-b",
            reason="because",
        ),
    )


def test_a_decision_that_moves_nobody_is_not_remembered() -> None:
    ranked = decision(3, "exit-b", "exit-b", DecisionKind.RANKED)

    assert past(FIRST, SECOND, ranked) == past(FIRST, SECOND)


def test_a_restart_is_no_move() -> None:
    taken_over = decision(2, None, "exit-b", DecisionKind.ADOPTED)

    assert past(FIRST, SECOND, taken_over) == past(FIRST, SECOND)
    assert past(taken_over) == ()


def test_where_the_entry_went_by_itself_meanwhile_is_a_move() -> None:
    walked = decision(2, None, "exit-c", DecisionKind.ADOPTED)

    last = past(FIRST, SECOND, walked)[-1]
    assert (last.before, last.after) == ("exit-b", "exit-c")


# --- how much is remembered -----------------------------------------------------------


def test_the_oldest_moves_are_forgotten() -> None:
    every = [decision(n, f"exit-{n}", f"exit-{n + 1}") for n in range(1, MOST + 11)]

    moves = past(*every)
    assert len(moves) == MOST
    assert [one.epoch for one in moves] == list(range(11, MOST + 11))


def test_the_longest_history_fits_a_message() -> None:
    talkative = replace(decision(1, "x" * 20, "y" * 20), reason="why " * 1000)
    every = [
        replace(talkative, epoch=EPOCH_LIMIT - n, at=1767225600.123456 + n)
        for n in range(MOST + 1)
    ]

    moves = past(*every)
    assert {len(one.reason) for one in moves} == {LONGEST}
    assert len(encode(History(moves=moves))) < LARGEST_BYTES


# --- what a predecessor remembered ----------------------------------------------------


def test_a_new_coordinator_goes_on_where_its_predecessor_stopped() -> None:
    before = past(FIRST, SECOND)

    moves = extended(remembered((), History(moves=before)), THIRD)
    assert moves == past(FIRST, SECOND, THIRD)


def test_what_is_heard_late_still_comes_first() -> None:
    ours = past(THIRD)

    assert [
        one.epoch for one in remembered(ours, History(moves=past(FIRST, SECOND)))
    ] == [1, 2, 4]


def test_an_echo_of_what_we_said_changes_nothing() -> None:
    ours = remembered(past(FIRST, SECOND), moved(2, "exit-b", 80.0))

    assert remembered(ours, History(moves=past(FIRST, SECOND))) == ours
    assert remembered(ours, History(moves=past(FIRST))) == ours


def test_an_old_echo_brings_nothing_forgotten_back() -> None:
    every = [decision(n, f"exit-{n}", f"exit-{n + 1}") for n in range(1, MOST + 2)]
    ours = past(*every)

    assert remembered(ours, History(moves=past(*every[:MOST]))) == ours


# --- what it has cost -----------------------------------------------------------------


def costs_ms(moves: Moves) -> list[float | None]:
    return [one.outage_ms for one in moves]


def test_what_a_move_has_cost_is_filled_in_when_the_entry_says_it() -> None:
    moves = remembered(past(FIRST, SECOND), moved(2, "exit-b", 80.0))

    assert costs_ms(moves) == [None, 80.0]


def test_a_move_that_cost_nothing_says_so() -> None:
    assert costs_ms(remembered(past(SECOND), moved(2, "exit-b", 0.0))) == [0.0]


def test_an_entry_that_comes_late_is_heard_too() -> None:
    moves = remembered(past(FIRST, SECOND, THIRD), moved(2, "exit-b", 80.0))

    assert costs_ms(moves) == [None, 80.0, None]


def test_an_entry_that_obeyed_a_newer_order_that_moved_nobody_is_heard() -> None:
    assert costs_ms(remembered(past(SECOND), moved(3, "exit-b", 80.0))) == [80.0]


def test_of_several_entries_the_longest_outage_counts() -> None:
    moves = past(SECOND)
    for outage_ms in (80.0, 250.0, 90.0):
        moves = remembered(moves, moved(2, "exit-b", outage_ms))

    assert costs_ms(moves) == [250.0]


@pytest.mark.parametrize(
    "event",
    [
        moved(2, "exit-c", 80.0),
        moved(1, "exit-b", 80.0),
        moved(2, "exit-b", None),
        moved(2, "exit-b", -1.0),
        replace(moved(2, "exit-b", 80.0), kind=EntryEventKind.GATE_CLOSED),
    ],
    ids=["elsewhere", "an older order", "unmeasured", "impossible", "no move"],
)
def test_what_says_nothing_of_a_move_changes_none(event: EntryEvent) -> None:
    assert remembered(past(SECOND), event) == past(SECOND)
    assert remembered((), event) == ()
