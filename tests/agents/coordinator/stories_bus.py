"""Stories of a bus that goes away and of a coordinator that restarts."""

from typing import Final

from agents.coordinator.events import BusLost, OrderHeard, Tick
from bus.epochs import EPOCH_LIMIT
from bus.messages.exits import Stage
from bus.messages.orders import Gate
from bus.messages.presence import Status
from tests.agents.coordinator.story import (
    CLOSE,
    NOTHING,
    ON_B,
    PATIENT,
    STANDING,
    TAKEN_OVER,
    Story,
)
from tests.agents.coordinator.words import (
    came,
    carries,
    connected,
    down,
    obeys,
    offline,
    online,
    order,
    ordered,
    ready,
    says,
)

BUS: Final = {
    "nobody_is_silent_while_the_bus_is_away": Story(
        (
            *STANDING,
            (BusLost(12.0), NOTHING),
            (Tick(500.0), NOTHING),
            (connected(500.0), NOTHING),
            (ready(514.0, "b"), NOTHING),
            (Tick(514.999), NOTHING),
            (Tick(515.0), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "nothing_is_decided_while_the_bus_is_away": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (BusLost(30.0), NOTHING),
            (Tick(50.0), NOTHING),
            (down(51.0, "b"), NOTHING),
        ),
        PATIENT,
    ),
    "a_straggler_does_not_make_the_others_silent": Story(
        (
            *STANDING,
            (BusLost(12.0), NOTHING),
            (down(40.0, "b"), NOTHING),
            (connected(41.0), NOTHING),
            (Tick(44.0), ("order 2: open a (a b!)", "ranked a > a")),
        )
    ),
    "an_echo_does_not_revive_one_that_went_silent": Story(
        (
            *STANDING,
            (ready(11.0, "a", stamp=("x", 5)), NOTHING),
            (ready(20.0, "b"), NOTHING),
            (Tick(26.0), ("order 2: open b (b a!)", "failover a > b")),
            (BusLost(27.0), NOTHING),
            (connected(28.0), NOTHING),
            (ready(28.1, "a", stamp=("x", 5), echo=True), NOTHING),
            (down(29.0, "b"), NOTHING),
            (Tick(31.0), ("order 3: open - (a! b!)", "exhausted b > -")),
            (
                ready(32.0, "a", stamp=("x", 5)),
                ("order 4: open a (a b!)", "resumed - > a"),
            ),
        )
    ),
    "a_bad_report_heard_on_reconnect_moves_at_once": Story(
        (
            *STANDING,
            (BusLost(12.0), NOTHING),
            (connected(20.0), NOTHING),
            (down(20.1, "a"), ("order 2: open b (b a!)", "failover a > b")),
        )
    ),
    "a_life_that_began_while_the_bus_was_away_is_no_outage": Story(
        (
            *STANDING,
            (ready(11.0, "a", stamp=("x", 5)), NOTHING),
            (online(11.0, "a", boot="x"), NOTHING),
            (BusLost(12.0), NOTHING),
            (connected(20.0), NOTHING),
            (ready(20.1, "a", stamp=("y", 9), echo=True), NOTHING),
            (online(20.2, "a", boot="y"), NOTHING),
            (Tick(23.0), NOTHING),
            (ready(24.0, "b"), NOTHING),
        )
    ),
    "a_new_address_heard_on_reconnect_is_told_at_once": Story(
        (
            *STANDING,
            (BusLost(12.0), NOTHING),
            (connected(20.0), NOTHING),
            (
                says(20.1, "a", Stage.READY, address="172.20.0.99"),
                ("order 2: open a (a b)", "ranked a > a"),
            ),
        )
    ),
    "a_standby_heard_on_reconnect_is_ranked_after_the_quiet_time": Story(
        (
            *STANDING,
            (BusLost(12.0), NOTHING),
            (connected(20.0), NOTHING),
            (ready(20.1, "c"), NOTHING),
            (Tick(22.999), NOTHING),
            (Tick(23.0), ("order 2: open a (a b c)", "ranked a > a")),
        )
    ),
}

RESTART: Final = {
    "a_predecessors_order_is_taken_over_and_stands": Story(
        (
            *TAKEN_OVER,
            (ready(0.2, "b"), NOTHING),
            (ready(0.3, "a"), NOTHING),
            (Tick(3.1), NOTHING),
        )
    ),
    "its_active_exit_is_judged_unheard_only_after_the_grace": Story(
        (
            *TAKEN_OVER,
            (ready(0.2, "b"), NOTHING),
            (Tick(3.099), NOTHING),
            (Tick(3.1), ("order 8: open b (b a!)", "failover a > b")),
        )
    ),
    "a_bad_report_of_its_active_exit_acts_at_once": Story(
        (
            *TAKEN_OVER,
            (ready(0.2, "b"), NOTHING),
            (down(0.3, "a"), ("order 8: open b (b a!)", "failover a > b")),
        )
    ),
    "an_active_exit_that_is_offline_may_carry_all_the_same_until_the_grace_ends": Story(
        (
            *TAKEN_OVER,
            (ready(0.2, "b"), NOTHING),
            (offline(0.3, "a"), NOTHING),
            (Tick(3.099), NOTHING),
            (Tick(3.1), ("order 8: open b (b a!)", "failover a > b")),
        )
    ),
    "an_active_exit_that_is_offline_and_carries_stays": Story(
        (
            *TAKEN_OVER,
            (ready(0.2, "b"), NOTHING),
            (offline(0.3, "a"), NOTHING),
            (carries(0.4, "a"), NOTHING),
            (Tick(3.1), NOTHING),
        )
    ),
    "an_active_exit_that_nobody_hears_of_is_kept_if_there_is_no_other": Story(
        (
            *TAKEN_OVER,
            (Tick(3.1), ("order 8: open a (a! b!)", "ranked a > a")),
            (carries(4.0, "a"), ("order 9: open a (a b!)", "ranked a > a")),
        )
    ),
    "an_order_without_the_address_of_its_exit_is_not_said": Story(
        (
            (connected(), NOTHING),
            (obeys(0.1, 57, "b"), ("adopted - > b",)),
            (Tick(3.1), NOTHING),
            (carries(4.0, "b"), NOTHING),
            (
                ready(5.0, "b", echo=True),
                ("order 58: open b (b)", "adopted b > b"),
            ),
        )
    ),
    "in_the_grace_nothing_is_given_up_for_nothing": Story(
        (
            *TAKEN_OVER,
            (down(0.2, "a"), NOTHING),
            (ready(0.3, "b"), ("order 8: open b (b a!)", "failover a > b")),
        )
    ),
    "after_the_grace_it_is_given_up": Story(
        (
            *TAKEN_OVER,
            (down(0.2, "a"), NOTHING),
            (Tick(3.099), NOTHING),
            (Tick(3.1), ("order 8: open - (a! b!)", "exhausted a > -")),
        )
    ),
    "reports_may_come_before_the_order": Story(
        (
            (connected(), NOTHING),
            (ready(0.1, "a"), NOTHING),
            (ready(0.1, "b"), NOTHING),
            (ordered(0.2, 7, "b", "b a"), ("order 7: open b (b a)", "adopted - > b")),
            (Tick(3.2), NOTHING),
        )
    ),
    "an_order_that_cannot_stand_is_replaced_at_once": Story(
        (
            (connected(), NOTHING),
            (ready(0.1, "a"), NOTHING),
            (down(0.1, "b"), NOTHING),
            (
                ordered(0.2, 7, "b", "b a"),
                ("adopted - > b", "order 8: open a (a b!)", "failover b > a"),
            ),
        )
    ),
    "a_held_gate_is_taken_over_and_resumed": Story(
        (
            (connected(), NOTHING),
            (ordered(0.1, 7, None), ("order 7: open - (a b)", "adopted - > -")),
            (ready(0.2, "b"), ("order 8: open b (b a!)", "resumed - > b")),
        )
    ),
    "a_held_gate_is_closed_if_that_is_the_policy_now": Story(
        (
            (connected(), NOTHING),
            (ordered(0.1, 7, None), ("order 7: open - (a b)", "adopted - > -")),
            (Tick(3.1), ("order 8: closed - (a! b!)", "gate-closed - > -")),
        ),
        CLOSE,
    ),
    "a_closed_gate_is_taken_over": Story(
        (
            (connected(), NOTHING),
            (
                OrderHeard(0.1, order(7, Gate.CLOSED, "a")),
                ("order 7: closed - ()", "adopted - > -"),
            ),
            (Tick(3.1), NOTHING),
        )
    ),
    "the_echo_of_an_own_order_says_nothing": Story(
        (*STANDING, (ordered(11.0, 1, "b", "b a"), NOTHING))
    ),
    "a_lost_order_is_learnt_from_the_entry_and_said_again_above_it": Story(
        (
            (connected(), NOTHING),
            (obeys(0.1, 57, "b"), ("adopted - > b",)),
            (Tick(2.0), NOTHING),
            (ready(3.0, "a"), NOTHING),
            (ready(3.05, "b"), ("order 58: open b (b a)", "adopted b > b")),
            (obeys(3.06, 57, "b"), NOTHING),
            (obeys(3.07, 58, "b"), NOTHING),
            (Tick(3.1), NOTHING),
        )
    ),
    "a_lost_order_is_said_again_after_the_grace_at_the_latest": Story(
        (
            (connected(), NOTHING),
            (obeys(0.1, 57, None), ("adopted - > -",)),
            (Tick(3.099), NOTHING),
            (Tick(3.1), ("order 58: open - ()", "adopted - > -")),
        )
    ),
    "an_entry_that_is_ahead_of_us_is_where_we_start_from": Story(
        (
            *STANDING,
            (
                obeys(11.0, 57, "b"),
                ("adopted a > b", "order 58: open b (b a)", "adopted b > b"),
            ),
        )
    ),
    "an_entry_that_is_behind_says_nothing": Story(
        (*STANDING, (obeys(11.0, 0, None), NOTHING))
    ),
    "an_epoch_beyond_all_counting_is_rubbish": Story(
        (
            *STANDING,
            (obeys(11.0, 2**52 + 1, "b"), NOTHING),
            (ordered(12.0, 2**63, "b"), NOTHING),
        )
    ),
    "a_huge_epoch_is_older_than_ours_for_us_and_for_whoever_obeyed_it": Story(
        (*STANDING, (obeys(11.0, EPOCH_LIMIT, "b"), NOTHING))
    ),
    "a_great_one_is_where_we_start_from": Story(
        (
            *STANDING,
            (
                obeys(13.0, 2**50, "a"),
                (
                    "adopted a > a",
                    f"order {2**50 + 1}: open a (a b)",
                    "adopted a > a",
                ),
            ),
        )
    ),
    "after_the_last_epoch_comes_the_first": Story(
        (
            (connected(), NOTHING),
            (
                ordered(0.1, EPOCH_LIMIT, "a"),
                (f"order {EPOCH_LIMIT}: open a (a b)", "adopted - > a"),
            ),
            (ready(0.2, "b"), NOTHING),
            (down(0.3, "a"), ("order 1: open b (b a!)", "failover a > b")),
            (obeys(0.4, EPOCH_LIMIT, "a"), NOTHING),
        )
    ),
    "an_entry_that_comes_is_greeted_with_the_order": Story(
        (
            *STANDING,
            (came(11.0, "entry"), ("order 1: open a (a b)",)),
            (came(12.0, "entry", echo=True), NOTHING),
            (online(12.0, "c"), NOTHING),
            (came(13.0, "entry", Status.STOPPED), NOTHING),
            (BusLost(14.0), NOTHING),
            (came(15.0, "entry"), NOTHING),
        )
    ),
    "an_entry_that_comes_is_told_no_order_that_is_not_ours": Story(
        (
            (connected(), NOTHING),
            (came(0.1, "entry"), NOTHING),
            (obeys(0.2, 57, "b"), ("adopted - > b",)),
            (came(0.3, "entry"), NOTHING),
        )
    ),
}
