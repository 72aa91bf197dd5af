"""What an entry says of itself, its peers and paths, in words for a person. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from bus.messages.entries import (
    EntryEvent,
    EntryEventKind,
    EntryReport,
    LeakReport,
    PeerReport,
)
from bus.messages.orders import Gate
from bus.messages.paths import Health, PathReport
from cli.line import Line, Mood, joined
from cli.words import clock, milliseconds, size

EntrySaid = EntryReport | EntryEvent | LeakReport | PeerReport | PathReport


def way(gate: Gate, active: str | None) -> str:
    """Where the clients' traffic goes."""
    if gate is Gate.CLOSED:
        return "gate closed"
    return f"gate open, through {active}" if active else "gate open, traffic held"


def entry_line(who: str, levels: Mapping[str, str], said: EntrySaid) -> Line:
    """An entry's present or that of what it looks after, or what happened there."""
    match said:
        case EntryReport():
            return _entry(who, said)
        case PeerReport():
            what = f"peer {said.name} is " + (
                "connected" if said.connected else "not connected"
            )
            mood = Mood.GOOD if said.connected else Mood.NEUTRAL
            return Line(who, what, mood, joined(_of_peer(said)), said.at)
        case EntryEvent():
            return _event(who, said)
        case LeakReport():
            return Line(who, f"a leak stands: {said.why}", Mood.BAD, at=said.at)
        case PathReport():
            return _path(who, levels["exit"], said)
        case _:
            assert_never(said)


def _entry(who: str, said: EntryReport) -> Line:
    what = f"obeys order {said.epoch}: {way(said.gate, said.active)}"
    if said.leak:
        what = f"{way(said.gate, said.active)}; a leak stands: {said.leak}"
    if said.cause:
        what += f" ({said.cause})"
    return Line(who, what, _mood(said), joined(_of_entry(said)), said.at)


def _mood(said: EntryReport) -> Mood:
    if said.leak:
        return Mood.BAD
    passes = said.gate is Gate.OPEN and said.active
    return Mood.GOOD if passes and not said.cause else Mood.WORRYING


def _of_entry(said: EntryReport) -> Iterable[str]:
    """What else an entry says about itself."""
    yield f"{said.wireguard} WireGuard" if said.wireguard else ""
    yield f"port {said.listen_port}" if said.listen_port else ""
    yield f"mtu {said.mtu_bytes}" if said.mtu_bytes else ""
    yield f"{said.peers} peers" if said.peers else ""
    yield f"seen as {said.public_address}" if said.public_address else ""


def _of_peer(said: PeerReport) -> Iterable[str]:
    """What else is known of a peer."""
    yield f"handshake {clock(said.handshake_at)}" if said.handshake_at else ""
    if said.received_bytes or said.sent_bytes:
        yield f"{size(said.received_bytes)} in, {size(said.sent_bytes)} out"
    yield f"from {said.endpoint}" if said.endpoint else ""


HEALTH: Final = {
    Health.UNKNOWN: Mood.NEUTRAL,
    Health.UP: Mood.GOOD,
    Health.DEGRADED: Mood.WORRYING,
    Health.DOWN: Mood.BAD,
}


def _path(who: str, exit_: str, said: PathReport) -> Line:
    cause = f" ({said.cause})" if said.cause else ""
    what = f"the path through {exit_} is {said.health}{cause}"
    return Line(who, what, HEALTH[said.health], joined(_of_path(said)), said.at)


def _of_path(said: PathReport) -> Iterable[str]:
    """What was measured on a path."""
    yield f"rtt {milliseconds(said.rtt_ms)}" if said.rtt_ms is not None else ""
    yield f"jitter {milliseconds(said.jitter_ms)}" if said.jitter_ms is not None else ""
    yield f"loss {said.loss_ratio:.0%}" if said.loss_ratio else ""
    for target, rtt_ms in said.advisory_ms.items():
        yield f"to {target} {milliseconds(rtt_ms)}"


def _event(who: str, said: EntryEvent) -> Line:
    before, after = said.before or "none", said.after or "none"
    match said.kind:
        case EntryEventKind.GATE_OPENED:
            what, mood = "wg0 is up", Mood.GOOD
        case EntryEventKind.GATE_CLOSED:
            what, mood = "wg0 is gone", Mood.WORRYING
        case EntryEventKind.MOVED:
            what, mood = f"the next hop moved from {before} to {after}", Mood.TELLING
        case EntryEventKind.PEER_CONNECTED:
            what, mood = f"peer {said.peer} connected", Mood.GOOD
        case EntryEventKind.PEER_GONE:
            what, mood = f"peer {said.peer} is gone", Mood.WORRYING
        case EntryEventKind.LEAK:
            what, mood = "clients were seen around the tunnels: gate closed", Mood.BAD
        case _:
            assert_never(said.kind)
    lost = "" if said.outage_ms is None else f"outage {milliseconds(said.outage_ms)}"
    obeyed = f"order {said.epoch}" if said.epoch else ""
    return Line(who, what, mood, joined((obeyed, lost)), said.at)
