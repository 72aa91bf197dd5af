"""Stories of return, and of lives that end and begin."""

from typing import Final

from agents.coordinator.events import BusLost, Tick
from bus.messages.exits import Stage
from tests.agents.coordinator.story import HELD, NOTHING, ON_B, PATIENT, STANDING, Story
from tests.agents.coordinator.words import connected, down, offline, online, ready, says

FAILBACK: Final = {
    "the_clients_return_once_the_better_exit_has_settled": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (Tick(49.999), NOTHING),
            (Tick(50.0), ("order 4: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
    "a_break_while_settling_starts_it_anew": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (says(49.0, "a", Stage.PPP), ("order 4: open b (b a!)", "ranked b > b")),
            (ready(49.5, "a"), ("order 5: open b (b a)", "ranked b > b")),
            (Tick(50.0), NOTHING),
            (Tick(79.499), NOTHING),
            (Tick(79.5), ("order 6: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
    "vanishing_for_a_moment_starts_it_anew": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (offline(30.0, "a"), ("order 4: open b (b a!)", "ranked b > b")),
            (online(30.1, "a"), ("order 5: open b (b a)", "ranked b > b")),
            (Tick(50.0), NOTHING),
            (Tick(60.1), ("order 6: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
    "a_silence_that_nobody_saw_in_time_starts_it_anew": Story(
        (
            *ON_B,
            (ready(15.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (ready(24.0, "b"), NOTHING),
            (ready(30.5, "a"), NOTHING),
            (ready(38.0, "b"), NOTHING),
            (ready(44.0, "a"), NOTHING),
            (ready(50.0, "b"), NOTHING),
            (ready(56.0, "a"), NOTHING),
            (Tick(60.499), NOTHING),
            (Tick(60.5), ("order 4: open a (a b)", "failback b > a")),
        )
    ),
    "reports_while_settling_do_not_start_it_anew": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (ready(40.0, "a"), NOTHING),
            (ready(50.0, "a"), ("order 4: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
    "a_reconnect_of_the_bus_while_settling_starts_it_anew": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (BusLost(30.0), NOTHING),
            (connected(31.0), NOTHING),
            (Tick(60.999), NOTHING),
            (Tick(61.0), ("order 4: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
    "a_better_exit_is_taken_unsettled_if_the_active_one_fails": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (down(21.0, "b"), ("order 4: open a (a b!)", "failover b > a")),
        )
    ),
    "a_worse_exit_is_never_returned_to": Story(
        (*STANDING, (Tick(500.0), NOTHING)), PATIENT
    ),
    "resuming_on_a_worse_exit_leads_back_once_the_better_has_settled": Story(
        (
            *HELD,
            (ready(20.0, "b"), ("order 4: open b (b a!)", "resumed - > b")),
            (ready(20.5, "a"), ("order 5: open b (b a)", "ranked b > b")),
            (Tick(50.499), NOTHING),
            (Tick(50.5), ("order 6: open a (a b)", "failback b > a")),
        ),
        PATIENT,
    ),
}

LIVES: Final = {
    "the_report_of_a_former_life_counts_for_nothing": Story(
        (
            *STANDING,
            (ready(11.0, "a", stamp=("x", 5)), NOTHING),
            (online(12.0, "a", boot="y"), ("order 2: open b (b a!)", "failover a > b")),
            (ready(12.1, "a", stamp=("x", 5), echo=True), NOTHING),
            (down(13.0, "b"), ("order 3: open - (a! b!)", "exhausted b > -")),
            (
                ready(14.0, "a", stamp=("y", 1)),
                ("order 4: open a (a b!)", "resumed - > a"),
            ),
        )
    ),
    "an_echo_of_a_former_life_opens_nothing": Story(
        (
            (connected(), NOTHING),
            (online(0.1, "a", boot="y"), NOTHING),
            (ready(0.2, "a", stamp=("x", 5), echo=True), NOTHING),
            (Tick(3.0), NOTHING),
            (
                ready(4.0, "a", stamp=("y", 2)),
                ("order 1: open a (a)", "gate-opened - > a"),
            ),
        )
    ),
    "a_report_is_proof_of_a_new_life_whose_presence_was_not_heard": Story(
        (
            *STANDING,
            (ready(11.0, "a", stamp=("x", 5)), NOTHING),
            (online(11.0, "a", boot="x"), NOTHING),
            (ready(12.0, "a", stamp=("y", 1)), NOTHING),
        )
    ),
    "a_moment_off_the_bus_ends_no_life": Story(
        (
            *ON_B,
            (ready(11.0, "b", stamp=("x", 5)), NOTHING),
            (
                offline(12.0, "b", boot="x"),
                ("order 3: open b (b! a!)", "ranked b > b"),
            ),
            (online(13.0, "b", boot="x"), ("order 4: open b (b a!)", "ranked b > b")),
        )
    ),
    "a_ready_report_of_one_who_is_offline_opens_nothing": Story(
        (
            (connected(), NOTHING),
            (offline(1.0, "a"), NOTHING),
            (ready(2.0, "a", echo=True), NOTHING),
            (Tick(3.0), NOTHING),
        )
    ),
}
