"""Stories of several entries: what one of them finds is not what all find."""

from typing import Final

from agents.coordinator.events import PathForgotten, Tick
from bus.messages.exits import Stage
from bus.messages.paths import Health
from tests.agents.coordinator.story import NOTHING, PATIENT, STANDING, Story
from tests.agents.coordinator.words import (
    carries,
    degraded,
    offline,
    online,
    path,
    ready,
    says,
    silent,
)

# Two entries are there and say that both paths carry.
TWO: Final = (
    *STANDING,
    (online(10.0, "entry", boot="e"), NOTHING),
    (online(10.0, "other", boot="o"), NOTHING),
    (path(10.0, "a", Health.UP, stamp=("e", 1)), NOTHING),
    (path(10.0, "b", Health.UP, stamp=("e", 2)), NOTHING),
    (path(10.0, "a", Health.UP, stamp=("o", 1), entry="other"), NOTHING),
    (path(10.0, "b", Health.UP, stamp=("o", 2), entry="other"), NOTHING),
)
LEAVES_A: Final = ("order 2: open b (b a!)", "failover a > b")

ENTRIES: Final = {
    "an_exit_is_kept_as_long_as_one_entry_gets_through": Story(
        (
            *TWO,
            (silent(11.0, "a"), NOTHING),
            (silent(11.1, "a", entry="other"), LEAVES_A),
            (carries(12.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
        )
    ),
    "it_is_as_good_as_the_best_way_through_it": Story(
        (
            *TWO,
            (degraded(31.0, "a"), NOTHING),
            (Tick(40.0), NOTHING),
            (
                path(41.0, "a", Health.DEGRADED, entry="other"),
                NOTHING,
            ),
            (Tick(45.999), NOTHING),
            (Tick(46.0), ("order 2: open b (b a)", "failover a > b")),
        ),
        PATIENT,
    ),
    "who_has_not_measured_yet_does_not_count": Story(
        (
            *TWO,
            (path(11.0, "a", Health.UNKNOWN, entry="other"), NOTHING),
            (silent(11.1, "a"), LEAVES_A),
        )
    ),
    "nor_does_an_entry_that_is_gone": Story(
        (
            *TWO,
            (silent(11.0, "a"), NOTHING),
            (offline(12.0, "other", boot="o"), LEAVES_A),
        )
    ),
    "nor_one_that_measures_it_no_more": Story(
        (
            *TWO,
            (silent(11.0, "a"), NOTHING),
            (PathForgotten(12.0, "other", "a"), LEAVES_A),
        )
    ),
    "nor_one_that_was_silent_for_too_long": Story(
        (
            *TWO,
            (silent(11.0, "a"), NOTHING),
            (ready(20.0, "b"), NOTHING),
            (carries(20.0, "b"), NOTHING),
            (silent(20.0, "a"), NOTHING),
            (Tick(24.999), NOTHING),
            (Tick(25.0), LEAVES_A),
        )
    ),
    "each_is_known_by_its_own_stamp": Story(
        (
            *TWO,
            (path(11.0, "a", Health.DOWN, stamp=("e", 9)), NOTHING),
            (path(11.1, "a", Health.UP, stamp=("e", 8)), NOTHING),
            (path(11.2, "a", Health.DOWN, stamp=("o", 5), entry="other"), LEAVES_A),
        )
    ),
    "an_exit_that_says_that_its_ppp0_is_gone_is_left_whoever_gets_through": Story(
        (*TWO, (says(11.0, "a", Stage.L2TP), LEAVES_A))
    ),
}
