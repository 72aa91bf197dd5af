"""Of two orders everybody takes the same one for the newer."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bus.epochs import EPOCH_LIMIT, NO_EPOCH, following, is_epoch, newer

EPOCHS = st.integers(1, EPOCH_LIMIT)


@pytest.mark.parametrize("number", [-1, 0, EPOCH_LIMIT + 1, 2**63])
def test_these_are_no_epochs(number: int) -> None:
    assert not is_epoch(number)
    assert not newer(number, NO_EPOCH)
    assert not newer(number, 5)


@given(EPOCHS, EPOCHS)
@example(1, 1 + EPOCH_LIMIT // 2)
@example(1, EPOCH_LIMIT)
def test_of_two_epochs_one_is_newer(one: int, other: int) -> None:
    assert newer(one, other) + newer(other, one) == (one != other)


@given(EPOCHS)
@example(EPOCH_LIMIT)
def test_there_is_always_a_following_one(epoch: int) -> None:
    assert newer(following(epoch), epoch)
    assert newer(epoch, NO_EPOCH)
    assert not newer(epoch, epoch)


@given(st.integers(1, 2**40), st.integers(1, 2**40))
def test_in_any_life_that_can_be_lived_the_greater_is_the_newer(
    one: int, other: int
) -> None:
    assert newer(one, other) == (one > other)


def test_whoever_obeyed_a_huge_one_by_accident_obeys_again() -> None:
    """Or the coordinator takes it over, and counts on from there."""
    for huge in (EPOCH_LIMIT, EPOCH_LIMIT - 3, EPOCH_LIMIT // 2 + 100, 2**40):
        assert newer(10, huge) != newer(huge, 10)
