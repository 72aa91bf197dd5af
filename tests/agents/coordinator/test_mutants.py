"""Each mistake in the rules is caught, and each invariant has been seen to fail."""

from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.agents.coordinator.histories import Histories
from tests.agents.coordinator.judge import INVARIANTS, ViolationError
from tests.agents.coordinator.mutants import MUTANTS, rules_of
from tests.agents.coordinator.stories import STORIES
from tests.agents.coordinator.test_decide import play
from tests.agents.coordinator.walk import walk_all
from tests.agents.coordinator.world import Decide

# Enough to catch what is gross; shrinking would only cost time.
CATCHING: Final = settings(
    max_examples=300,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def broken_in_a_story(rules: Decide) -> str | None:
    for name, story in STORIES.items():
        try:
            play(story, rules)
        except AssertionError:
            return name
    return None


def broken_in_short_histories(rules: Decide) -> str | None:
    try:
        walk_all(3, rules)
    except ViolationError as violation:
        return violation.invariant
    return None


def broken_in_long_histories(rules: Decide) -> str | None:
    class Mutated(Histories):
        under_test = staticmethod(rules)

    try:
        run_state_machine_as_test(Mutated, settings=CATCHING)
    except ViolationError as violation:
        return violation.invariant
    return None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_caught(name: str) -> None:
    mutant = MUTANTS[name]
    rules = rules_of(mutant)

    if mutant.invariant:
        assert broken_in_short_histories(rules) == mutant.invariant
    else:
        assert broken_in_a_story(rules) is not None


def test_long_histories_find_a_gross_mistake() -> None:
    """Not each mistake: what hypothesis tries depends on what else was imported."""
    assert broken_in_long_histories(rules_of(MUTANTS["never giving up"])) is not None


def test_each_invariant_has_been_seen_to_fail() -> None:
    assert {mutant.invariant for mutant in MUTANTS.values()} >= set(INVARIANTS)
