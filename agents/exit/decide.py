"""The rules of the exit: what to do next, from what is and what happened. Pure.

Rule 1: everything that decides about an attempt, its order, its end and the pause after
it lives here; the shell only carries out. Rule 2: an attempt ends in one way only,
through `Closing`, and nothing begins before `Closed` says that nothing of it is left.

    Waiting -> Preparing -> Connecting -> Dialling -> Probing <-> Ready
       ^            |            |            |          |          |
       |            |            |            |          +-Leaving--+
       +--Closing <-+------------+------------+-------------+

What does not fit the present phase is a late word of something already given up, and is
ignored.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from agents.exit.leaving import Decision, end, leaving, ordered
from agents.exit.model import (
    Carry,
    Cause,
    Closed,
    Connect,
    Dial,
    Event,
    Failed,
    IpsecDown,
    Ordered,
    PppUp,
    Prepare,
    Probed,
    Reached,
    ReconnectAsked,
    Resolved,
    State,
    StopAsked,
    Unheard,
    Woke,
)
from agents.exit.phases import (
    Closing,
    Connecting,
    Dialling,
    Leaving,
    Preparing,
    Probing,
    Ready,
    Waiting,
)
from agents.exit.policy import Policy
from agents.exit.report import news
from agents.exit.retry import doubted, fresh, next_round, pause_s, round_of, unheard
from bus.messages.exits import Stage

_ASKED: Final = Cause("reconnect asked for", planned=True)
_STOPPING: Final = Cause("stopping", planned=True)
_STARTING: Final = Cause("starting anew")
# What an attempt of this stage waits for.
_NEXT: Final = {
    Stage.DOWN: "ike",
    Stage.IKE: "ipsec",
    Stage.IPSEC: "l2tp",
    Stage.L2TP: "ppp",
}


def first(
    policy: Policy, *, accepted: str = "", left: bool = False, at_s: float
) -> State:
    """The state of an exit that has just been started: about to make its first attempt.

    `accepted` is the preset that the server took in an earlier life; empty if unknown.
    `left`: a tunnel of that life is still there, and may carry clients' traffic.
    """
    old = Leaving(at_s + policy.leave_s, then=Closing(again=True))
    return State(
        phase=old if left else Waiting(retry_at_s=at_s),
        cause=_STARTING if left else None,
        presets=round_of(policy, accepted),
        accepted=accepted,
        since_s=at_s,
    )


def wake_at_s(state: State) -> float | None:
    """When the state wants to be woken; None if only an event can bring it further."""
    match state.phase:
        case Waiting(retry_at_s):
            return retry_at_s
        case Ready() | Closing():
            return None
        case _ as bounded:
            return bounded.until_s


def _is_due(state: State, at_s: float) -> bool:
    due_s = wake_at_s(state)
    return due_s is not None and at_s >= due_s


def decide(state: State, event: Event, policy: Policy) -> Decision:
    """The next state, and what to do to get the world there."""
    if isinstance(event, Ordered | Unheard):
        after, actions = ordered(state, event, policy)
    else:
        after, actions = _step(state, event, policy)
    return after, actions + news(state, after)


def _step(state: State, event: Event, policy: Policy) -> Decision:
    match state.phase:
        case Waiting():
            return _waiting(state, event, policy)
        case Leaving() as phase:
            return leaving(state, phase, event)
        case Closing():
            return _closing(state, event, policy)
        case _:
            return _attempt(state, event, policy)


def _attempt(state: State, event: Event, policy: Policy) -> Decision:
    """What ends an attempt; all else may bring it further."""
    match state.phase, event:
        case _, ReconnectAsked(at_s) if not isinstance(state.phase, Preparing):
            return end(state, at_s, _ASKED, Closing(again=True), policy)
        case Probing() | Ready(), StopAsked(at_s):
            return end(state, at_s, _STOPPING, Closing(again=True), policy)
        case _, Failed():
            return _fail(state, event, policy)
        case _, Woke(at_s) if _is_due(state, at_s):
            return _fail(state, Failed(at_s, _silence(state)), policy)
        case _:
            return _climb(state, event, policy)


def _climb(state: State, event: Event, policy: Policy) -> Decision:
    """One step up; whatever is none may concern a link that is up already."""
    match state.phase, event:
        case Preparing(), Resolved(at_s, server):
            state = replace(state, phase=Connecting(at_s + policy.connect_s))
            wanted = Connect(server, state.presets[0], state.fresh_ports)
            return replace(state, server=server), (wanted,)
        case Connecting(), Reached(at_s, Stage.IKE):
            return _pass(state, Stage.IKE, at_s), ()
        case Connecting(), Reached(at_s, Stage.IPSEC):
            state = _pass(_pass(state, Stage.IKE, at_s), Stage.IPSEC, at_s)
            dialling = Dialling(at_s + policy.dial_s)
            state = replace(state, phase=dialling, accepted=state.presets[0])
            return state, (Dial(state.server),)
        case Dialling(), Reached(at_s, Stage.L2TP):
            return _pass(state, Stage.L2TP, at_s), ()
        case Dialling(), PppUp(at_s, link):
            state = _pass(replace(state, link=link), Stage.PPP, at_s)
            probing = Probing(at_s + policy.probe_patience_s)
            return replace(state, phase=probing), (Carry(),)
        case _:
            return _hold(state, event, policy), ()


def _hold(state: State, event: Event, policy: Policy) -> State:
    """A link that is up: what changes about it."""
    match state.phase, event:
        case Probing() | Ready(), PppUp(_, link):
            return replace(state, link=link)
        case Probing() | Ready(), IpsecDown():
            # Trap policies bring it back under the session: the probe is the judge.
            return replace(state, ipsec_gone=True)
        case Probing() | Ready(), Reached(_, Stage.IPSEC):
            return replace(state, ipsec_gone=False)
        case Probing() | Ready(), Probed():
            return _probed(state, event, policy)
        case _:
            return state


# --- one phase each -------------------------------------------------------------------


def _waiting(state: State, event: Event, policy: Policy) -> Decision:
    match event:
        case Woke(at_s) if _is_due(state, at_s):
            return _begin(state, at_s, policy)
        case ReconnectAsked(at_s):
            return _begin(replace(state, failures=0), at_s, policy)
        case _:
            return state, ()


def _begin(state: State, at_s: float, policy: Policy) -> Decision:
    state = replace(
        state,
        phase=Preparing(at_s + policy.prepare_s),
        attempt=state.attempt + 1,
        marked_s=at_s,
        took_s=MappingProxyType({}),
    )
    return state, (Prepare(),)


def _probed(state: State, event: Probed, policy: Policy) -> State:
    state = replace(state, rtt_ms=event.rtt_ms, loss_ratio=event.loss_ratio)
    match state.phase:
        case Ready() if event.answered:
            steady = event.at_s - state.since_s >= policy.steady_s
            failures = 0 if steady else state.failures
            if (state.phase.misses, state.failures) == (0, failures):
                return state
            return replace(state, phase=Ready(), failures=failures)
        case Probing() if event.answered:
            state = replace(state, phase=Ready(), cause=None, refusal=None)
            return _pass(state, Stage.READY, event.at_s)
        case Probing(until_s, misses):
            return replace(state, phase=Probing(until_s, misses + 1))
        case Ready(misses) if misses + 1 < policy.probe_misses:
            return replace(state, phase=Ready(misses + 1))
        case _:
            return _falter(state, event.at_s, policy)


def _falter(state: State, at_s: float, policy: Policy) -> State:
    """The link stays, but it is no longer ready: no probe comes back."""
    probing = Probing(at_s + policy.probe_patience_s, policy.probe_misses)
    state = replace(state, phase=probing, stage=Stage.PPP, since_s=at_s)
    return replace(state, cause=_silence(state))


def _closing(state: State, event: Event, policy: Policy) -> Decision:
    match state.phase, event:
        case Closing() as phase, ReconnectAsked():
            return replace(state, phase=replace(phase, again=True), failures=0), ()
        case Closing(again, vague), Closed():
            cause = event.cause if vague and event.cause else state.cause
            state = replace(state, cause=cause, fresh_ports=fresh(state, event))
            if again:
                return _begin(state, event.at_s, policy)
            retry_at_s = event.at_s + pause_s(state, event.jitter, policy)
            return replace(state, phase=Waiting(retry_at_s)), ()
        case _:
            return state, ()


def _pass(state: State, stage: Stage, at_s: float) -> State:
    """The attempt came as far as this stage; nothing if it had been there before."""
    if stage in state.took_s and stage is not Stage.READY:
        return state
    took_s = dict(state.took_s)
    took_s.setdefault(stage, at_s - state.marked_s)
    state = replace(state, took_s=MappingProxyType(took_s))
    return replace(state, stage=stage, since_s=at_s, marked_s=at_s)


# --- the end of an attempt ------------------------------------------------------------


def _fail(state: State, event: Failed, policy: Policy) -> Decision:
    cause = doubted(state, event.cause)
    if event.refused:
        return _refused(state, event, policy)
    state = replace(
        state,
        presets=next_round(state, event.cause, policy),
        refusal=None,
        failures=state.failures + 1,
        fresh_ports=state.fresh_ports ^ unheard(state, cause),
    )
    return end(state, event.at_s, cause, Closing(vague=event.vague), policy)


def _refused(state: State, event: Failed, policy: Policy) -> Decision:
    """The server wants other proposals: the next preset, if this round has one left."""
    refusal = state.refusal
    if refusal is None or state.stage is not Stage.DOWN:
        refusal = event.cause  # of the preset that came furthest: it tells most
    if left := state.presets[1:]:
        state = replace(state, presets=left, refusal=refusal)
        return end(state, event.at_s, event.cause, Closing(again=True), policy)
    tried = ", ".join(round_of(policy, state.accepted))
    state = replace(
        state,
        presets=round_of(policy, state.accepted),
        refusal=None,
        failures=state.failures + 1,
    )
    cause = Cause(f"{refusal.text}; presets tried: {tried}", permanent=True)
    return end(state, event.at_s, cause, Closing(), policy)


def _silence(state: State) -> Cause:
    """The cause of a step that brought no outcome in its time."""
    if isinstance(state.phase, Probing):
        gone = "; the server ended IPsec" if state.ipsec_gone else ""
        probes = f"{state.phase.misses} probes"
        return Cause(f"probe: no answer through ppp0 ({probes}){gone}")
    preparing = isinstance(state.phase, Preparing)
    return Cause(f"{'resolve' if preparing else _NEXT[state.stage]}: no answer in time")
