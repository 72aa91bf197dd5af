"""What the coordinator knows: facts folded in, one by one, and what time does to them.

Pure; nothing is judged here. A report counts as long as the life that wrote it is there
and gives signs of life, by the reader's own clock.
"""

from dataclasses import replace
from typing import assert_never

from agents.coordinator.damping import struck
from agents.coordinator.events import (
    Asked,
    BusConnected,
    BusLost,
    EntryReported,
    Event,
    ExitForgotten,
    ExitReported,
    ModeHeard,
    OrderHeard,
    Overslept,
    PathForgotten,
    PathReported,
    PresenceSaid,
    Tick,
)
from agents.coordinator.model import (
    AWAY,
    CARRYING,
    LINKED,
    Exit,
    Grade,
    Path,
    Policy,
    State,
)
from agents.coordinator.modes import changed, taken_over
from bus.epochs import newer
from bus.messages.entries import EntryReport
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health
from bus.messages.presence import Status


def observe(state: State, event: Event, policy: Policy) -> State:
    """The state with the event folded in; nothing is judged yet."""
    match event:
        case BusConnected() | BusLost() | Overslept():
            return linked(state, event, policy)
        case ExitReported() | ExitForgotten() | PathReported() | PathForgotten():
            return state.having(told(state, event, policy))
        case PresenceSaid():
            return present(state, event)
        case EntryReported() | OrderHeard():
            return adopted(state, event, policy)
        case _:
            return minded(state, event)


def minded(state: State, event: ModeHeard | Asked | Tick) -> State:
    """The state after a wish, or after what is none."""
    match event:
        case ModeHeard():
            return taken_over(state, event)
        case Asked():
            return replace(state, mode=changed(state.wished, event))
        case Tick():
            return state
        case _:
            assert_never(event)


def linked(
    state: State, event: BusConnected | BusLost | Overslept, policy: Policy
) -> State:
    """The state after the bus came or went, or we did.

    What happened in between is unknown: whoever is usable has not been so without a
    break, and nobody has been silent.
    """
    if isinstance(event, BusLost):
        return replace(state, linked_since_s=None)
    if isinstance(event, Overslept):
        if state.linked_since_s is None:
            return state
        state = replace(state, held_until_s=event.at_s + policy.catch_up_s)
    exits = (replace(one, since_s=event.at_s) for one in state.exits.values())
    return replace(
        state.having(*exits),
        linked_since_s=event.at_s,
        quiet_until_s=event.at_s + policy.start_grace_s,
    )


# --- exits and paths ------------------------------------------------------------------


def told(
    state: State,
    event: ExitReported | ExitForgotten | PathReported | PathForgotten,
    policy: Policy,
) -> Exit:
    """The exit after what was said of it."""
    exit_ = state.exit(event.exit)
    match event:
        case ExitReported():
            return reported(exit_, event, policy)
        case ExitForgotten():
            gone = Exit(exit_.name, cause="it was removed", status=exit_.status)
            return replace(gone, denied=True)
        case _:
            return measured(state, event)


def reported(exit_: Exit, event: ExitReported, policy: Policy) -> Exit:
    """The exit after its report, unless that is older than what is known.

    An echo of what is known already is no sign of life; the same report said again by
    the exit itself (its link does so after a reconnect) is one.
    """
    report = event.report
    if report.boot and report.boot == exit_.boot:
        old = report.seq < exit_.seq
        if old or (event.echo and report.seq == exit_.seq):
            return exit_
    after = replace(
        exit_,
        stage=report.stage,
        cause=report.cause,
        address=report.address if policy.neighbours.has(report.address) else "",
        dns=report.dns or exit_.dns,  # they come a moment after ppp0
        planned=report.planned,
        boot=report.boot,
        seq=report.seq,
        life=exit_.life if event.echo else report.boot,
        heard_s=event.at_s,
    )
    # What a life that has ended said of its ppp0 says nothing of what is there now.
    denied = report.stage not in LINKED if after.speaks else exit_.denied
    return after if denied is after.denied else replace(after, denied=denied)


def measured(state: State, event: PathReported | PathForgotten) -> Exit:
    """The exit after what an entry said of its path, unless that is an old story."""
    exit_ = state.exit(event.exit)
    known = exit_.path_of(event.entry)
    if isinstance(event, PathForgotten):
        return exit_ if known is None else exit_.without(event.entry)
    report, entry = event.report, state.exit(event.entry)
    if event.echo and (entry.status in AWAY or entry.life not in ("", report.boot)):
        return exit_
    if known is not None and report.boot and report.boot == known.boot:
        old = report.seq < known.seq
        if old or (event.echo and report.seq == known.seq):
            return exit_
    path = Path(
        entry=event.entry,
        health=report.health,
        cause=report.cause,
        boot=report.boot,
        seq=report.seq,
        heard_s=event.at_s,
    )
    # An exit that is there knows best whether it has a ppp0.
    overruled = report.health in CARRYING and not exit_.speaks
    others = exit_.without(event.entry).paths
    denied = exit_.denied and not overruled
    return replace(exit_, paths=(*others, path), denied=denied)


