"""How an exit lets go of an attempt: its clients first. Values only.

A tunnel that still carries clients' traffic says first that it is going, and goes once
another exit has them, so that a planned end loses no packet. Nobody is waited for who
has nowhere to go, or cannot be told.
"""

from dataclasses import replace

from agents.exit.model import (
    Action,
    Cause,
    Close,
    Event,
    Failed,
    Ordered,
    ReconnectAsked,
    Reroute,
    State,
    Tell,
    Unheard,
    Woke,
)
from agents.exit.phases import Closing, Leaving, Probing, Ready
from agents.exit.policy import Policy
from bus.messages.exits import ExitEventKind, Stage

Decision = tuple[State, tuple[Action, ...]]


def end(
    state: State, at_s: float, cause: Cause, closing: Closing, policy: Policy
) -> Decision:
    """The attempt is given up: down from this moment, whatever the clean-up takes."""
    lost = Stage.READY in state.took_s
    faltered = lost and state.stage is not Stage.READY
    told = Tell(
        ExitEventKind.LOST if lost else ExitEventKind.FAILED,
        before=state.stage,
        after=Stage.DOWN,
        duration_s=(state.since_s if faltered else at_s) - state.marked_s,
        cause=cause.text,
    )
    needed = _needed(state) and not closing.vague
    state = replace(
        state,
        phase=Leaving(at_s + policy.leave_s, then=closing) if needed else closing,
        stage=Stage.DOWN,
        since_s=at_s,
        attempt=0 if lost else state.attempt,
        cause=cause,
        link=None,
        ipsec_gone=False,
        rtt_ms=None,
        loss_ratio=None,
    )
    return state, (told,) if needed else (told, Close())


def _needed(state: State) -> bool:
    """It may still carry clients' traffic that could go elsewhere."""
    return isinstance(state.phase, Probing | Ready) and _led(state)


def _led(state: State) -> bool:
    """Clients' traffic is led here, and somebody can lead it elsewhere."""
    return state.ours and bool(state.detour)


def ordered(state: State, event: Ordered | Unheard, policy: Policy) -> Decision:
    """The coordinator wants something else, or can no longer be heard."""
    actions: tuple[Action, ...] = ()
    if isinstance(event, Unheard):
        state = replace(state, ours=False)
    else:
        if event.detour != state.detour:
            actions = (Reroute(event.detour),)
        if (event.ours, event.detour) != (state.ours, state.detour):
            state = replace(state, ours=event.ours, detour=event.detour)
    match state.phase:
        case Leaving(until_s, moved=False, then=then) if not _led(state):
            until_s = min(until_s, event.at_s + policy.linger_s)
            state = replace(state, phase=Leaving(until_s, moved=True, then=then))
            return state, actions
        case _:
            return state, actions


def leaving(state: State, phase: Leaving, event: Event) -> Decision:
    """Until the clients have moved, or it has taken long enough, or the link went."""
    match event:
        case Failed(vague=True):
            return replace(state, phase=phase.then), (Close(),)
        case Woke(at_s) if at_s >= phase.until_s:
            return replace(state, phase=phase.then), (Close(),)
        case ReconnectAsked():
            then = replace(phase.then, again=True)
            return replace(state, phase=replace(phase, then=then), failures=0), ()
        case _:
            return state, ()
