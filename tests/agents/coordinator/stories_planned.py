"""Stories of moves that nothing forces: damping and cooldown."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agents.coordinator.events import Tick
from tests.agents.coordinator.story import NOTHING, PATIENT, STANDING, Step, Story
from tests.agents.coordinator.words import (
    carries,
    degraded,
    down,
    ends,
    online,
    ready,
    silent,
    stopped,
)

# Two failures are forgiven, at the third nobody returns; half is forgiven in 100 s.
DAMPED: Final = replace(
    PATIENT, settle_s=5.0, cooldown_s=0.0, damp_half_life_s=100.0, damp_limit=2.0
)
COOLING: Final = replace(PATIENT, settle_s=5.0, cooldown_s=60.0, damp_limit=100.0)


def flap(at_s: float, epoch: int) -> Sequence[Step]:
    """Takes a down and up again, the clients move and return; three orders."""
    first = f"order {epoch}: open b (b a!)"
    return (
        (down(at_s, "a"), (first, "failover a > b")),
        (ready(at_s, "a"), (f"order {epoch + 1}: open b (b a)", "ranked b > b")),
        (Tick(at_s + 4.999), NOTHING),
        (
            Tick(at_s + 5.0),
            (f"order {epoch + 2}: open a (a b)", "failback b > a"),
        ),
    )


def on_purpose(at_s: float, epoch: int) -> Sequence[Step]:
    """As `flap`, but somebody wanted a new tunnel."""
    (_, said), *others = flap(at_s, epoch)
    return ((ends(at_s, "a", "reconnect asked for"), said), *others)


def by_farewell(at_s: float, epoch: int) -> Sequence[Step]:
    """As `flap`, but a's agent says farewell and comes back."""
    (_, said), (_, back), *others = flap(at_s, epoch)
    return (
        (stopped(at_s, "a"), said),
        (online(at_s, "a"), back),
        *others,
    )


# The third failure within a few seconds: the penalty is 1 + 0.5 ** .1 + 0.5 ** .2, just
# above 2.8, and fades to 2 within 48.6 s.
FLAPPING: Final[Sequence[Step]] = (
    *STANDING,
    *flap(20.0, 2),
    *flap(30.0, 5),
    (down(40.0, "a"), ("order 8: open b (b a!)", "failover a > b")),
    (ready(40.0, "a"), ("order 9: open b (b a)", "ranked b > b")),
)

DAMPING: Final = {
    "nobody_returns_to_a_flapping_exit_until_that_is_forgiven": Story(
        (
            *FLAPPING,
            (Tick(45.0), NOTHING),
            (Tick(88.4), NOTHING),
            (Tick(88.9), ("order 10: open a (a b)", "failback b > a")),
        ),
        DAMPED,
    ),
    "a_flapping_exit_is_used_when_nothing_else_is": Story(
        (
            *FLAPPING,
            (down(50.0, "b"), ("order 10: open a (a b!)", "failover b > a")),
        ),
        DAMPED,
    ),
    "a_steady_exit_takes_over_before_a_flapping_one": Story(
        (
            *FLAPPING,
            (ready(50.0, "c"), ("order 10: open b (b c a)", "ranked b > b")),
            (down(51.0, "b"), ("order 11: open c (c a b!)", "failover b > c")),
        ),
        DAMPED,
    ),
    "the_active_exit_is_not_left_for_having_flapped": Story(
        (
            *FLAPPING,
            (down(50.0, "b"), ("order 10: open a (a b!)", "failover b > a")),
            (ready(51.0, "b"), ("order 11: open a (a b)", "ranked a > a")),
            (Tick(80.0), NOTHING),
        ),
        DAMPED,
    ),
    "what_was_taken_down_on_purpose_has_not_failed": Story(
        (
            *STANDING,
            *on_purpose(20.0, 2),
            *on_purpose(30.0, 5),
            *on_purpose(40.0, 8),
            *on_purpose(50.0, 11),
        ),
        DAMPED,
    ),
    "who_was_stopped_in_good_order_has_not_failed": Story(
        (
            *STANDING,
            *by_farewell(20.0, 2),
            *by_farewell(30.0, 5),
            *by_farewell(40.0, 8),
        ),
        DAMPED,
    ),
    "failures_far_apart_are_forgiven": Story(
        (*STANDING, *flap(20.0, 2), *flap(220.0, 5), *flap(420.0, 8)), DAMPED
    ),
}

COOLDOWN: Final = {
    "after_a_planned_move_nobody_is_moved_by_plan_for_a_while": Story(
        (
            *STANDING,
            *flap(20.0, 2),
            (down(30.0, "a"), ("order 5: open b (b a!)", "failover a > b")),
            (ready(31.0, "a"), ("order 6: open b (b a)", "ranked b > b")),
            (Tick(36.0), NOTHING),
            (Tick(84.999), NOTHING),
            (Tick(85.0), ("order 7: open a (a b)", "failback b > a")),
        ),
        COOLING,
    ),
    "the_cooldown_holds_back_a_move_from_a_degraded_exit_too": Story(
        (
            *STANDING,
            *flap(20.0, 2),
            (carries(26.0, "b"), NOTHING),
            (degraded(30.0, "a"), NOTHING),
            (Tick(35.0), NOTHING),
            (Tick(84.999), NOTHING),
            (Tick(85.0), ("order 5: open b (b a)", "failover a > b")),
        ),
        COOLING,
    ),
    "no_cooldown_holds_back_a_move_from_a_broken_exit": Story(
        (
            *STANDING,
            *flap(20.0, 2),
            (silent(25.1, "a"), ("order 5: open b (b a!)", "failover a > b")),
        ),
        COOLING,
    ),
}
