"""How long clients had no way when the next hop moves: pure.

A path that was left while its probes were answered has cost nothing. One that was
silent has cost the time since its last answer, which is known better than when it
broke. Where nobody took over at once, the time goes on until somebody does. With the
gate closed there are no clients to wait.
"""

from dataclasses import replace

from agents.entry.events import Event, HopStands
from agents.entry.model import State
from bus.messages.orders import Gate


def stranded(before: State, after: State, event: Event) -> State:
    """The state `after`, with since when its clients have no way."""
    since_s = _since_s(before, after, event)
    return after if since_s == after.wayless_s else replace(after, wayless_s=since_s)


def _since_s(before: State, after: State, event: Event) -> float | None:
    gate = after.order.gate if after.order else Gate.CLOSED
    if after.hop is not None or gate is Gate.CLOSED:
        return None
    if before.hop is None:
        return before.wayless_s
    return event.at_s - (_silent_s(event) or 0.0)


def outage_ms(before: State, after: State, event: Event) -> float | None:
    """How long clients had no way until this move; None: they have none, or unknown."""
    if after.hop is None:
        return None
    if before.hop is not None:
        silent_s = _silent_s(event)
    else:
        since_s = before.wayless_s
        silent_s = None if since_s is None else event.at_s - since_s
    return None if silent_s is None else silent_s * 1e3


def _silent_s(event: Event) -> float | None:
    return event.silent_s if isinstance(event, HopStands) else None
