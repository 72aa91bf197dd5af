"""Random schedules of faults: the invariants hold, and a seed tells it all again."""

from typing import Final

import pytest

from tests.simulation.mistakes import MISTAKES
from tests.simulation.run import run
from tests.simulation.setup import USUAL, Setup

FEW: Final = 100  # `make test` runs 100,000 schedules


def first_violation(setup: Setup = USUAL, of: str = "") -> str:
    """What is seen first that begins so; empty: nothing."""
    found = (run(seed, setup).violation for seed in range(FEW))
    return next((one for one in found if one and one.startswith(of)), "")


def test_what_must_hold_holds_whatever_goes_wrong() -> None:
    assert first_violation() == ""


@pytest.mark.parametrize("seed", [7, 21567])
def test_a_seed_tells_the_same_history_each_time(seed: int) -> None:
    first, second = run(seed), run(seed)

    assert len(first.history) > 10
    assert first == second


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_seen_for_what_it_is(name: str) -> None:
    setup, seen_as = MISTAKES[name]

    assert first_violation(setup, of=seen_as)
