"""What a window remembers of rounds, and how long it says to wait for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.exit.window import Window


def test_an_empty_window_knows_nothing() -> None:
    window = Window()

    assert window.loss_ratio is None
    assert window.rtt_ms is None


def test_loss_is_the_lost_share_of_what_is_remembered() -> None:
    window = Window(size=4)
    for number in range(4):
        window = window.missed(number)
    window = window.answered(4, 10.0).answered(5, 10.0)

    assert window.loss_ratio == 0.5
    assert [number for number, _ in window.rounds] == [2, 3, 4, 5]


def test_a_late_answer_turns_a_loss_into_a_delay() -> None:
    window = Window().answered(1, 10.0).missed(2).answered(3, 11.0)

    late = window.answered(2, 600.0)

    assert late.loss_ratio == 0
    assert late.rounds == ((1, 10.0), (2, 600.0), (3, 11.0))


def test_only_answered_rounds_are_answered() -> None:
    window = Window().answered(1, 10.0).missed(2)

    assert window.is_answered(1)
    assert not window.is_answered(2)
    assert not window.is_answered(3)


def test_the_latest_round_trip_is_told() -> None:
    window = Window().answered(1, 10.0).answered(2, 20.0).missed(3)

    assert window.rtt_ms == 20.0


@pytest.mark.parametrize(
    ("rtt_ms", "rounds"),
    [(0.5, 1), (20.0, 1), (200.0, 1), (300.0, 2), (600.0, 3), (30_000.0, 8)],
)
def test_patience_follows_the_usual_round_trip(rtt_ms: float, rounds: int) -> None:
    window = Window()
    for number in range(60):
        window = window.answered(number, rtt_ms)

    assert window.patience(0.25) == rounds


def test_patience_is_a_second_before_the_first_answer() -> None:
    assert Window().patience(0.25) == 4
    assert Window().patience(2.0) == 1


def test_an_unsteady_path_gets_more_patience() -> None:
    steady = Window()
    unsteady = Window()
    for number in range(60):
        steady = steady.answered(number, 150.0)
        unsteady = unsteady.answered(number, 100.0 if number % 2 else 200.0)

    assert unsteady.patience(0.25) > steady.patience(0.25)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.floats(0, 1e6)), max_size=100)
)
def test_no_history_breaks_the_limits(
    history: list[tuple[int, float | None]],
) -> None:
    window = Window(size=10)
    for number, rtt_ms in history:
        if rtt_ms is None:
            window = window.missed(number)
        else:
            window = window.answered(number, rtt_ms)

        assert len(window.rounds) <= 10
        assert window.loss_ratio is not None
        assert 0 <= window.loss_ratio <= 1
        assert 1 <= window.patience(0.25) <= 8
