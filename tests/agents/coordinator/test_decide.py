"""The coordinator's rules, told as stories."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from agents.coordinator.agent import decision_of
from agents.coordinator.decide import decide, standing
from agents.coordinator.events import (
    Action,
    BusLost,
    Event,
    ExitForgotten,
    SayDecision,
    SayOrder,
    Tick,
)
from agents.coordinator.model import Policy, State
from bus.codec import encode
from bus.messages.exits import Stage
from bus.topics import EXIT_STATE
from tests.agents.coordinator.stories import STORIES
from tests.agents.coordinator.stories_modes import ONLY_B, PREFERS_B
from tests.agents.coordinator.story import (
    CLOSE,
    HELD,
    ON_B,
    PATIENT,
    POLICY,
    STANDING,
    TAKEN_OVER,
    Step,
    Story,
)
from tests.agents.coordinator.words import (
    asks,
    connected,
    down,
    obeys,
    offline,
    online,
    ready,
    says,
    silent,
    stopped,
    text,
    walked,
)

Decide = Callable[[State, Event, Policy], tuple[State, tuple[Action, ...]]]


def play(story: Story, rules: Decide = decide) -> State:
    """Asserts that each step leads to what it should; the state at the end."""
    state = State()
    for event, expected in story.steps:
        state, actions = rules(state, event, story.policy)
        assert [text(action) for action in actions] == list(expected), event
    return state


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play(STORIES[name])


ON_A_ALONE: Final[Sequence[Step]] = (
    (connected(), ()),
    (ready(1.0, "a"), ()),
    (Tick(3.0), ("order 1: open a (a)", "gate-opened - > a")),
)
A_RETURNS: Final[Step] = (
    ready(40.0, "a"),
    ("order 3: open b (b a)", "ranked b > b"),
)
QUIET_B: Final[Sequence[Step]] = ((ready(20.0, "b"), ()),)

RANKED: Final = ("order 2: open a (a b!)", "ranked a > a")

REASONS: Final[Sequence[tuple[str, Sequence[Step], Event]]] = (
    ("a is ready", ON_A_ALONE[:2], Tick(3.0)),
    ("a is at stage down: ike: no answer", STANDING, down(11.0, "a", "ike: no answer")),
    ("a is at stage ppp", STANDING, says(11.0, "a", Stage.PPP)),
    ("a is offline", STANDING, offline(11.0, "a")),
    ("a is stopped", STANDING, stopped(11.0, "a")),
    ("a has restarted", STANDING, online(11.0, "a", boot="y")),
    ("a: it was removed", STANDING, ExitForgotten(11.0, "a")),
    (
        "a says no address that an exit can have",
        STANDING,
        says(11.0, "a", Stage.READY, address=""),
    ),
    ("a: silent for 15 s", (*STANDING, *QUIET_B), Tick(25.0)),
    ("a: nothing was heard of it", (*TAKEN_OVER, (ready(0.2, "b"), ())), Tick(3.1)),
    ("b is at stage down; no other exit is ready", ON_B, down(11.0, "b")),
    ("b is ready", HELD, ready(12.0, "b")),
    ("a has been ready for 30 s", (*ON_B, A_RETURNS), Tick(70.0)),
    ("standbys: b, c ready", STANDING, ready(11.0, "c")),
    ("standbys: none ready", ON_A_ALONE, down(4.0, "c")),
    ("took over order 7", ((connected(), ()),), TAKEN_OVER[1][0]),
    ("order 57 was lost; said again", STANDING, obeys(11.0, 57, "b")),
    ("b was chosen by the entry; said again", STANDING, walked(11.0, 1, "b")),
    ("the path through a is down: 5 probes", STANDING, silent(11.0, "a", "5 probes")),
    ("the path through a is down", STANDING, silent(11.0, "a")),
    (
        "a is at stage down; no other exit is ready",
        (*STANDING, (silent(11.0, "b"), RANKED)),
        down(12.0, "a"),
    ),
    ("asked for: prefer b", STANDING, asks(11.0, "prefer", "b")),
    ("asked for: only b", STANDING, asks(11.0, "only", "b")),
    ("asked for: auto", PREFERS_B, asks(12.0, "auto")),
    ("a is drained", STANDING, asks(11.0, "drain", "a")),
    (
        "b is at stage down: 691; no other exit may carry",
        ONLY_B,
        down(12.0, "b", "691"),
    ),
    (
        "only b may carry; b is at stage down",
        (*STANDING, (down(11.0, "b"), RANKED)),
        asks(12.0, "only", "b"),
    ),
)


@pytest.mark.parametrize(("why", "steps", "event"), REASONS)
def test_a_decision_gives_its_reason(
    why: str, steps: Sequence[Step], event: Event
) -> None:
    state = play(Story(steps, PATIENT if "30 s" in why else POLICY))

    _, actions = decide(state, event, PATIENT if "30 s" in why else POLICY)

    said = [action for action in actions if isinstance(action, SayDecision)]
    assert said[-1].reason == why
    orders = [action.order for action in actions if isinstance(action, SayOrder)]
    assert said[-1].epoch == (orders[-1].epoch if orders else 7)


LONG: Final = "x" * (EXIT_STATE.most_bytes - 200)  # a report may be as long


@pytest.mark.parametrize(
    ("steps", "event"),
    [
        (STANDING, down(11.0, "a", LONG)),
        (STANDING, silent(11.0, "a", LONG)),
        (ON_B, down(11.0, "b", LONG)),
    ],
    ids=["failover", "path", "exhausted"],
)
def test_no_exit_hides_its_failover_behind_a_long_story(
    steps: Sequence[Step], event: Event
) -> None:
    _, actions = decide(play(Story(steps)), event, POLICY)

    (said,) = [action for action in actions if isinstance(action, SayDecision)]
    assert len(encode(decision_of(said, event))) < 1_000
    assert "down: x" in said.reason


def test_closing_the_gate_gives_its_reason() -> None:
    state = play(Story(ON_B, CLOSE))

    _, actions = decide(state, down(11.0, "b", "ppp: no carrier"), CLOSE)

    assert [one.reason for one in actions if isinstance(one, SayDecision)] == [
        "b is at stage down: ppp: no carrier; no other exit is ready"
    ]


def test_it_wakes_for_each_deadline_and_then_no_more() -> None:
    state, wakes = play(Story(ON_B)), []
    state, _ = decide(state, ready(11.0, "a"), POLICY)
    while state.wake_at_s is not None:
        wakes.append(state.wake_at_s)
        state, _ = decide(state, Tick(state.wake_at_s), POLICY)

    # b is silent since 10 s, a since 11 s.
    assert wakes == [25.0, 26.0]


def test_it_never_wakes_while_the_bus_is_away() -> None:
    state, _ = decide(play(Story(STANDING)), BusLost(11.0), POLICY)

    assert state.wake_at_s is None


def test_before_the_first_connect_nothing_is_decided() -> None:
    state, actions = decide(State(), ready(0.0, "a"), POLICY)

    assert actions == ()
    assert state.wake_at_s is None


def test_an_event_that_nobody_knows_is_a_bug() -> None:
    class Surprise:
        at_s = 0.0

    surprise: Any = Surprise()

    with pytest.raises(AssertionError):
        decide(State(), surprise, POLICY)


@pytest.mark.parametrize(
    ("steps", "at_s", "epoch"),
    [
        (STANDING, 11.0, 1),
        ((), 11.0, None),
        ((*STANDING, (BusLost(12.0), ())), 13.0, None),
        (STANDING[:3], 2.0, None),
        (TAKEN_OVER, 3.0, None),
        (TAKEN_OVER, 3.2, 7),
        (((connected(), ()), (obeys(0.1, 57, "b"), ("adopted - > b",))), 9.0, None),
    ],
    ids=["stands", "start", "unlinked", "none", "quiet", "after", "lost"],
)
def test_an_order_is_said_again_if_it_can_be_relied_on(
    steps: Sequence[Step], at_s: float, epoch: int | None
) -> None:
    order = standing(play(Story(steps)), at_s)

    assert (order and order.epoch) == epoch
