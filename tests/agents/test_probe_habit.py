"""How a target is asked, by how it has answered."""

from agents.probe_habit import FORGET_AFTER, TRY_AFTER_S, TRY_EVERY_S, Habit, Method
from agents.round_trip import LONGEST_TIMEOUT_S

ECHO = (Method.ICMP,)
ALL = tuple(Method)


def used_to(method: Method) -> Habit:
    """A target that answers that way, asked at 100 s."""
    habit = Habit()
    habit.methods(100.0)
    habit.answers(method)
    return habit


def test_an_echo_is_the_first_way_and_for_a_while_the_only_one() -> None:
    habit = Habit()

    assert habit.methods(100.0) == ECHO
    assert habit.methods(100.0 + TRY_AFTER_S - 0.1) == ECHO


def test_then_all_ways_are_tried_now_and_then() -> None:
    habit, at_s = Habit(), 100.0 + TRY_AFTER_S
    habit.methods(100.0)

    assert habit.methods(at_s) == ALL
    assert habit.methods(at_s + TRY_EVERY_S - 0.1) == ECHO
    assert habit.methods(at_s + TRY_EVERY_S) == ALL


def test_the_first_that_works_is_kept_and_echoes_are_tried_on() -> None:
    habit = used_to(Method.DNS)
    habit.answers(Method.TLS)

    assert habit.methods(101.0) == ALL
    assert habit.methods(101.1) == (Method.DNS,)
    assert habit.methods(101.0 + TRY_EVERY_S) == ALL


def test_once_echoes_are_answered_nothing_else_is_asked() -> None:
    habit = used_to(Method.DNS)

    habit.answers(Method.ICMP)
    habit.answers(Method.TCP)

    assert habit.methods(999.0) == ECHO


def test_who_answers_every_echo_is_never_asked_otherwise() -> None:
    habit = Habit()

    for at_s in range(100, 1000, 10):
        assert habit.methods(float(at_s)) == ECHO
        habit.answers(Method.ICMP)


def test_echoes_that_are_answered_no_more_are_forgotten() -> None:
    habit = used_to(Method.ICMP)
    asked = [habit.methods(200.0 + tenth / 10) for tenth in range(30)]

    assert asked == 30 * [ECHO]
    assert habit.methods(200.0 + TRY_AFTER_S) == ALL
    habit.answers(Method.DNS)
    assert habit.methods(200.1 + TRY_AFTER_S) == (Method.DNS,)


def test_echoes_that_are_answered_again_are_kept_again() -> None:
    habit = used_to(Method.ICMP)
    for _ in range(FORGET_AFTER):
        habit.methods(200.0)
    assert habit.methods(200.0 + TRY_AFTER_S) == ALL

    habit.answers(Method.ICMP)

    assert habit.methods(210.0) == ECHO


def test_any_other_way_that_works_no_more_is_forgotten_too() -> None:
    habit = used_to(Method.DNS)
    for tenth in range(31):
        if len(habit.methods(200.0 + tenth / 10)) > 1:
            habit.answers(Method.TLS)

    assert habit.method is Method.TLS
    assert habit.methods(203.1) == (Method.TLS,)


def test_one_answer_in_between_is_enough_to_be_remembered() -> None:
    habit = used_to(Method.ICMP)
    for at_s in range(200, 300):
        assert habit.methods(float(at_s)) == ECHO
        if at_s % 2:
            habit.answers(Method.ICMP)


def test_who_is_seldom_asked_is_not_forgotten_for_one_loss() -> None:
    habit = used_to(Method.ICMP)

    asked = [habit.methods(200.0 + 10 * times) for times in range(FORGET_AFTER + 1)]

    assert asked == [*FORGET_AFTER * [ECHO], ALL]


def test_an_answer_under_way_is_never_taken_for_silence() -> None:
    assert TRY_AFTER_S > LONGEST_TIMEOUT_S
