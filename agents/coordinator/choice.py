"""Who should carry the clients' traffic now. Pure: facts in, names out."""

from agents.coordinator.damping import suppressed
from agents.coordinator.events import Asked
from agents.coordinator.model import Exit, Grade, Policy, State, WhenNone
from agents.coordinator.modes import allows, at_once, rank
from bus.epochs import NO_EPOCH
from bus.messages.orders import Gate, Hop

Merit = tuple[bool, bool, Grade, tuple[bool, int, str]]


def choose(
    state: State, at_s: float, policy: Policy, asked: Asked | None = None
) -> tuple[Gate, str | None]:
    """The gate and the active exit as they should be now.

    Stay with the active exit while it is usable, leave it for a better one only when
    that has settled; leave it at once when it is not, if there is somewhere to go, and
    for nothing only when nobody says that it carries. In the quiet time nothing is
    given up for being unheard of, and nothing at all is given up for nothing: the rest
    of the present is still on its way.
    """
    order, active = state.order, state.active
    present = (order.gate, order.active)
    quiet = at_s < state.quiet_until_s
    if state.linked_since_s is None or (quiet and order.epoch == NO_EPOCH):
        return present
    if at_s < state.held_until_s:
        return present
    unheard = unsure = False
    if active is not None and allows(state.wished, active.name):
        if active.usable:
            return Gate.OPEN, better(state, active, at_s, policy, asked)
        unheard, unsure = not active.broken, not active.hopeless
    usable = [one for one in state.exits.values() if takes(state, one)]
    if usable and not (quiet and unheard):
        best = min(usable, key=lambda one: merit(state, one, at_s, policy))
        return Gate.OPEN, best.name
    if quiet or unsure or order.gate is Gate.CLOSED:
        return present
    return (Gate.OPEN if policy.when_none is WhenNone.HOLD else Gate.CLOSED), None


def takes(state: State, exit_: Exit) -> bool:
    """Whether traffic may be given to this exit."""
    return exit_.usable and allows(state.wished, exit_.name)


def merit(state: State, exit_: Exit, at_s: float, policy: Policy) -> Merit:
    """Sorts exits best first, as traffic that must go somewhere finds them."""
    mode = state.wished
    drained, flaps = exit_.name in mode.drained, suppressed(exit_, at_s)
    return (drained, flaps, exit_.graded, rank(exit_.name, mode, policy))


def better(
    state: State, active: Exit, at_s: float, policy: Policy, asked: Asked | None
) -> str:
    """The best exit that is better than the active one and may be moved to; or that."""
    mode = state.wished
    others = [
        one
        for one in state.exits.values()
        if takes(state, one) and one is not active and one.name not in mode.drained
    ]
    if active.name in mode.drained:
        fit = others
    else:
        # Degraded counts when it lasts; flapping in the past is no reason to leave.
        lasts = at_s >= active.since_s + policy.degraded_s
        grade = active.graded if lasts else Grade.GOOD
        stays = (grade, rank(active.name, mode, policy))
        fit = [
            one
            for one in others
            if (one.graded, rank(one.name, mode, policy)) < stays
            and (at_once(asked, one.name) or ripe(state, one, at_s, policy))
        ]
    best = min(fit, default=active, key=lambda one: merit(state, one, at_s, policy))
    return best.name


def ripe(state: State, exit_: Exit, at_s: float, policy: Policy) -> bool:
    """Whether clients may be moved to this exit without need."""
    if exit_.graded is not Grade.GOOD or suppressed(exit_, at_s):
        return False
    if state.moved_s is not None and at_s < state.moved_s + policy.cooldown_s:
        return False
    return at_s >= exit_.since_s + policy.settle_s


def ranking(
    state: State, active: str | None, at_s: float, policy: Policy
) -> tuple[Hop, ...]:
    """The exits whose address is known: active, other usable ones, the rest."""
    mode = state.wished

    def place(one: Exit) -> tuple[bool, bool, Merit]:
        return (one.name != active, not one.usable, merit(state, one, at_s, policy))

    known = [
        one
        for one in state.exits.values()
        if one.address and (one.name == active or allows(mode, one.name))
    ]
    return tuple(
        Hop(exit=one.name, address=one.address, usable=one.usable, dns=one.dns)
        for one in sorted(known, key=place)
    )
