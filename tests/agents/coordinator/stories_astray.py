"""Stories of an entry that went on by itself while bus or coordinator were away."""

from typing import Final

from agents.coordinator.events import BusLost, Tick
from tests.agents.coordinator.story import (
    HELD,
    NOTHING,
    PATIENT,
    STANDING,
    TAKEN_OVER,
    Story,
)
from tests.agents.coordinator.words import (
    carries,
    connected,
    down,
    obeys,
    ready,
    silent,
    walked,
)

ASTRAY: Final = {
    "where_the_entry_went_by_itself_is_where_a_successor_starts_from": Story(
        (
            *TAKEN_OVER,
            (walked(0.2, 7, "b"), ("adopted a > b",)),
            (carries(0.3, "b"), ("order 8: open b (b a!)", "adopted b > b")),
            (walked(0.4, 7, "b"), NOTHING),
            (obeys(0.5, 8, "b"), NOTHING),
            (Tick(3.2), NOTHING),
        )
    ),
    "and_the_clients_return_by_the_usual_rules": Story(
        (
            *STANDING,
            (BusLost(20.0), NOTHING),
            (connected(60.0), NOTHING),
            (
                walked(60.1, 1, "b"),
                ("adopted a > b", "order 2: open b (b a)", "adopted b > b"),
            ),
            (Tick(89.999), NOTHING),
            (Tick(90.0), ("order 3: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
    "the_dead_exit_heard_of_later_moves_nobody_again": Story(
        (
            *STANDING,
            (ready(11.0, "c"), ("order 2: open a (a b c)", "ranked a > a")),
            (BusLost(20.0), NOTHING),
            (connected(21.0), NOTHING),
            (
                walked(21.1, 2, "c"),
                ("adopted a > c", "order 3: open c (c a b)", "adopted c > c"),
            ),
            (silent(21.2, "a"), NOTHING),
            (Tick(24.1), ("order 4: open c (c b a!)", "ranked c > c")),
        )
    ),
    "an_exit_that_it_chose_and_that_is_broken_is_left": Story(
        (
            *STANDING,
            (BusLost(20.0), NOTHING),
            (connected(21.0), NOTHING),
            (down(21.1, "b"), NOTHING),
            (
                walked(21.2, 1, "b"),
                ("adopted a > b", "order 2: open a (a b!)", "failover b > a"),
            ),
        )
    ),
    "an_entry_on_its_way_to_our_exit_is_not_astray": Story(
        (*STANDING, (obeys(11.0, 1, "b"), NOTHING))
    ),
    "one_that_walked_under_an_older_order_will_obey_ours": Story(
        (
            *STANDING,
            (ready(11.0, "c"), ("order 2: open a (a b c)", "ranked a > a")),
            (walked(12.0, 1, "b"), NOTHING),
        )
    ),
    "one_that_walked_to_where_we_want_it_says_nothing": Story(
        (*STANDING, (walked(11.0, 1, "a"), NOTHING), (walked(12.0, 1, None), NOTHING))
    ),
    "one_that_walked_under_a_held_gate_is_given_the_grace": Story(
        (
            *HELD,
            (walked(12.0, 3, "b"), ("adopted - > b",)),
            (Tick(14.999), NOTHING),
            (Tick(15.0), ("order 4: open - (a! b!)", "exhausted b > -")),
        )
    ),
}
