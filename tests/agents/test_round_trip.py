"""The estimate of a path's round trip, against numbers worked out by RFC 6298."""

import pytest

from agents.round_trip import FIRST_TIMEOUT_S, LONGEST_TIMEOUT_S, RoundTrip


def test_before_any_answer_a_second_is_waited() -> None:
    assert RoundTrip().timeout_s() == FIRST_TIMEOUT_S
    assert RoundTrip().timeout_s(least_s=5.0) == FIRST_TIMEOUT_S


def test_the_first_answer_is_taken_with_half_of_it_for_the_deviation() -> None:
    first = RoundTrip().after(0.1)

    assert first == RoundTrip(0.1, 0.05)
    assert first.timeout_s() == pytest.approx(0.3)


def test_a_longer_one_moves_the_estimate_by_an_eighth_its_deviation_by_a_quarter() -> (
    None
):
    second = RoundTrip(0.1, 0.05).after(0.18)

    assert second.smoothed_s == pytest.approx(0.11)
    assert second.deviation_s == pytest.approx(0.0575)
    assert second.timeout_s() == pytest.approx(0.34)


def test_an_answer_is_never_waited_for_longer_than_that_nor_less_than_asked() -> None:
    assert RoundTrip(3.0, 1.0).timeout_s() == LONGEST_TIMEOUT_S
    assert RoundTrip(0.001).timeout_s(least_s=0.02) == 0.02
