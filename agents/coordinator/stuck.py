"""Whose container ought to be restarted: who has been silent for too long. Pure.

An agent that dies is started again by Docker. One that hangs keeps its container alive
and says nothing: only who listens to it can tell.
"""

from collections.abc import Mapping

from agents.coordinator.model import CARRYING, State
from bus.messages.presence import Status


def stuck(
    state: State, asked_s: Mapping[str, float], after_s: float, at_s: float
) -> tuple[str, ...]:
    """Exits that are to be restarted now.

    Never the one through which clients' packets come back, silent or not, nor one that
    was stopped, nor anybody while the bus is away. `after_s` is how long an exit may be
    silent (0: for ever) and how often it is asked for; `asked_s` says when it last was.
    """
    if state.linked_since_s is None or not after_s:
        return ()
    since_s = state.linked_since_s
    carrying = state.active is not None and state.active.health in CARRYING
    return tuple(
        name
        for name, one in state.exits.items()
        if one.heard_s and one.status is not Status.STOPPED
        if not (carrying and name == state.order.active)
        if at_s - max(one.heard_s, since_s) >= after_s
        if at_s - asked_s.get(name, -after_s) >= after_s
    )
