"""Which exits of an order can be given packets at all. Pure.

An exit whose address no exit can have is not refused in silence: its path counts, and
is told of, as down, so that the coordinator leaves it.
"""

from collections.abc import Mapping
from dataclasses import replace

from agents.entry.model import State
from bus.messages.orders import Hop
from bus.messages.paths import Health, PathReport


def possible(state: State) -> Mapping[str, Hop]:
    """The order's exits that packets may be sent to, by name."""
    hops = state.order.exits if state.order else ()
    return {hop.exit: hop for hop in hops if state.neighbours.has(hop.address)}


def impossible(state: State) -> tuple[str, ...]:
    """The order's other exits."""
    hops = state.order.exits if state.order else ()
    return tuple(hop.exit for hop in hops if not state.neighbours.has(hop.address))


def screened(state: State) -> State:
    """The state with a path for each exit that has one in this order."""
    if state.order is None:
        return state
    down = PathReport(
        health=Health.DOWN,
        since=state.order.at,
        cause="no exit can be at this address",
    )
    known = possible(state)
    paths = {name: one for name, one in state.paths.items() if name in known}
    return replace(state, paths=paths | dict.fromkeys(impossible(state), down))
