"""The rules of the entry: (state, event, policy) -> (state, actions). Pure.

Four steps: `observe` folds what was heard into what is known, `walk` goes on alone if
it must, `ask` compares what is wanted with what stands and asks for the difference,
`tell` says what has changed. Bus and coordinator may go: what stands keeps standing
until an order says otherwise, or until its path is down.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import Final, assert_never

from agents.entry.autonomy import destination, taken_up, walk
from agents.entry.control_plane import (
    BusConnected,
    BusLost,
    CoordinatorSaid,
    ModeSet,
    alive,
    observe_control,
)
from agents.entry.events import (
    AddressSeen,
    Adopted,
    BridgeChanged,
    DeviceLost,
    Event,
    ExitHeard,
    GateStands,
    HopStands,
    LeakHeard,
    Ordered,
    PathHeard,
    PathSeen,
    PeerHeard,
    Polled,
    Requested,
    Surveyed,
)
from agents.entry.lookout import inquire, look
from agents.entry.model import (
    Action,
    CloseGate,
    ForgetPath,
    ForgetPeer,
    Ignore,
    Inquire,
    OpenGate,
    Point,
    Policy,
    State,
    Watch,
)
from agents.entry.outage import stranded
from agents.entry.peers import observe_peers
from agents.entry.reports import Change, tell
from agents.entry.screening import possible, screened
from agents.entry.verdict import Verdict, refusal, verdict
from bus.messages.orders import Gate, Hop, Order

UNKNOWN_EXIT: Final = ""  # of a next hop that a predecessor left


def decide(
    state: State, event: Event, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    """The next state, and what to do to get the world there."""
    if isinstance(event, PeerHeard | PathHeard):
        return state, _forget(state, event, policy)
    if isinstance(event, Ordered):
        found = verdict(state.order, event.order)
        if not found.obeyed:
            return _ignored(state, found, event.order)
    seen = walk(observe(state, event, policy), event.at_s)
    asked, wishes = ask(stranded(state, seen, event), event.at_s, policy)
    told, news = tell(state, asked, event, policy)
    return told, (*wishes, *news)


# --- observe --------------------------------------------------------------------------


def _forget(
    state: State, event: PeerHeard | PathHeard, policy: Policy
) -> tuple[Action, ...]:
    """Takes back what a predecessor said of things that are no more."""
    if isinstance(event, PeerHeard):
        known = any(one.id == event.peer for one in policy.peers)
        return () if known else (ForgetPeer(event.peer),)
    known = state.order is None or any(
        hop.exit == event.exit for hop in state.order.exits
    )
    return () if known else (ForgetPath(event.exit),)


def _ignored(
    state: State, why: Verdict, order: Order
) -> tuple[State, tuple[Action, ...]]:
    """Every order that is not obeyed counts; the first of its kind is told of."""
    before = state.ignored.get(why, 0)
    ignored = MappingProxyType({**state.ignored, why: before + 1})
    reason = refusal(why, state.order, order)
    told = () if before else (Ignore(reason),)
    return replace(state, ignored=ignored), told


def observe(state: State, event: Change, policy: Policy) -> State:
    """The state with what the event says."""
    match event:
        case Ordered():
            return _ordered(state, event)
        case BusConnected() | BusLost() | CoordinatorSaid() | ModeSet():
            state = look(state, event, policy) if isinstance(event, BusLost) else state
            return replace(state, control=observe_control(state.control, event))
        case ExitHeard() | AddressSeen() | LeakHeard() | Requested():
            return look(state, event, policy)
        case PathSeen():
            return _path_seen(state, event)
        case Surveyed(neighbours=neighbours):
            return screened(replace(state, neighbours=neighbours))
        case _:
            return _stands(state, event, policy)


def _path_seen(state: State, event: PathSeen) -> State:
    if event.exit not in possible(state):
        return state  # the last word of a path that is measured no more
    return replace(state, paths={**state.paths, event.exit: event.report})


Standing = Adopted | Polled | GateStands | DeviceLost | HopStands | BridgeChanged


def _stands(state: State, event: Standing, policy: Policy) -> State:
    """The state with what the host says."""
    match event:
        case Polled():
            return observe_peers(state, event, policy)
        case Adopted(device=device, via=via, firewall=firewall):
            hop = Hop(exit=UNKNOWN_EXIT, address=via) if via else None
            return replace(
                state, device=device, hop=hop, carrier=hop, firewall=firewall
            )
        case GateStands() | DeviceLost():
            return _gate_stands(state, event, policy)
        case HopStands():
            return _hop_stands(state, event, policy)
        case BridgeChanged(up=up):
            return _bridge_changed(state, up=up)
        case _:
            assert_never(event)


def _ordered(state: State, event: Ordered) -> State:
    """The state with a newer order, or with a sign of life."""
    if event.live:
        state = replace(state, control=alive(state.control, event.at_s))
    order = event.order
    if state.order is not None and order.epoch == state.order.epoch:
        return state
    first = state.order is None
    state = screened(replace(state, order=order, walk=None))
    state = replace(state, gate_retry_s=None, hop_retry_s=None)
    return taken_up(state) if first else state


def _bridge_changed(state: State, *, up: bool) -> State:
    """A next hop dies with its device, so it is asked for again when that is back."""
    if up and state.bridge_up:
        return state
    return replace(
        state, bridge_up=up, hop=None, watched=None, pointing=None, hop_retry_s=None
    )


def _gate_stands(state: State, event: GateStands | DeviceLost, policy: Policy) -> State:
    if isinstance(event, DeviceLost):
        if state.device is None:
            return state
        # One that dies young would be made over and over.
        again_s = state.opened_s + policy.retry_s
        return replace(state, device=None, gate_retry_s=again_s)
    retry_s = event.at_s + policy.retry_s if event.cause else None
    return replace(
        state,
        device=event.device,
        gating=None,
        gate_cause=event.cause,
        gate_retry_s=retry_s,
        opened_s=event.at_s,
    )


def _hop_stands(state: State, event: HopStands, policy: Policy) -> State:
    hop = event.asked.hop if state.bridge_up and not event.cause else None
    return replace(
        state,
        hop=hop,
        carrier=hop or state.carrier,
        pointing=None if state.pointing == event.asked else state.pointing,
        hop_cause=event.cause,
        hop_retry_s=event.at_s + policy.retry_s if event.cause else None,
    )


# --- ask ------------------------------------------------------------------------------


def ask(state: State, at_s: float, policy: Policy) -> tuple[State, tuple[Action, ...]]:
    """The state with what was asked for, and the asking.

    The next hop comes first: it must stand before the gate opens, and block before it
    closes. Without an order all stays as it is, unless a leak stands.
    """
    if state.order is None:
        after = _gate(state, state.gate, at_s)
    else:
        after = _gate(_point(state, at_s), state.order.gate, at_s)
        after = inquire(_watch(after), at_s, policy)
    wishes = (
        after.pointing if after.pointing is not state.pointing else None,
        after.gating if after.gating is not state.gating else None,
        Watch(after.watched or ()) if after.watched != state.watched else None,
        Inquire(after.inquiry) if after.inquiry != state.inquiry else None,
    )
    return after, tuple(wish for wish in wishes if wish is not None)


def _point(state: State, at_s: float) -> State:
    wanted = Point(destination(state)[0])
    coming = state.pointing or Point(state.hop)
    if coming == wanted or not state.bridge_up or _later(state.hop_retry_s, at_s):
        return state
    return replace(state, pointing=wanted)


def _gate(state: State, wish: Gate, at_s: float) -> State:
    coming = state.gate
    if state.gating is not None:
        coming = Gate.OPEN if isinstance(state.gating, OpenGate) else Gate.CLOSED
    right = Gate.CLOSED if state.outlook.leak else wish
    if coming is right or _later(state.gate_retry_s, at_s):
        return state
    wanted = OpenGate() if right is Gate.OPEN else CloseGate()
    return replace(state, gating=wanted)


def _watch(state: State) -> State:
    """Routes die with the device, so all is asked for again when that is back."""
    if not state.bridge_up:
        return state
    measured = possible(state).values()
    watched = tuple(Hop(exit=hop.exit, address=hop.address) for hop in measured)
    return state if watched == state.watched else replace(state, watched=watched)


def _later(retry_s: float | None, at_s: float) -> bool:
    return retry_s is not None and at_s < retry_s
