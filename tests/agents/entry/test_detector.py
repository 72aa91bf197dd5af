"""The rules of one path's probes, as stories on a simulated wire."""

from dataclasses import replace
from random import Random

import pytest

from agents.entry.detector import FORGET_S, MUTE, REMEMBERED, answered, wake_at_s
from agents.entry.path_model import (
    PROFILES,
    Profile,
    cause_of,
)
from agents.round_trip import FIRST_TIMEOUT_S, LONGEST_TIMEOUT_S, RoundTrip
from bus.messages.paths import Health
from tests.agents.entry.wire import Network, Wire, dead, steady

NORMAL, FAST = PROFILES["normal"], PROFILES["fast"]
A, B = "1.1.1.1", "9.9.9.9"
HOUR_S = 3600.0
CALM_S = 60.0


def up(profile: Profile = NORMAL, rtt_s: float = 0.005) -> Wire:
    """A path that has been well for long enough to be known as calm."""
    wire = Wire(steady(rtt_s), profile).until(CALM_S)
    assert wire.path.health is Health.UP
    return wire


def losing(*lost: int, rtt_s: float = 0.005) -> Network:
    """Of the probes sent from now on those of these places are lost."""
    numbers = iter(range(10**9))
    return lambda _at_s, _target: None if next(numbers) in lost else rtt_s


# --- up -------------------------------------------------------------------------------


def test_a_path_is_unknown_until_the_first_answer() -> None:
    wire = Wire(steady(0.3), NORMAL)
    assert wire.until(0.29).path.health is Health.UNKNOWN
    assert cause_of(wire.path) == "not measured yet"

    assert wire.until(0.31).path.health is Health.UP
    assert cause_of(wire.path) == ""


def test_probes_keep_their_beat_and_take_turns() -> None:
    wire = up()

    times = [at_s for at_s, _ in wire.sent]
    assert times == pytest.approx([0.1 * n for n in range(len(times))])
    assert [target for _, target in wire.sent[1:5]] == [A, B, A, B]


def test_an_answer_to_nothing_that_was_asked_changes_nothing() -> None:
    path = up().path

    assert answered(path, path.number + 1, 0.005, CALM_S, NORMAL) is path


# --- down -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "bound_s"), [(NORMAL, 0.16), (FAST, 0.03)], ids=["normal", "fast"]
)
def test_silence_is_noticed_within_the_bound(profile: Profile, bound_s: float) -> None:
    wire = up(profile, rtt_s=0.003)
    wire.network = dead

    assert wire.until_it_is(Health.DOWN) - CALM_S <= bound_s
    assert cause_of(wire.path) == "no answer from 1.1.1.1, 9.9.9.9"


def test_a_path_that_never_answered_is_down_after_the_first_time_out() -> None:
    wire = Wire(dead, NORMAL)

    at_s = wire.until_it_is(Health.DOWN)

    assert 2 * FIRST_TIMEOUT_S <= at_s < 2 * FIRST_TIMEOUT_S + 0.1


def test_one_lost_probe_is_a_burst_and_no_more() -> None:
    wire = up()
    wire.network = losing(0)
    before = len(wire.sent)

    wire.until(wire.now_s + 1.0)

    assert wire.downs == 0
    assert 10 < len(wire.sent) - before <= 10 + 1 + NORMAL.burst
    assert wire.path.loss_ratio == 1 / REMEMBERED


@pytest.mark.parametrize("answered_", [0, 1, NORMAL.burst - 1])
def test_one_answer_to_a_burst_calls_it_off(answered_: int) -> None:
    wire = up()
    lost = set(range(NORMAL.burst + 1)) - {1 + answered_}
    wire.network = losing(*lost)

    wire.until(wire.now_s + 1.0)

    assert wire.downs == 0


def test_a_burst_that_is_answered_by_nobody_means_down() -> None:
    wire = up()
    wire.network = losing(*range(NORMAL.burst + 1))

    wire.until_it_is(Health.DOWN, within_s=0.3)


def test_a_path_is_mute_from_the_first_miss_until_it_is_answered() -> None:
    wire = up()
    assert not wire.path.mute
    wire.network = losing(0, 1)
    muted = set()
    for _ in range(200):
        wire.until(wire.now_s + 0.001)
        muted.add(wire.path.mute)

    assert wire.path.health is Health.UP
    assert muted == {True, False}
    assert not wire.path.mute


def test_a_path_that_is_down_is_mute() -> None:
    wire = up()
    wire.network = dead

    assert wire.until(wire.now_s + 60.0).path.mute


