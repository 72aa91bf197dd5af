"""Stories of a coordinator that did not run for a while: no move from stale news."""

from typing import Final

from agents.coordinator.events import BusLost, Overslept, Tick
from tests.agents.coordinator.story import (
    NOTHING,
    PATIENT,
    STANDING,
    Story,
)
from tests.agents.coordinator.words import (
    asks,
    carries,
    connected,
    down,
    obeys,
    ready,
    silent,
    walked,
)

OVERSLEPT: Final = {
    "what_was_said_meanwhile_moves_nobody_if_it_is_no_longer_so": Story(
        (
            *STANDING,
            (Overslept(40.0), NOTHING),
            (silent(40.0, "a"), NOTHING),
            (carries(40.0, "a"), NOTHING),
            (Tick(40.999), NOTHING),
            (Tick(41.0), NOTHING),
        )
    ),
    "what_is_still_so_moves_them_once_all_is_heard": Story(
        (
            *STANDING,
            (Overslept(40.0), NOTHING),
            (silent(40.1, "a"), NOTHING),
            (Tick(40.999), NOTHING),
            (Tick(41.0), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "nor_is_anything_else_said_before": Story(
        (
            *STANDING,
            (Overslept(40.0), NOTHING),
            (down(40.1, "b"), NOTHING),
            (Tick(41.0), NOTHING),
            (Tick(43.0), ("order 2: open a (a b!)", "ranked a > a")),
        )
    ),
    "nobody_was_silent_then_but_we_were_deaf": Story(
        (
            *STANDING,
            (Overslept(40.0), NOTHING),
            (Tick(41.0), NOTHING),
            (Tick(43.0), NOTHING),
            (ready(54.0, "b"), NOTHING),
            (Tick(54.999), NOTHING),
            (Tick(55.0), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "nobody_has_settled_while_we_were_deaf": Story(
        (
            *STANDING,
            (down(11.0, "a"), ("order 2: open b (b a!)", "failover a > b")),
            (ready(12.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (Overslept(60.0), NOTHING),
            (Tick(61.0), NOTHING),
            (Tick(89.999), NOTHING),
            (Tick(90.0), ("order 4: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
    "a_wish_is_refused_until_all_is_heard": Story(
        (
            *STANDING,
            (Overslept(40.0), NOTHING),
            (
                asks(40.5, "prefer", "b"),
                ("prefer: catching up after a pause; ask again",),
            ),
            (Tick(41.0), NOTHING),
            (
                asks(41.0, "prefer", "b"),
                ("order 2: open b (b a)", "moved a > b", "mode prefer b", "prefer: ok"),
            ),
        ),
        PATIENT,
    ),
    "an_order_of_another_is_taken_over_at_once_and_said_again_later": Story(
        (
            *STANDING,
            (Overslept(40.0), NOTHING),
            (obeys(40.1, 57, "b"), ("adopted a > b",)),
            (walked(40.2, 57, "a"), ("adopted b > a",)),
            (Tick(41.0), ("order 58: open a (a b)", "adopted a > a")),
        ),
        PATIENT,
    ),
    "what_is_there_without_a_bus_is_not_held": Story(
        (
            *STANDING,
            (BusLost(11.0), NOTHING),
            (Overslept(40.0), NOTHING),
            (connected(40.1), NOTHING),
            (silent(40.2, "a"), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
}
