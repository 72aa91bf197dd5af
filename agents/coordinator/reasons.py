"""Why the coordinator decides as it does, in words for a person. Pure text, no rule."""

from typing import Final

from agents.coordinator.history import short
from agents.coordinator.model import AWAY, Exit, Policy, State
from agents.coordinator.modes import allows
from bus.commands import Choice
from bus.messages.exits import Stage
from bus.messages.orders import DecisionKind
from bus.messages.paths import Health

MOST_NAMED: Final = 8  # standbys of a reason: with a thousand exits nobody reads on


def reason(kind: DecisionKind, state: State, active: str | None, policy: Policy) -> str:
    """Why the clients' traffic goes to `active` (None: nowhere) from now on."""
    match kind:
        case DecisionKind.GATE_OPENED | DecisionKind.RESUMED:
            why = f"{active} is ready"
        case DecisionKind.GATE_CLOSED | DecisionKind.EXHAUSTED:
            why = f"{lost(state)}; {no_other(state)}"
        case DecisionKind.FAILOVER:
            why = lost(state)
        case DecisionKind.FAILBACK:
            why = f"{active} has been ready for {policy.settle_s:g} s"
        case DecisionKind.MOVED:
            why = wish(state)
        case DecisionKind.RANKED:
            why = f"standbys: {standbys(state, active)}"
        case _:  # adopted
            why = f"{state.untold}; said again"
    return why


def lost(state: State) -> str:
    """What is wrong with the exit that is left."""
    left = state.active
    if left is None:
        return "no exit is active"
    if not allows(state.wished, left.name):
        return f"only {state.wished.exit} may carry"
    return trouble(left)


def no_other(state: State) -> str:
    """Why nobody takes over."""
    mode = state.wished
    if mode.choice is not Choice.ONLY:
        return "no other exit is ready"
    left = state.active
    if left is not None and left.name == mode.exit:
        return "no other exit may carry"
    return trouble(state.exit(mode.exit))


def wish(state: State) -> str:
    """What people asked for that moves the clients."""
    mode, left = state.wished, state.order.active
    if left in mode.drained:
        return f"{left} is drained"
    exit_ = f" {mode.exit}" if mode.exit else ""
    return f"asked for: {mode.choice}{exit_}"


def standbys(state: State, active: str | None) -> str:
    """Who could take over, in words."""
    ready = sorted(
        one.name
        for one in state.exits.values()
        if one.usable and one.name != active and allows(state.wished, one.name)
    )
    if not ready:
        return "none ready"
    more = f" and {len(ready) - MOST_NAMED} more" if len(ready) > MOST_NAMED else ""
    return f"{', '.join(ready[:MOST_NAMED])}{more} ready"


def trouble(exit_: Exit) -> str:
    """Why an exit is not usable, or not good, in words; others' words are cut short."""
    return short(_trouble(exit_))


def _trouble(exit_: Exit) -> str:
    path = exit_.path
    bad = path is not None and path.health in (Health.DOWN, Health.DEGRADED)
    if path is not None and bad and not exit_.denied:
        cause = f": {path.cause}" if path.cause else ""
        return f"the path through {exit_.name} is {path.health}{cause}"
    if exit_.status in AWAY:
        return f"{exit_.name} is {exit_.status}"
    if exit_.restarted:
        return f"{exit_.name} has restarted"
    if exit_.stage is None:
        return f"{exit_.name}: {exit_.cause}"
    if exit_.stage is Stage.READY and not exit_.address:
        return f"{exit_.name} says no address that an exit can have"
    cause = f": {exit_.cause}" if exit_.cause else ""
    return f"{exit_.name} is at stage {exit_.stage}{cause}"