def test_a_late_answer_to_the_first_turns_a_loss_into_a_delay() -> None:
    wire = up()
    waits = iter([0.03])
    wire.network = lambda _at_s, _target: next(waits, None)

    wire.until(wire.now_s + 0.1)  # the burst is on its way when it comes

    assert wire.downs == 0
    assert wire.path.burst is None
    assert wire.path.loss_ratio == 0.0
    assert wire.until_it_is(Health.DOWN) > 0


def test_an_answer_too_late_is_nobody_s() -> None:
    wire = up()
    number = wire.path.number + 1
    wire.network = dead
    wire.until(CALM_S + FORGET_S / 2)
    assert number in wire.path.open

    wire.until(CALM_S + FORGET_S + 1.0)
    assert number not in wire.path.open


def test_a_quorum_of_two_wants_two_to_answer() -> None:
    wire = up(replace(NORMAL, quorum=2))
    wire.network = lambda _at_s, target: 0.005 if target == A else None

    wire.until_it_is(Health.DOWN)
    wire.until(wire.now_s + 5.0)

    assert wire.path.health is Health.DOWN
    wire.network = steady()
    wire.until_it_is(Health.UP)


def test_a_quorum_of_two_is_content_once_both_answered_a_burst() -> None:
    wire = up(replace(NORMAL, quorum=2))
    wire.network = losing(0)

    wire.until(wire.now_s + 1.0)

    assert wire.downs == 0


def test_a_quorum_can_be_reached_over_the_whole_burst() -> None:
    """Each target answers but once; the second of them after the last was sent."""
    wire = up(replace(NORMAL, quorum=2))
    waits = {0: None, 1: 0.001, 2: None, 3: None, 4: None, 5: None, 6: 0.019}
    numbers = iter(range(100))
    wire.network = lambda _at_s, _target: waits.get(next(numbers), 0.001)

    wire.until(wire.now_s + 1.0)

    assert wire.downs == 0


def test_a_blocked_site_moves_nobody_and_is_asked_less() -> None:
    wire = up()
    wire.network = lambda _at_s, target: 0.005 if target == A else None
    wire.until(CALM_S + 10.0)
    before = len(wire.sent)

    wire.until(CALM_S + 40.0)

    assert wire.downs == 0
    asked = [target for _, target in wire.sent[before:]].count(B)
    assert asked <= MUTE * (1 + NORMAL.burst)
    assert (wire.path.loss_ratio or 0.0) < 0.05


# --- patience -------------------------------------------------------------------------


def test_patience_follows_the_path() -> None:
    assert up(rtt_s=0.001).path.timeout_s(NORMAL) == NORMAL.floor_s
    assert up(rtt_s=0.2).path.timeout_s(NORMAL) == pytest.approx(0.25, rel=0.05)
    slow = replace(up().path, round_trip=RoundTrip(3.0, 1.0))
    assert slow.timeout_s(NORMAL) == LONGEST_TIMEOUT_S


def test_who_stalled_a_moment_ago_may_stall_again() -> None:
    wire = up(rtt_s=0.001)
    waits = iter([0.2])
    wire.network = lambda _at_s, _target: next(waits, 0.001)
    wire.until(CALM_S + 1.0)

    assert wire.path.timeout_s(NORMAL) == pytest.approx(0.25, rel=0.1)
    wire.until(CALM_S + 60.0)
    assert wire.path.timeout_s(NORMAL) == NORMAL.floor_s


def test_who_was_held_up_gives_others_that_much_more_time_once() -> None:
    wire = up(rtt_s=0.09)
    wire.network = dead
    wire.until(CALM_S + 0.098)  # the next beat is due before this probe is
    probe = max(wire.path.open)
    due_s = wire.path.open[probe].due_s

    wire.stalls(0.01)
    late_s = wire.now_s - CALM_S - 0.1
    assert wire.path.open[probe].due_s == pytest.approx(due_s + late_s)

    wire.stalls(0.05)
    assert wire.path.open[probe].due_s == pytest.approx(due_s + late_s)


def test_a_stall_of_our_own_is_not_taken_for_silence() -> None:
    wire = up()
    wire.until(wire.now_s + 0.001)

    wire.stalls(5.0).until(wire.now_s + 1.0)

    assert wire.downs == 0


def test_who_wakes_late_for_a_probe_does_not_hold_that_against_it() -> None:
    wire = up()
    wire.until(wire.now_s + 0.001)
    probe = max(wire.path.open)

    wire.network = dead
    wire.stalls(5.0, deaf=True)

    assert probe not in wire.path.open
    assert wire.path.burst is None


