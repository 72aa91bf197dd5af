"""Stories of the gate and of failover."""

from typing import Final

from agents.coordinator.events import ExitForgotten, OrderHeard, Tick
from agents.coordinator.model import Policy
from bus.messages.exits import Stage
from bus.messages.orders import Gate, Hop, Order
from tests.agents.coordinator.story import CLOSE, HELD, NOTHING, ON_B, STANDING, Story
from tests.agents.coordinator.words import (
    carries,
    connected,
    down,
    offline,
    online,
    ready,
    says,
    silent,
    stopped,
)

# Of a predecessor, or of whoever says so: b is the bridge's gateway, or far away.
FAR: Final = Order(
    epoch=7,
    gate=Gate.OPEN,
    active="a",
    exits=(Hop(exit="a", address="172.20.0.10"), Hop(exit="b", address="192.0.2.1")),
)

GATE: Final = {
    "an_exit_that_cannot_be_where_it_says_is_not_used": Story(
        (
            (connected(), NOTHING),
            (says(1.0, "a", Stage.READY, address="172.20.0.2"), NOTHING),
            (says(1.0, "b", Stage.READY, address="192.0.2.1"), NOTHING),
            (Tick(3.0), NOTHING),
            (ready(4.0, "b"), ("order 1: open b (b)", "gate-opened - > b")),
        )
    ),
    "nor_is_it_where_a_predecessor_said": Story(
        (
            (connected(), NOTHING),
            (
                OrderHeard(0.1, FAR),
                ("order 7: open a (a b)", "adopted - > a"),
            ),
            (carries(0.2, "b"), NOTHING),
            (silent(0.3, "a"), NOTHING),
        )
    ),
    "the_gate_opens_once_an_exit_is_ready": Story(
        (
            (connected(), NOTHING),
            (Tick(3.0), NOTHING),
            (down(4.0, "a"), NOTHING),
            (says(5.0, "a", Stage.IKE), NOTHING),
            (says(6.0, "a", Stage.IPSEC), NOTHING),
            (says(7.0, "a", Stage.L2TP), NOTHING),
            (says(8.0, "a", Stage.PPP), NOTHING),
            (ready(9.0, "a"), ("order 1: open a (a)", "gate-opened - > a")),
        )
    ),
    "an_exit_whose_address_is_unknown_opens_nothing": Story(
        (
            (connected(), NOTHING),
            (says(4.0, "a", Stage.READY, address=""), NOTHING),
            (ready(5.0, "a"), ("order 1: open a (a)", "gate-opened - > a")),
        )
    ),
    "before_the_grace_is_over_nothing_is_ordered": Story(
        (
            (connected(), NOTHING),
            (ready(1.0, "a"), NOTHING),
            (Tick(2.999), NOTHING),
            (Tick(3.0), ("order 1: open a (a)", "gate-opened - > a")),
        )
    ),
    "the_first_order_goes_to_the_best_not_to_the_fastest": Story(
        (
            (connected(), NOTHING),
            (ready(1.0, "b"), NOTHING),
            (ready(2.0, "a"), NOTHING),
            (Tick(3.0), ("order 1: open a (a b)", "gate-opened - > a")),
        )
    ),
    "unlisted_exits_come_last_by_name": Story(
        (
            (connected(), NOTHING),
            (ready(1.0, "d"), NOTHING),
            (ready(1.0, "c"), NOTHING),
            (ready(1.0, "b"), NOTHING),
            (Tick(3.0), ("order 1: open b (b c d)", "gate-opened - > b")),
        )
    ),
    "the_policys_order_counts_not_the_alphabet": Story(
        (
            (connected(), NOTHING),
            (ready(1.0, "a"), NOTHING),
            (ready(1.0, "b"), NOTHING),
            (Tick(3.0), ("order 1: open b (b a)", "gate-opened - > b")),
        ),
        Policy(exits=("b", "a")),
    ),
    "agents_that_are_no_exits_say_nothing_to_it": Story(
        (*STANDING, (online(11.0, "entry"), NOTHING), (offline(12.0, "entry"), NOTHING))
    ),
    "close_shuts_the_gate_when_no_exit_is_left_and_opens_it_again": Story(
        (
            *ON_B,
            (down(11.0, "b"), ("order 3: closed - (a! b!)", "gate-closed b > -")),
            (ready(12.0, "b"), ("order 4: open b (b a!)", "gate-opened - > b")),
        ),
        CLOSE,
    ),
    "hold_keeps_the_gate_open_and_the_first_to_return_resumes_at_once": Story(
        (
            *HELD,
            (down(12.0, "b"), NOTHING),
            (ready(13.0, "b"), ("order 4: open b (b a!)", "resumed - > b")),
        )
    ),
}

