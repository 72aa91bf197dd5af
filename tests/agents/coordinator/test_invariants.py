"""What must hold in every history: all the short ones, and many long ones."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.agents.coordinator.histories import Histories
from tests.agents.coordinator.walk import walk_all


def test_every_short_history_keeps_the_invariants() -> None:
    assert walk_all(3) > 10_000


def test_long_histories_keep_the_invariants() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(max_examples=150, stateful_step_count=50, deadline=None),
    )
