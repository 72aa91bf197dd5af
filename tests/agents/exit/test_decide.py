"""The rules of the exit, told as stories; each number has one on either side."""

from dataclasses import replace

import pytest

from agents.exit.decide import decide, first, wake_at_s
from agents.exit.model import (
    Cause,
    Closed,
    Event,
    Failed,
    PppLink,
    PppUp,
    Probed,
    Report,
    State,
    Woke,
)
from agents.exit.phases import (
    Closing,
    Connecting,
    Dialling,
    Leaving,
    Phase,
    Preparing,
    Probing,
    Ready,
    Waiting,
)
from agents.exit.policy import Policy
from agents.exit.report import offset_by, report, stopped
from bus.messages.exits import Stage
from tests.agents.exit.stories import STORIES
from tests.agents.exit.story import (
    GONE,
    LINK,
    POLICY,
    SERVER,
    WRONG_PSK,
    Line,
    climb,
    ordered,
    outcome,
)


def play(*events: Event, state: State | None = None) -> State:
    state = state or first(POLICY, at_s=0)
    for event in events:
        state, _ = decide(state, event, POLICY)
    return state


def after(lines: list[Line]) -> State:
    return play(*(event for event, _ in lines))


READY = after(climb())


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str) -> None:
    state = first(POLICY, at_s=0)
    for event, expected in STORIES[story]:
        state, actions = decide(state, event, POLICY)

        assert outcome(state, actions) == expected, event


# --- what is known, and what is said of it --------------------------------------------


def test_a_ready_exit_reports_all_it_knows() -> None:
    state = play(Probed(7, answered=True, rtt_ms=12.5, loss_ratio=0.25), state=READY)

    said = report(state, address="172.20.0.11", offset_s=1000)

    assert said.stage is Stage.READY
    assert said.since == 1006
    assert said.address == "172.20.0.11"
    assert (said.cause, said.permanent, said.retry_at) == ("", False, None)
    assert (said.attempt, said.preset, said.server) == (1, "modern", SERVER)
    assert (said.tunnel_address, said.mtu_bytes) == (LINK.address, LINK.mtu_bytes)
    assert list(said.took_s.items()) == [
        ("ike", 2),
        ("ipsec", 1),
        ("l2tp", 1),
        ("ppp", 1),
        ("ready", 1),
    ]
    assert (said.rtt_ms, said.loss_ratio) == (12.5, 0.25)


def test_a_waiting_exit_reports_why_and_until_when() -> None:
    state = play(
        Failed(10, GONE, vague=True), Closed(10, clean=True, jitter=1), state=READY
    )

    said = report(state, address="", offset_s=1000)

    assert (said.stage, said.cause, said.permanent) == (Stage.DOWN, GONE.text, False)
    assert (said.since, said.retry_at) == (1010, 1011)
    assert (said.tunnel_address, said.mtu_bytes, said.rtt_ms) == ("", None, None)


def test_what_a_daemon_said_last_is_a_better_cause_than_a_link_that_went() -> None:
    hung_up = Cause("ppp: the server hung up")
    closing = play(Failed(10, GONE, vague=True), state=READY)

    state = play(Closed(11, clean=True, cause=hung_up), state=closing)

    assert state.cause == hung_up


def test_a_cause_that_was_clear_stays() -> None:
    closing = play(Failed(10, WRONG_PSK), state=READY)

    state = play(Closed(11, clean=True, cause=GONE), state=closing)

    assert state.cause == WRONG_PSK


def test_a_vague_cause_stays_if_nobody_knows_better() -> None:
    closing = play(Failed(10, GONE, vague=True), state=READY)

    assert play(Closed(11, clean=True), state=closing).cause == GONE


def test_attempts_are_counted_from_the_last_ready_one() -> None:
    failed = after(climb()[:4])
    failed = play(Failed(4, GONE), Closed(4, clean=True, jitter=1), state=failed)
    assert failed.attempt == 1
    again = play(*(event for event, _ in climb(5)), state=failed)
    assert again.attempt == 2
    lost = play(Failed(20, GONE), Closed(20, clean=True, jitter=1), state=again)

    once_more = play(*(event for event, _ in climb(22)[:2]), state=lost)

    assert once_more.attempt == 1


def test_a_link_that_changes_is_reported_and_nothing_else_happens() -> None:
    wider = PppLink(LINK.address, 1410)

    state, actions = decide(READY, PppUp(8, wider), POLICY)

    assert state == replace(READY, link=wider)
    assert actions == (Report(),)


def test_an_earlier_life_tells_which_preset_to_begin_with() -> None:
    state = first(POLICY, accepted="legacy", at_s=0)

    assert state.presets == ("legacy", "modern", "compat")


def test_a_predecessors_tunnel_is_left_in_good_order() -> None:
    state = first(POLICY, left=True, at_s=10)
    assert state.phase == Leaving(12, then=Closing(again=True))
    assert report(state, address="", offset_s=0).cause == "starting anew"

    state = play(ordered(10.1, ours=True), state=state)
    assert state.phase == Leaving(12, then=Closing(again=True))
    state = play(ordered(10.2, ours=False), Woke(10.7), state=state)
    assert state.phase == Closing(again=True)
    state = play(Closed(11, clean=True), state=state)

    assert state.phase == Preparing(11 + POLICY.prepare_s)
    assert state.attempt == 1


def test_a_preset_that_is_no_longer_allowed_is_not_tried() -> None:
    state = first(POLICY, accepted="ancient", at_s=0)

    assert state.presets == POLICY.presets


def test_a_stopped_exit_says_that_it_is_down() -> None:
    said = report(stopped(READY, at_s=50), address="172.20.0.11", offset_s=0)

    assert (said.stage, said.since, said.cause) == (Stage.DOWN, 50, "stopped")
    assert said.tunnel_address == ""


@pytest.mark.parametrize(
    ("phase", "due_s"),
    [
        (Waiting(3), 3),
        (Preparing(4), 4),
        (Connecting(5), 5),
        (Dialling(6), 6),
        (Probing(7), 7),
        (Leaving(8), 8),
        (Ready(), None),
        (Closing(), None),
    ],
)
def test_each_phase_says_when_it_wants_to_be_woken(
    phase: Phase,
    due_s: float | None,
) -> None:
    assert wake_at_s(replace(READY, phase=phase)) == due_s


def test_even_after_a_thousand_failures_the_pause_is_a_number() -> None:
    state = replace(READY, failures=1000)

    waiting = play(Failed(10, GONE), Closed(10, clean=True, jitter=1), state=state)

    assert waiting.phase == Waiting(10 + POLICY.backoff_max_s)


def test_a_permanent_cause_never_waits_shorter_than_any_other() -> None:
    policy = Policy(backoff_max_s=60, permanent_backoff_s=1)
    state, _ = decide(READY, Failed(10, WRONG_PSK), policy)

    state, _ = decide(state, Closed(10, clean=True, jitter=1), policy)

    assert state.phase == Waiting(70)


def test_a_clock_that_was_set_shows() -> None:
    assert offset_by(1000.00001, 1000.0) == 1000.0
    assert offset_by(1003.0, 1000.0) == 1003.0
    assert offset_by(998.0, 1000.0) == 998.0