FAILOVER: Final = {
    "a_report_below_ready_moves_at_once": Story(ON_B),
    "losing_only_the_probe_moves_at_once": Story(
        (
            *STANDING,
            (says(11.0, "a", Stage.PPP), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "an_agent_that_vanished_is_left_at_once": Story(
        (*STANDING, (offline(11.0, "a"), ("order 2: open b (b a!)", "failover a > b")))
    ),
    "an_agent_that_stopped_is_left_at_once": Story(
        (*STANDING, (stopped(11.0, "a"), ("order 2: open b (b a!)", "failover a > b")))
    ),
    "an_exit_that_was_removed_is_left_and_forgotten": Story(
        (
            *STANDING,
            (ExitForgotten(11.0, "a"), ("order 2: open b (b)", "failover a > b")),
        )
    ),
    "an_exit_that_was_removed_is_left_for_nothing_too": Story(
        (
            *STANDING,
            (down(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (ExitForgotten(12.0, "a"), ("order 3: open - (b!)", "exhausted a > -")),
        )
    ),
    "silence_beyond_stale_s_moves": Story(
        (
            *STANDING,
            (ready(20.0, "b"), NOTHING),
            (Tick(24.999), NOTHING),
            (Tick(25.0), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "a_late_report_keeps_the_active_exit": Story(
        (*STANDING, (ready(26.0, "a"), ("order 2: open a (a b!)", "ranked a > a")))
    ),
    "trouble_of_a_standby_moves_nobody": Story(
        (
            *STANDING,
            (down(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (offline(12.0, "b"), NOTHING),
            (ready(13.0, "a"), NOTHING),
        )
    ),
    "trouble_of_the_first_standby_ranks_the_second_before_it": Story(
        (
            *STANDING,
            (ready(11.0, "c"), ("order 2: open a (a b c)", "ranked a > a")),
            (down(12.0, "b"), ("order 3: open a (a c b!)", "ranked a > a")),
            (ready(13.0, "b"), ("order 4: open a (a b c)", "ranked a > a")),
        )
    ),
    "the_best_usable_standby_takes_over": Story(
        (
            *STANDING,
            (ready(11.0, "c"), ("order 2: open a (a b c)", "ranked a > a")),
            (down(12.0, "b"), ("order 3: open a (a c b!)", "ranked a > a")),
            (down(13.0, "a"), ("order 4: open c (c a! b!)", "failover a > c")),
        )
    ),
    "saying_again_that_it_is_down_moves_nobody_twice": Story(
        (
            *ON_B,
            (down(11.0, "a"), NOTHING),
            (offline(12.0, "a"), NOTHING),
            (online(13.0, "a"), NOTHING),
            (says(14.0, "a", Stage.PPP), NOTHING),
        )
    ),
    "a_new_address_of_the_active_exit_is_told": Story(
        (
            *STANDING,
            (
                says(11.0, "a", Stage.READY, address="172.20.0.99"),
                ("order 2: open a (a b)", "ranked a > a"),
            ),
        )
    ),
    "reports_older_than_what_is_known_are_ignored": Story(
        (
            *STANDING,
            (ready(11.0, "a", stamp=("x", 5)), NOTHING),
            (says(12.0, "a", Stage.DOWN, stamp=("x", 4)), NOTHING),
            (
                says(13.0, "a", Stage.DOWN, stamp=("x", 6)),
                ("order 2: open b (b a!)", "failover a > b"),
            ),
        )
    ),
    "the_same_report_said_again_is_a_sign_of_life": Story(
        (
            *STANDING,
            (ready(11.0, "a", stamp=("x", 5)), NOTHING),
            (ready(24.0, "a", stamp=("x", 5)), NOTHING),
            (Tick(38.999), ("order 2: open a (a b!)", "ranked a > a")),
            (Tick(39.0), ("order 3: open a (a! b!)", "ranked a > a")),
            (ready(40.0, "b"), ("order 4: open b (b a!)", "failover a > b")),
        )
    ),
}
