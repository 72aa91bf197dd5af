"""The demo tells each event in words."""

import pytest

from bus.commands import Response
from bus.messages.entries import EntryEvent, EntryEventKind
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from bus.messages.orders import Decision, DecisionKind
from bus.messages.presence import Presence, Status
from lab.observer import Event
from lab.story import describe

STAGE, FAILED, LOST = ExitEventKind


def exit_event(
    kind: ExitEventKind, before: Stage, after: Stage, cause: str = ""
) -> ExitEvent:
    return ExitEvent(
        kind=kind, at=1.0, before=before, after=after, duration_s=0.5, cause=cause
    )


STORIES: dict[str, tuple[Event | Presence, str]] = {
    "somebody_is_there": (Presence(status=Status.ONLINE), "x is online"),
    "a_stage_is_reached": (
        exit_event(STAGE, Stage.DOWN, Stage.IKE),
        "x: ike after 0.50 s",
    ),
    "a_stage_is_lost": (
        exit_event(STAGE, Stage.READY, Stage.PPP, "probe: no answer"),
        "x: ready no more after 0.50 s, ppp only: probe: no answer",
    ),
    "an_attempt_fails_half_way": (
        exit_event(FAILED, Stage.IPSEC, Stage.DOWN, "l2tp: no answer"),
        "x: attempt failed after 0.50 s, had ipsec: l2tp: no answer",
    ),
    "an_attempt_fails_at_once": (
        exit_event(FAILED, Stage.DOWN, Stage.DOWN, "ike: no answer"),
        "x: attempt failed after 0.50 s: ike: no answer",
    ),
    "a_tunnel_is_lost": (
        exit_event(LOST, Stage.READY, Stage.DOWN, "ppp: ppp0 went down"),
        "x: tunnel lost after 0.50 s: ppp: ppp0 went down",
    ),
    "the_entry_moves": (
        EntryEvent(kind=EntryEventKind.MOVED, at=1.0, before="exit-a", after=None),
        "x: next hop: exit-a -> None",
    ),
    "a_decision_falls": (
        Decision(
            kind=DecisionKind.FAILOVER,
            at=1.0,
            epoch=2,
            before="exit-a",
            after="exit-b",
            reason="exit-a is down",
        ),
        "coordinator: failover: exit-a -> exit-b (exit-a is down)",
    ),
    "a_wish_is_granted": (Response(transaction="1", ok=True), "x answers: granted"),
    "a_wish_is_refused": (
        Response(transaction="1", ok=False, error="no such exit"),
        "x answers: no such exit",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_it_is_told_when(name: str) -> None:
    event, words = STORIES[name]

    assert describe("x", event) == words
