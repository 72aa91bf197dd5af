"""Stories of wishes: auto, prefer, only, drain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agents.coordinator.events import BusLost, ExitForgotten, Tick
from bus.commands import Choice
from tests.agents.coordinator.story import (
    CLOSE,
    NOTHING,
    ON_B,
    PATIENT,
    STANDING,
    TAKEN_OVER,
    Step,
    Story,
)
from tests.agents.coordinator.words import (
    asks,
    connected,
    degraded,
    down,
    moded,
    offline,
    ordered,
    ready,
)

COLD: Final = replace(PATIENT, cooldown_s=0.0)
ONLY_B: Final[Sequence[Step]] = (
    *STANDING,
    (
        asks(11.0, "only", "b"),
        ("order 2: open b (b)", "moved a > b", "mode only b", "only: ok"),
    ),
)
PREFERS_B: Final[Sequence[Step]] = (
    *STANDING,
    (
        asks(11.0, "prefer", "b"),
        ("order 2: open b (b a)", "moved a > b", "mode prefer b", "prefer: ok"),
    ),
)
DRAINED: Final[Sequence[Step]] = (
    *STANDING,
    (
        asks(11.0, "drain", "a"),
        ("order 2: open b (b a)", "moved a > b", "mode auto -a", "drain: ok"),
    ),
)

MODES: Final = {
    "prefer_moves_at_once_and_stays": Story((*PREFERS_B, (Tick(500.0), NOTHING)), COLD),
    "the_preferred_exit_is_left_when_it_fails_and_returned_to_when_settled": Story(
        (
            *PREFERS_B,
            (down(20.0, "b"), ("order 3: open a (a b!)", "failover b > a")),
            (ready(30.0, "b"), ("order 4: open a (a b)", "ranked a > a")),
            (Tick(59.999), NOTHING),
            (Tick(60.0), ("order 5: open b (b a)", "failback a > b")),
        ),
        COLD,
    ),
    "preferring_one_that_is_not_usable_moves_nobody_until_it_has_settled": Story(
        (
            *STANDING,
            (down(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (asks(12.0, "prefer", "b"), ("mode prefer b", "prefer: ok")),
            (ready(13.0, "b"), ("order 3: open a (a b)", "ranked a > a")),
            (Tick(43.0), ("order 4: open b (b a)", "failback a > b")),
        ),
        COLD,
    ),
    "preferring_a_degraded_one_moves_nobody": Story(
        (
            *STANDING,
            (degraded(11.0, "b"), NOTHING),
            (asks(12.0, "prefer", "b"), ("mode prefer b", "prefer: ok")),
        )
    ),
    "auto_returns_at_once": Story(
        (
            *PREFERS_B,
            (
                asks(12.0, "auto"),
                ("order 3: open a (a b)", "moved b > a", "mode auto", "auto: ok"),
            ),
        )
    ),
    "auto_as_it_is_already_returns_at_once_too": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (
                asks(21.0, "auto"),
                ("order 4: open a (a b)", "moved b > a", "mode auto", "auto: ok"),
            ),
            (asks(22.0, "auto"), ("auto: ok",)),
        )
    ),
    "only_never_falls_over": Story(
        (
            *ONLY_B,
            (offline(12.0, "b"), ("order 3: open b (b!)", "ranked b > b")),
            (ready(13.0, "a"), NOTHING),
            (Tick(500.0), NOTHING),
        )
    ),
    "only_resumes_with_that_one_alone": Story(
        (
            *ONLY_B,
            (down(12.0, "b"), ("order 3: open - (b!)", "exhausted b > -")),
            (ready(13.0, "a"), NOTHING),
            (ready(14.0, "b"), ("order 4: open b (b)", "resumed - > b")),
        )
    ),
    "only_one_that_is_not_usable_is_granted_too_and_blocks": Story(
        (
            *STANDING,
            (down(11.0, "b"), ("order 2: open a (a b!)", "ranked a > a")),
            (
                asks(12.0, "only", "b"),
                ("order 3: open - (b!)", "exhausted a > -", "mode only b", "only: ok"),
            ),
            (
                asks(13.0, "auto"),
                ("order 4: open a (a b!)", "resumed - > a", "mode auto", "auto: ok"),
            ),
        )
    ),
    "only_closes_the_gate_if_that_is_the_policy": Story(
        (
            *ONLY_B,
            (down(12.0, "b"), ("order 3: closed - (b!)", "gate-closed b > -")),
        ),
        CLOSE,
    ),
    "a_drained_exit_is_left_at_once_and_not_returned_to": Story(
        (*DRAINED, (Tick(500.0), NOTHING)), COLD
    ),
    "undrained_it_is_returned_to_at_once": Story(
        (
            *DRAINED,
            (
                asks(12.0, "undrain", "a"),
                ("order 3: open a (a b)", "moved b > a", "mode auto", "undrain: ok"),
            ),
        )
    ),
    "a_drained_exit_carries_when_nothing_else_does_and_is_left_when_another_can": Story(
        (
            *DRAINED,
            (down(12.0, "b"), ("order 3: open a (a b!)", "failover b > a")),
            (ready(13.0, "b"), ("order 4: open b (b a)", "moved a > b")),
        )
    ),
    "draining_a_standby_moves_nobody": Story(
        (
            *ON_B,
            (ready(20.0, "a"), ("order 3: open b (b a)", "ranked b > b")),
            (ready(20.0, "c"), ("order 4: open b (b a c)", "ranked b > b")),
            (
                asks(21.0, "drain", "a"),
                (
                    "order 5: open b (b c a)",
                    "ranked b > b",
                    "mode auto -a",
                    "drain: ok",
                ),
            ),
        )
    ),
    "draining_all_moves_nobody": Story(
        (
            *DRAINED,
            (asks(12.0, "drain", "b"), ("mode auto -a -b", "drain: ok")),
            (asks(13.0, "drain", "b"), ("drain: ok",)),
            (Tick(500.0), NOTHING),
        ),
        COLD,
    ),
}

REFUSED: Final = {
    "a_wish_for_an_exit_that_nobody_knows_is_refused": Story(
        (*STANDING, (asks(11.0, "prefer", "z"), ("prefer: unknown exit: z",)))
    ),
    "a_wish_for_an_agent_that_is_no_exit_is_refused": Story(
        (
            *STANDING,
            (offline(11.0, "entry"), NOTHING),
            (asks(11.0, "only", "entry"), ("only: unknown exit: entry",)),
        )
    ),
    "a_wish_without_an_exit_is_refused": Story(
        (*STANDING, (asks(11.0, "drain"), ("drain: drain needs an exit",)))
    ),
    "auto_with_an_exit_is_refused": Story(
        (*STANDING, (asks(11.0, "auto", "a"), ("auto: auto is about no exit: a",)))
    ),
    "a_verb_that_nobody_knows_is_refused": Story(
        (
            *STANDING,
            (
                asks(11.0, "reconnect", "a"),
                ("reconnect: unknown to the coordinator: reconnect",),
            ),
        )
    ),
    "an_exit_that_is_not_there_yet_may_be_wished_for": Story(
        (
            (connected(), NOTHING),
            (asks(0.5, "prefer", "b"), ("mode prefer b", "prefer: ok")),
            (ready(1.0, "a"), NOTHING),
            (ready(1.0, "b"), NOTHING),
            (Tick(3.0), ("order 1: open b (b a)", "gate-opened - > b")),
        )
    ),
    "an_unlisted_exit_may_be_wished_for_once_it_has_said_its_address": Story(
        (
            *STANDING,
            (ready(11.0, "c"), ("order 2: open a (a b c)", "ranked a > a")),
            (
                asks(12.0, "prefer", "c"),
                (
                    "order 3: open c (c a b)",
                    "moved a > c",
                    "mode prefer c",
                    "prefer: ok",
                ),
            ),
        )
    ),
    "a_removed_exit_may_still_be_undrained": Story(
        (
            *STANDING,
            (ready(11.0, "c"), ("order 2: open a (a b c)", "ranked a > a")),
            (asks(12.0, "drain", "c"), ("mode auto -c", "drain: ok")),
            (ExitForgotten(13.0, "c"), ("order 3: open a (a b)", "ranked a > a")),
            (asks(14.0, "undrain", "c"), ("mode auto", "undrain: ok")),
            (asks(15.0, "undrain", "c"), ("undrain: unknown exit: c",)),
        )
    ),
}

KEPT: Final = {
    "a_predecessors_mode_is_taken_over": Story(
        (
            (connected(), NOTHING),
            (ordered(0.1, 7, "b", "b a"), ("order 7: open b (b a)", "adopted - > b")),
            (moded(0.1, Choice.PREFER, "b", "a"), ("mode prefer b -a",)),
            (ready(0.2, "a"), NOTHING),
            (ready(0.2, "b"), NOTHING),
            (Tick(3.1), NOTHING),
            (Tick(500.0), NOTHING),
        ),
        COLD,
    ),
    "a_mode_of_this_life_is_not_overruled_by_an_echo": Story(
        (
            *PREFERS_B,
            (BusLost(12.0), NOTHING),
            (connected(13.0), NOTHING),
            (moded(13.0), NOTHING),
            (Tick(500.0), NOTHING),
        ),
        COLD,
    ),
    "a_mode_that_makes_no_sense_is_not_taken_over": Story(
        (
            *TAKEN_OVER,
            (moded(0.1, Choice.ONLY), NOTHING),
            (moded(0.1, Choice.AUTO, "a"), NOTHING),
            (ready(0.2, "b"), NOTHING),
            (down(0.3, "a"), ("order 8: open b (b a!)", "failover a > b")),
        )
    ),
    "only_is_taken_over_and_holds_in_the_grace_too": Story(
        (
            *TAKEN_OVER,
            (moded(0.1, Choice.ONLY, "b"), ("mode only b",)),
            (ready(0.2, "a"), NOTHING),
            (ready(0.3, "b"), ("order 8: open b (b)", "moved a > b")),
        )
    ),
}