def test_what_is_silent_then_gets_no_more_time_than_an_answer_ever_gets() -> None:
    wire = up()
    wire.network = dead
    wire.until(wire.now_s + 0.101)
    probe = max(wire.path.open)

    wire.stalls(60.0)

    assert wire.path.open[probe].due_s == wire.now_s + LONGEST_TIMEOUT_S


def test_what_was_late_is_not_made_up_for() -> None:
    wire = up()
    before = len(wire.sent)

    wire.stalls(5.0).until(wire.now_s + 0.95)

    assert len(wire.sent) - before <= 11


# --- up again -------------------------------------------------------------------------


def test_a_path_is_up_again_after_so_many_answers_in_a_row() -> None:
    wire = up()
    wire.network = dead
    wire.until_it_is(Health.DOWN)
    wire.network = steady()
    wire.until(wire.now_s + 0.1)
    at_s = wire.now_s

    wire.until_it_is(Health.UP)

    wait_s = wire.healths[-1][0] - at_s
    assert wait_s == pytest.approx((NORMAL.recover - 1) * NORMAL.interval_s, abs=0.11)


def test_a_loss_among_them_begins_the_row_anew() -> None:
    wire = up()
    wire.network = dead
    wire.until_it_is(Health.DOWN)
    lost = range(NORMAL.recover - 1, 200, NORMAL.recover)
    wire.network = losing(*lost)

    wire.until(wire.now_s + 10.0)

    assert wire.path.health is Health.DOWN


def test_while_it_is_down_the_beat_goes_on_without_bursts() -> None:
    wire = up()
    wire.network = dead
    wire.until_it_is(Health.DOWN)
    before = len(wire.sent)

    wire.until(wire.now_s + 10.0)

    assert len(wire.sent) - before == pytest.approx(100, abs=1)
    assert wake_at_s(wire.path) > wire.now_s


# --- degraded -------------------------------------------------------------------------


def every(nth: int) -> Network:
    """Every so many probes one is lost."""
    numbers = iter(range(10**9))
    return lambda _at_s, _target: None if next(numbers) % nth == 0 else 0.005


def test_a_path_that_loses_much_is_degraded_and_well_again_at_half() -> None:
    lossy = replace(NORMAL, loss_ratio=0.2)
    wire = up(lossy)
    wire.network = every(3)  # of which most are bursts: what they lose does not count
    wire.until_it_is(Health.DEGRADED)
    assert "lost, round trip 5 ms" in cause_of(wire.path)
    assert (wire.path.loss_ratio or 0.0) >= 0.2

    wire.network = steady()
    wire.until_it_is(Health.UP)
    assert (wire.path.loss_ratio or 1.0) < 0.1


def test_less_than_that_is_well() -> None:
    lossy = replace(NORMAL, loss_ratio=0.2)
    wire = up(lossy)
    wire.network = every(12)

    wire.until(wire.now_s + 60.0)

    assert wire.path.health is Health.UP


def test_a_path_that_takes_long_is_degraded_and_well_again_at_half() -> None:
    wire = up(replace(NORMAL, rtt_ms=100.0), rtt_s=0.09)

    wire.network = steady(0.11)
    wire.until_it_is(Health.DEGRADED)
    wire.network = steady(0.06)
    wire.until(wire.now_s + 20.0)
    assert wire.healths[-1][1] is Health.DEGRADED

    wire.network = steady(0.04)
    wire.until_it_is(Health.UP)


def test_a_degraded_path_that_falls_silent_is_down() -> None:
    wire = up(replace(NORMAL, rtt_ms=100.0))
    wire.network = steady(0.2)
    wire.until_it_is(Health.DEGRADED)
    wire.network = dead

    wire.until_it_is(Health.DOWN)


# --- an hour of bad weather -----------------------------------------------------------


def test_an_hour_of_loss_and_jitter_takes_no_path_down() -> None:
    random = Random(1)  # noqa: S311 - weather

    def weather(_at_s: float, _target: str) -> float | None:
        lost = random.random() < 0.05
        return None if lost else 0.02 + random.uniform(0.0, 0.05)

    wire = Wire(weather, NORMAL).until(HOUR_S)

    assert [health for _, health in wire.healths] == [Health.UNKNOWN, Health.UP]
    assert wire.path.loss_ratio == pytest.approx(0.05, abs=0.1)


def test_minutes_of_it_take_no_path_down_that_is_watched_hard() -> None:
    random = Random(3)  # noqa: S311 - weather

    def weather(_at_s: float, _target: str) -> float | None:
        lost = random.random() < 0.05
        return None if lost else 0.02 + random.uniform(0.0, 0.05)

    wire = Wire(weather, FAST).until(HOUR_S / 20)

    assert wire.downs == 0