def present(state: State, event: PresenceSaid) -> State:
    """The state after an agent came or went; a new life makes the old one's word void.

    That holds for an exit's own report and for the paths that an entry measured.
    """
    said, name = event.presence, event.agent
    one = replace(state.exit(name), status=said.status, life=said.boot)
    state = state.having(one)
    gone = said.status in AWAY
    void = (
        exit_.without(name)
        for exit_ in state.exits.values()
        if (path := exit_.path_of(name)) is not None
        and (gone or path.boot != said.boot)
    )
    return state.having(*void)


# --- orders ---------------------------------------------------------------------------


def adopted(state: State, event: EntryReported | OrderHeard, policy: Policy) -> State:
    """The state with somebody's order instead of ours; else unchanged.

    Only a predecessor can have said a greater one. The clients go by it now, so it is
    where we start from, whatever we would have chosen. If an entry has to tell us, the
    broker has lost it; or it went elsewhere by itself, under our order.
    """
    heard = event.order if isinstance(event, OrderHeard) else event.report
    greater = newer(heard.epoch, state.order.epoch)
    astray = isinstance(heard, EntryReport) and strays(state.order, heard)
    if not greater and not astray:
        return state
    active = heard.active if heard.gate is Gate.OPEN else None
    order = replace(state.order, active=active)
    untold = f"{active} was chosen by the entry"
    if greater:
        order = Order(epoch=heard.epoch, gate=heard.gate, active=active)
        untold = f"order {heard.epoch} was lost"
    if isinstance(heard, Order):
        order = replace(order, exits=heard.exits, reason=heard.reason)
        untold = ""
        state = state.having(*addressed(state, heard, policy))
    return replace(
        state,
        order=order,
        untold=untold,
        quiet_until_s=event.at_s + policy.start_grace_s,
    )


def strays(order: Order, report: EntryReport) -> bool:
    """Whether the entry left the order's exit by itself: it obeys the next order."""
    elsewhere = report.active is not None and report.active != order.active
    same = (report.epoch, report.gate) == (order.epoch, Gate.OPEN)
    return report.walked and same and order.gate is Gate.OPEN and elsewhere


def addressed(state: State, order: Order, policy: Policy) -> list[Exit]:
    """The exits of a predecessor's order: their agents may be gone."""
    return [
        replace(state.exit(hop.exit), address=hop.address, dns=hop.dns)
        for hop in order.exits
        if not state.exit(hop.exit).address and policy.neighbours.has(hop.address)
    ]


# --- time -----------------------------------------------------------------------------


def aged(
    state: State, at_s: float, policy: Policy, before: State | None = None
) -> State:
    """The state as time alone makes it.

    `before`: what time has been looked at for already; only what differs is judged. So
    nothing ages while the bus is away: nothing is heard then, and no deadline passes.
    """
    known = before.exits if before else {}
    changes = [
        new
        for name, one in state.exits.items()
        if one is not known.get(name)
        and (new := aged_exit(state, one, at_s, policy)) is not one
    ]
    return state.having(*changes) if changes else state


def aged_exit(state: State, exit_: Exit, at_s: float, policy: Policy) -> Exit:
    """The exit, of which too old a word says nothing; and since when it is as it is."""
    if exit_.stage is not None and at_s >= silence_moment(state, exit_.heard_s, policy):
        cause = f"silent for {policy.stale_s:g} s"
        exit_ = replace(exit_, stage=None, cause=cause)
    if exit_.paths:
        exit_ = aged_paths(state, exit_, at_s, policy)
    grade = exit_.grade
    if grade is exit_.graded:
        return exit_
    if grade is Grade.UNUSABLE and not on_purpose(exit_):
        exit_ = struck(exit_, at_s, policy)
    return replace(exit_, graded=grade, since_s=at_s)


def aged_paths(state: State, exit_: Exit, at_s: float, policy: Policy) -> Exit:
    """The exit, of whose paths too old a word says nothing."""
    # Its stamp is kept, so that an echo of it is known for what it is.
    paths = tuple(
        replace(one, health=Health.UNKNOWN)
        if one.health is not Health.UNKNOWN
        and at_s >= silence_moment(state, one.heard_s, policy)
        else one
        for one in exit_.paths
    )
    return exit_ if paths == exit_.paths else replace(exit_, paths=paths)


def on_purpose(exit_: Exit) -> bool:
    """Whether the exit has been taken down by somebody, in good order."""
    return exit_.planned or exit_.status is Status.STOPPED


def silence_moment(state: State, heard_s: float, policy: Policy) -> float:
    """When what was heard then will count for nothing, if nothing more comes."""
    return max(heard_s, state.linked_since_s or 0.0) + policy.stale_s
