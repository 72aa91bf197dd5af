"""Reasons stay short enough to be heard, however many exits there are."""

from agents.coordinator.model import Exit, Grade, State
from agents.coordinator.reasons import standbys


def many(count: int) -> State:
    """So many usable exits."""
    return State().having(
        *(Exit(f"b{number}", graded=Grade.GOOD) for number in range(count))
    )


def test_a_few_standbys_are_all_named() -> None:
    assert standbys(many(3), "b0") == "b1, b2 ready"


def test_of_many_standbys_the_first_are_named_and_the_others_counted() -> None:
    named = "b0, b1, b2, b3, b4, b5, b6, b7"
    assert standbys(many(10), "a") == f"{named} and 2 more ready"
