"""What the entry says of itself: pure."""

from dataclasses import replace

from agents.entry.autonomy import destination, health
from agents.entry.control_plane import BusConnected, BusLost, CoordinatorSaid, ModeSet
from agents.entry.events import (
    AddressSeen,
    Adopted,
    BridgeChanged,
    DeviceLost,
    ExitHeard,
    GateStands,
    HopStands,
    LeakHeard,
    Ordered,
    PathSeen,
    Polled,
    Requested,
    Surveyed,
)
from agents.entry.model import (
    Action,
    ForgetFlows,
    ForgetLeak,
    ForgetPath,
    Policy,
    SayEvent,
    SayLeak,
    SayPath,
    SayReport,
    SayResponse,
    State,
)
from agents.entry.outage import outage_ms
from agents.entry.peers import tell_peers
from agents.entry.public_address import present, refusal
from agents.entry.screening import impossible
from bus.commands import Response
from bus.messages.entries import EntryEventKind, EntryReport
from bus.messages.orders import Gate, Hop
from bus.messages.paths import Health

Change = (
    Adopted
    | Ordered
    | BusConnected
    | BusLost
    | CoordinatorSaid
    | ModeSet
    | PathSeen
    | GateStands
    | DeviceLost
    | HopStands
    | BridgeChanged
    | Polled
    | Surveyed
    | ExitHeard
    | AddressSeen
    | LeakHeard
    | Requested
)


def tell(
    before: State, after: State, event: Change, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    """The state with what was said, and the saying."""
    news = [*_tell_leak(before, after, event), *_tell_gate(before, after)]
    news += _tell_hop(before, after, event)
    told = after
    report = report_of(after, policy)
    due_s = after.said_s + policy.report_every_s
    if differs(report, after.said) or (
        isinstance(event, Polled) and event.at_s >= due_s
    ):
        told = replace(after, said=report, said_s=event.at_s)
        news.append(SayReport(report))
    news += _tell_paths(before, after, event)
    told, of_peers = tell_peers(before, told, event.at_s, policy)
    answers = _answers(before, event, policy)
    return told, (*news, *of_peers, *answers)


def differs(report: EntryReport, said: EntryReport | None) -> bool:
    """Whether it is worth saying at once; what strangers can make grow is not."""
    return said is None or replace(report, ignored=said.ignored) != said


def _epoch(state: State) -> int:
    return state.order.epoch if state.order else 0


def _answers(before: State, event: Change, policy: Policy) -> list[Action]:
    """What becomes of a wish, if this was one."""
    if not isinstance(event, Requested):
        return []
    error = refusal(before.outlook, before.inquiry, event.verb, policy.home)
    transaction = event.request.transaction
    response = Response(transaction=transaction, ok=not error, error=error)
    return [SayResponse(event.verb, response)]


def _tell_leak(before: State, after: State, event: Change) -> list[Action]:
    """A leak that stood before this life is no event of it, but told on."""
    was, leak = before.outlook.leak, after.outlook.leak
    if leak is None:
        return [ForgetLeak()] if was else []
    if was is not None:
        return []
    told_on = SayLeak(leak.why)
    if isinstance(event, LeakHeard):
        return [told_on]
    kind = EntryEventKind.LEAK
    return [told_on, SayEvent(kind, _epoch(after), _exit(after), why=leak.why)]


def _tell_gate(before: State, after: State) -> list[Action]:
    if before.gate is after.gate or before.said is None:
        return []  # what a predecessor left is no news
    kind = (
        EntryEventKind.GATE_OPENED
        if after.gate is Gate.OPEN
        else EntryEventKind.GATE_CLOSED
    )
    return [SayEvent(kind, _epoch(after))]


def _tell_hop(before: State, after: State, event: Change) -> list[Action]:
    was = before.hop.address if before.hop else None
    now = after.hop.address if after.hop else None
    if was == now or before.said is None:
        return []
    moved = SayEvent(
        EntryEventKind.MOVED,
        _epoch(after),
        _exit(before),
        _exit(after),
        outage_ms=outage_ms(before, after, event),
    )
    left = before.carrier
    if now and left and left.address != now and _failed(after, left):
        return [ForgetFlows(), moved]
    return [moved]


def _failed(state: State, left: Hop) -> bool:
    """Whether what was left carries no traffic, as far as anybody knows."""
    exits = state.order.exits if state.order else ()
    hop = next((one for one in exits if one.address == left.address), None)
    return hop is None or not hop.usable or health(state, hop) is Health.DOWN


def _tell_paths(before: State, after: State, event: Change) -> list[Action]:
    """What was measured, as often as it is; what is measured no more goes."""
    gone = before.paths.keys() - after.paths.keys()
    news: list[Action] = [ForgetPath(name) for name in sorted(gone)]
    if isinstance(event, PathSeen) and after.paths.get(event.exit) is event.report:
        news.append(SayPath(event.exit, event.report))
    elif isinstance(event, Ordered | Surveyed):
        news += [SayPath(name, after.paths[name]) for name in impossible(after)]
    return news


def _exit(state: State) -> str | None:
    """The exit that carries the traffic; None: nobody, or nobody knows its name."""
    return (state.hop.exit or None) if state.hop else None


def report_of(state: State, policy: Policy) -> EntryReport:
    """The present as the bus shall have it, but for its stamp."""
    device, leak = state.device, state.outlook.leak
    seen = present(state.outlook, state.inquiry)
    return EntryReport(
        epoch=_epoch(state),
        gate=state.gate,
        active=_exit(state),
        wireguard=device.kind if device else "",
        public_key=device.public_key if device else "",
        listen_port=device.listen_port if device else None,
        mtu_bytes=device.mtu_bytes if device else None,
        firewall=state.firewall,
        peers=len(policy.peers),
        cause="; ".join(_causes(state)),
        walked=state.walk is not None and not state.walk.found,
        ignored=sum(state.ignored.values()),
        public_address=str(seen.address) if seen else "",
        leak=leak.why if leak else "",
    )


def _causes(state: State) -> list[str]:
    """Why the order could not be obeyed in full."""
    if state.order is None:
        left = state.hop
        return (
            [f"no order yet; traffic goes via {left.address} as before"] if left else []
        )
    bridge = "" if state.bridge_up else "the device towards the exits is down"
    causes = (destination(state)[1], state.gate_cause, state.hop_cause, bridge)
    return [cause for cause in causes if cause]
