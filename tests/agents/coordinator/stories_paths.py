"""Stories of paths: what the entry measures through the exits is the truth."""

from typing import Final

from agents.coordinator.events import BusLost, ExitForgotten, PathForgotten, Tick
from bus.messages.exits import Stage
from bus.messages.paths import Health
from tests.agents.coordinator.story import NOTHING, ON_B, PATIENT, STANDING, Story
from tests.agents.coordinator.words import (
    carries,
    connected,
    degraded,
    down,
    offline,
    online,
    path,
    ready,
    says,
    silent,
)

# The entry is there and says that both paths carry.
MEASURED: Final = (
    *STANDING,
    (online(10.0, "entry", boot="e"), NOTHING),
    (path(10.0, "a", Health.UP, stamp=("e", 1)), NOTHING),
    (path(10.0, "b", Health.UP, stamp=("e", 2)), NOTHING),
)

PATHS: Final = {
    "a_path_that_is_down_is_left_at_once_whatever_its_exit_says": Story(
        (
            *MEASURED,
            (silent(11.0, "a"), ("order 2: open b (b a!)", "failover a > b")),
            (ready(12.0, "a"), NOTHING),
        )
    ),
    "an_exit_whose_agent_is_dead_carries_on": Story(
        (*MEASURED, (offline(11.0, "a"), NOTHING), (Tick(24.0), NOTHING))
    ),
    "an_exit_whose_agent_is_frozen_carries_on": Story(
        (
            *MEASURED,
            (ready(20.0, "b"), NOTHING),
            (carries(20.0, "a"), NOTHING),
            (carries(20.0, "b"), NOTHING),
            (Tick(25.0), NOTHING),
            (Tick(34.999), NOTHING),
        )
    ),
    "an_exit_whose_agent_has_restarted_carries_on_until_it_says_otherwise": Story(
        (
            *MEASURED,
            (online(11.0, "a", boot="y"), NOTHING),
            (
                says(11.5, "a", Stage.DOWN, stamp=("y", 1)),
                ("order 2: open b (b a!)", "failover a > b"),
            ),
        )
    ),
    "an_exit_that_says_that_its_ppp0_is_gone_is_left_at_once": Story(
        (
            *MEASURED,
            (
                says(11.0, "a", Stage.L2TP),
                ("order 2: open b (b a!)", "failover a > b"),
            ),
            (carries(11.1, "a"), NOTHING),
        )
    ),
    "an_exit_that_misses_its_own_probe_carries_on": Story(
        (*MEASURED, (says(11.0, "a", Stage.PPP), NOTHING))
    ),
    "its_word_that_ppp0_is_gone_outlives_its_agent_until_the_path_says_more": Story(
        (
            *MEASURED,
            (down(11.0, "a"), ("order 2: open b (b a!)", "failover a > b")),
            (offline(11.1, "a"), NOTHING),
            (carries(15.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
        )
    ),
    "with_no_better_exit_one_that_only_fell_silent_is_kept": Story(
        (
            *STANDING,
            (down(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (offline(12.0, "a"), ("order 3: open a (a! b!)", "ranked a > a")),
            (ready(13.0, "b"), ("order 4: open b (b a!)", "failover a > b")),
        )
    ),
    "with_no_better_exit_one_that_is_known_to_be_broken_is_given_up": Story(
        (
            *MEASURED,
            (silent(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (offline(12.0, "a"), NOTHING),
            (silent(13.0, "a"), ("order 3: open - (a! b!)", "exhausted a > -")),
            (carries(14.0, "a"), ("order 4: open a (a b!)", "resumed - > a")),
        )
    ),
    "with_no_better_exit_one_whose_own_probes_come_back_is_kept": Story(
        (
            *MEASURED,
            (silent(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (silent(12.0, "a"), ("order 3: open a (a! b!)", "ranked a > a")),
            (
                says(13.0, "a", Stage.PPP),
                ("order 4: open - (a! b!)", "exhausted a > -"),
            ),
        )
    ),
    "trouble_of_a_standbys_path_moves_nobody": Story(
        (
            *MEASURED,
            (silent(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (carries(12.0, "b"), ("order 3: open a (a b)", "ranked a > a")),
        )
    ),
    "a_path_that_is_not_measured_yet_says_nothing": Story(
        (
            *MEASURED,
            (path(11.0, "a", Health.UNKNOWN), NOTHING),
            (offline(12.0, "a"), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "a_path_that_was_not_heard_of_for_too_long_says_nothing": Story(
        (
            *MEASURED,
            (ready(20.0, "b"), NOTHING),
            (offline(20.0, "a"), NOTHING),
            (Tick(24.999), NOTHING),
            (Tick(25.0), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "a_path_that_is_no_longer_measured_says_nothing": Story(
        (
            *MEASURED,
            (silent(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (PathForgotten(12.0, "entry-2", "b"), NOTHING),
            (
                PathForgotten(12.0, "entry", "b"),
                ("order 3: open a (a b)", "ranked a > a"),
            ),
        )
    ),
    "paths_go_with_their_entry": Story(
        (
            *MEASURED,
            (offline(11.0, "a"), NOTHING),
            (offline(11.5, "some-other"), NOTHING),
            (
                offline(12.0, "entry", boot="e"),
                ("order 2: open b (b a!)", "failover a > b"),
            ),
        )
    ),
    "paths_go_with_the_life_that_measured_them": Story(
        (
            *MEASURED,
            (offline(11.0, "a"), NOTHING),
            (online(11.5, "entry", boot="e"), NOTHING),
            (
                online(12.0, "entry", boot="f"),
                ("order 2: open b (b a!)", "failover a > b"),
            ),
        )
    ),
    "older_reports_and_echoes_of_paths_are_ignored": Story(
        (
            *MEASURED,
            (path(11.0, "a", Health.UP, stamp=("e", 5)), NOTHING),
            (path(12.0, "a", Health.DOWN, stamp=("e", 4)), NOTHING),
            (path(13.0, "a", Health.DOWN, stamp=("e", 5), echo=True), NOTHING),
            (path(14.0, "a", Health.DOWN, stamp=("d", 9), echo=True), NOTHING),
            (
                path(15.0, "a", Health.DOWN, stamp=("e", 6)),
                ("order 2: open b (b a!)", "failover a > b"),
            ),
        )
    ),
    "the_same_path_said_again_is_a_sign_of_life": Story(
        (
            *MEASURED,
            (ready(20.0, "b"), NOTHING),
            (offline(20.0, "a"), NOTHING),
            (path(20.0, "a", Health.UP, stamp=("e", 1)), NOTHING),
            (Tick(25.0), NOTHING),
            (ready(30.0, "b"), NOTHING),
            (Tick(34.999), NOTHING),
            (Tick(35.0), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "an_echo_of_an_entry_that_is_gone_says_nothing": Story(
        (
            *STANDING,
            (offline(11.0, "entry"), NOTHING),
            (path(11.0, "a", Health.DOWN, stamp=("e", 5), echo=True), NOTHING),
        )
    ),
    "an_echo_of_an_entry_that_is_there_counts": Story(
        (
            *STANDING,
            (online(11.0, "entry", boot="e"), NOTHING),
            (
                path(11.0, "a", Health.DOWN, stamp=("e", 5), echo=True),
                ("order 2: open b (b a!)", "failover a > b"),
            ),
        )
    ),
    "a_path_back_to_an_exit_that_was_removed_is_no_way": Story(
        (
            *MEASURED,
            (ExitForgotten(11.0, "a"), ("order 2: open b (b)", "failover a > b")),
            (carries(12.0, "a"), NOTHING),
        )
    ),
    "nobody_was_silent_on_paths_while_the_bus_was_away": Story(
        (
            *MEASURED,
            (offline(11.0, "a"), NOTHING),
            (BusLost(12.0), NOTHING),
            (connected(500.0), NOTHING),
            (ready(510.0, "b"), NOTHING),
            (Tick(514.999), NOTHING),
            (Tick(515.0), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "the_way_back_is_settled_by_the_path": Story(
        (
            *ON_B,
            (carries(20.0, "b"), NOTHING),
            (silent(21.0, "a"), NOTHING),
            (ready(22.0, "a"), NOTHING),
            (carries(30.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (Tick(59.999), NOTHING),
            (Tick(60.0), ("order 4: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
}

# Both paths carry, and have settled at 40 s.
SETTLED: Final = (
    *STANDING,
    (carries(10.0, "a"), NOTHING),
    (carries(10.0, "b"), NOTHING),
    (Tick(40.0), NOTHING),
)

DEGRADED: Final = {
    "a_good_exit_is_preferred_to_one_that_stays_degraded": Story(
        (
            *SETTLED,
            (degraded(50.0, "a"), NOTHING),
            (Tick(54.999), NOTHING),
            (Tick(55.0), ("order 2: open b (b a)", "failover a > b")),
        ),
        PATIENT,
    ),
    "degraded_for_a_moment_moves_nobody": Story(
        (
            *SETTLED,
            (degraded(50.0, "a"), NOTHING),
            (carries(54.0, "a"), NOTHING),
            (degraded(54.5, "a"), NOTHING),
            (Tick(59.499), NOTHING),
            (Tick(59.5), ("order 2: open b (b a)", "failover a > b")),
        ),
        PATIENT,
    ),
    "nobody_is_moved_to_a_good_exit_that_has_not_settled": Story(
        (
            *STANDING,
            (silent(20.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (carries(30.0, "b"), ("order 3: open a (a b)", "ranked a > a")),
            (degraded(50.0, "a"), NOTHING),
            (Tick(59.999), NOTHING),
            (Tick(60.0), ("order 4: open b (b a)", "failover a > b")),
        ),
        PATIENT,
    ),
    "when_all_are_degraded_nobody_moves": Story(
        (
            *SETTLED,
            (degraded(50.0, "a"), NOTHING),
            (degraded(51.0, "b"), NOTHING),
            (Tick(200.0), NOTHING),
        ),
        PATIENT,
    ),
    "nobody_returns_to_a_degraded_exit": Story(
        (
            *ON_B,
            (carries(20.0, "b"), NOTHING),
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (degraded(21.0, "a"), NOTHING),
            (degraded(22.0, "b"), NOTHING),
            (Tick(100.0), NOTHING),
            (carries(101.0, "a"), NOTHING),
            (Tick(130.999), NOTHING),
            (Tick(131.0), ("order 4: open a (a b)", "failover b > a")),
        ),
        PATIENT,
    ),
    "a_degraded_exit_is_better_than_none": Story(
        (
            *SETTLED,
            (degraded(50.0, "b"), NOTHING),
            (silent(51.0, "a"), ("order 2: open b (b a!)", "failover a > b")),
        ),
        PATIENT,
    ),
    "a_good_exit_takes_over_before_a_degraded_one": Story(
        (
            *SETTLED,
            (ready(50.0, "c"), ("order 2: open a (a b c)", "ranked a > a")),
            (degraded(50.0, "b"), ("order 3: open a (a c b)", "ranked a > a")),
            (silent(51.0, "a"), ("order 4: open c (c b a!)", "failover a > c")),
        ),
        PATIENT,
    ),
}
