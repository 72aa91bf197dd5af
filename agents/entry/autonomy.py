"""Where the traffic goes, and when the entry moves it by itself: pure.

Rule 1: as long as somebody gives orders, they are obeyed.
Rule 2: with nobody there, a path that the entry measures as down is left for the first
of the order's hops whose path is up; one that is not down is never left.
Rule 3: a walk ends with the next newer order. The same order said again ends it only
after the coordinator had time to adopt the present, and never in favour of a path that
is down while the present one is not.
"""

from dataclasses import replace
from typing import Final

from agents.entry.control_plane import gone
from agents.entry.model import State, Walk
from bus.commands import Choice
from bus.heartbeat import HEARTBEAT_S
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import Health

ADOPTS_S: Final = 2 * HEARTBEAT_S  # the coordinator's
GOOD: Final = (Health.UP, Health.DEGRADED)


def destination(state: State) -> tuple[Hop | None, str]:
    """Where traffic is to go; and why not as ordered, if so."""
    if state.walk is None:
        return wanted(state)
    hop = state.walk.hop
    if not state.neighbours.has(hop.address):
        return None, f"{hop.exit} cannot be where it was"
    return hop, state.walk.cause


def wanted(state: State) -> tuple[Hop | None, str]:
    """Where the order wants the traffic to go; and why nowhere if it names an exit."""
    order = state.order
    if order is None or order.active is None:
        return None, ""
    hop = next((one for one in order.exits if one.exit == order.active), None)
    if hop is None:
        return None, f"order {order.epoch} has no address of {order.active}"
    if not state.neighbours.has(hop.address):
        return None, f"{order.active} cannot be where order {order.epoch} says"
    return hop, ""


def health(state: State, hop: Hop | None) -> Health:
    """What the path is good for; blocked is down."""
    if hop is None:
        return Health.DOWN
    report = state.paths.get(hop.exit)
    return report.health if report else Health.UNKNOWN


def walk(state: State, at_s: float) -> State:
    """The state with the walk begun, gone on with, or ended."""
    order = state.order
    if order is None or order.gate is Gate.CLOSED:
        return replace(state, walk=None)
    if state.walk and state.walk.found:
        state = _judged(state, state.walk)
    if state.walk and state.walk.found:
        return state
    why = gone(state.control, at_s)
    if not why and state.walk and not state.control.ordering:
        why = "the coordinator has not ordered since"
    if why:
        return _onward(state, order, why)
    return _settle(state, state.walk, at_s) if state.walk else state


def taken_up(state: State) -> State:
    """The state after its first order, with what a predecessor left set against it.

    Where it left the traffic with another exit than is ordered, the traffic stays for
    the moment: the order may be one that the predecessor left a dead exit against.
    """
    order, left, hop = state.order, state.hop, wanted(state)[0]
    if order is None or left is None or hop is None or left.address == hop.address:
        return state
    present = next((one for one in order.exits if one.address == left.address), None)
    if present is None:
        return state
    cause = f"{present.exit} was found carrying; {hop.exit} is being measured"
    return replace(state, walk=Walk(present, cause, found=True))


def _judged(state: State, begun: Walk) -> State:
    """The state once the probes have said which of the two carries."""
    hop = wanted(state)[0]
    there = health(state, hop)
    if there in GOOD or hop is None or health(state, begun.hop) is Health.DOWN:
        return replace(state, walk=None)
    if there is Health.UNKNOWN:
        return state
    cause = f"walking: {hop.exit} is down by own probes, and was left before"
    return replace(state, walk=Walk(begun.hop, cause))


def _onward(state: State, order: Order, why: str) -> State:
    if state.walk is not None:
        state = replace(state, walk=replace(state.walk, back_s=None))
    present = destination(state)[0]
    if health(state, present) is not Health.DOWN:
        return state
    best = _best(state, order)
    if best is None:
        return state
    if best == wanted(state)[0]:
        return replace(state, walk=None)
    left = f"{present.exit} is down by own probes" if present else "no way was ordered"
    return replace(state, walk=Walk(best, f"walking: {left}, and {why}"))


def _best(state: State, order: Order) -> Hop | None:
    """The first of the order's hops whose path is up, within what people asked for."""
    mode = state.control.mode
    ranked = [
        ((hop.exit in mode.drained, not hop.usable, state_of is Health.DEGRADED), hop)
        for hop in order.exits
        if (state_of := health(state, hop)) in GOOD
        and (mode.choice is not Choice.ONLY or hop.exit == mode.exit)
    ]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


def _settle(state: State, begun: Walk, at_s: float) -> State:
    """The coordinator is there again, but has ordered nothing new yet."""
    back_s = at_s if begun.back_s is None else begun.back_s
    here = health(state, begun.hop) is not Health.DOWN
    there = health(state, wanted(state)[0]) is not Health.DOWN
    if here and (at_s - back_s < ADOPTS_S or not there):
        return replace(state, walk=replace(begun, back_s=back_s))
    return replace(state, walk=None)
