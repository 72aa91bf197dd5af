"""What is complained of a thousand times stands in the log a few times."""

import logging

import pytest

from bus.complaints import EVERY_S, KINDS_MOST, Complaints

NAME = "tests.complaints"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def complaints(clock: Clock) -> Complaints:
    return Complaints(logging.getLogger(NAME), clock=clock)


def test_the_first_of_a_kind_is_said_at_once(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.say("late", "it is late")
    complaints.say("wrong", "it is wrong", logging.ERROR)

    assert caplog.record_tuples == [
        (NAME, logging.WARNING, "it is late"),
        (NAME, logging.ERROR, "it is wrong"),
    ]


def test_what_follows_is_counted_and_the_count_is_said_after_a_minute(
    complaints: Complaints, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(int(EVERY_S)):
        clock.now_s = 1000.0 + second
        complaints.say("late", f"late by {second}")
    clock.now_s = 1000.0 + EVERY_S
    complaints.say("late", "late still")
    complaints.say("late", "and still")

    assert caplog.messages == ["late by 0", "late still (59 more of this kind unsaid)"]


def test_others_words_stay_in_one_line(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.say("late", "a\nb\x1b[31m\u2028ü")

    assert caplog.messages == ["a\\nb\\x1b[31m\\u2028\\xfc"]


def test_not_even_ever_new_kinds_fill_log_or_memory(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10_000):
        complaints.say(f"kind {number}", "late")

    assert len(caplog.messages) == KINDS_MOST + 1
