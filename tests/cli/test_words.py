"""Numbers and strangers' text in words."""

import math
from datetime import UTC, timedelta, timezone

import pytest

from cli.words import (
    ago,
    clock,
    milliseconds,
    percent,
    plain,
    rate,
    seconds_of,
    size,
    span,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5.0, "0 s"),
        (0.0, "0 s"),
        (0.214, "0.21 s"),
        (9.94, "9.9 s"),
        (10.0, "10 s"),
        (59.4, "59 s"),
        (60.0, "1 min"),
        (200.0, "3 min 20 s"),
        (3600.0, "1 h"),
        (7500.0, "2 h 5 min"),
        (90_000.0, "1 d 1 h"),
        (math.inf, "?"),
        (math.nan, "?"),
    ],
)
def test_a_span_has_at_most_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (123_456, "123 kB"),
        (20_000_000, "20 MB"),
        (1_500_000_000, "1.5 GB"),
        (2_000_000_000_000, "2 TB"),
    ],
)
def test_bytes_have_three_digits(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("ms", "words"), [(None, "-"), (0.824, "0.82 ms"), (9.0, "9 ms"), (12.3, "12 ms")]
)
def test_a_round_trip_has_two_digits(ms: float | None, words: str) -> None:
    assert milliseconds(ms) == words


def test_a_moment_is_shown_where_the_reader_is() -> None:
    assert clock(1.5, UTC) == "00:00:01.500"
    assert clock(1.5, timezone(timedelta(hours=2))) == "02:00:01.500"


@pytest.mark.parametrize("at", [1e300, math.inf, math.nan])
def test_a_moment_beyond_all_calendars_is_shown_as_none(at: float) -> None:
    assert clock(at, UTC) == "--:--:--.---"


def test_what_was_never_said_has_no_age() -> None:
    assert ago(0.0, 100.0) == "-"
    assert ago(40.0, 100.0) == "1 min"


def test_text_from_the_bus_cannot_steer_the_terminal() -> None:
    assert plain("up\x1b[2J\r\n\u202eok") == "up\ufffd[2J\ufffd\ufffd\ufffdok"


@pytest.mark.parametrize(
    ("ratio", "words"), [(None, "-"), (0.0, "0%"), (0.004, "0.4%"), (0.25, "25%")]
)
def test_a_small_loss_is_not_none(ratio: float | None, words: str) -> None:
    assert percent(ratio) == words


@pytest.mark.parametrize(
    ("bytes_per_s", "words"),
    [
        (None, "-"),
        (0.0, "0 bit/s"),
        (100.0, "800 bit/s"),
        (1_543_000.0, "12.3 Mbit/s"),
        (1e12, "8e+03 Gbit/s"),
    ],
)
def test_a_flow_is_in_bits(bytes_per_s: float | None, words: str) -> None:
    assert rate(bytes_per_s) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("30s", 30.0),
        ("15m", 900.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("", None),
        ("1x", None),
        ("h", None),
        ("-5", None),
        ("1.5h", None),
    ],
)
def test_a_duration_as_people_type_it(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds
