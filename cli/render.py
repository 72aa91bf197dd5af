"""What is heard on the bus, in words for a person. Pure.

`what` says what matters and is the same as long as nothing new was said; numbers that
change all the time are in `detail`.
"""

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from bus.commands import Enable, Mode, Request, Response
from bus.interface import BusDown, BusUp, Forgotten, Heard, Received
from bus.messages.containers import ContainerEvent, ContainerReport
from bus.messages.entries import EntryEvent, EntryReport, LeakReport, PeerReport
from bus.messages.exits import ExitEvent, ExitEventKind, ExitReport, Stage
from bus.messages.home import HomeChain, HomeEvent, HomeExit
from bus.messages.orders import Decision, DecisionKind, History, Move, Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence, Status
from bus.messages.telemetry import Telemetry
from cli.line import Line, Mood, joined
from cli.render_containers import container_line
from cli.render_entry import entry_line, way
from cli.render_home import home_line
from cli.words import clock, milliseconds, size, span


def line_of(heard: Heard) -> Line:
    """What was heard, in words."""
    match heard:
        case BusUp():
            return Line("broker", "connected", Mood.GOOD)
        case BusDown():
            return Line("broker", "the connection is lost", Mood.BAD)
        case Forgotten(topic, levels):
            name = topic.name(**levels)
            return Line("/".join(levels.values()), f"is gone ({name})", Mood.WORRYING)
        case Received(topic, levels, payload):
            who = next(iter(levels.values()), topic.writer)
            line = _line_of_payload(who, levels, payload)
            return line or Line(who, topic.name(**levels), detail=repr(payload))
        case _:
            assert_never(heard)


def _line_of_payload(
    who: str, levels: Mapping[str, str], payload: object
) -> Line | None:
    """None: there are no words for it."""
    line = None
    match payload:
        case Presence() | Telemetry():
            line = _agent(who, payload)
        case ExitReport() | ExitEvent():
            line = _exit(who, payload)
        case Order() | Decision() | Mode() | History():
            line = _coordinator(who, payload)
        case EntryReport() | EntryEvent() | LeakReport() | PeerReport() | PathReport():
            line = entry_line(who, levels, payload)
        case Request() | Response():
            line = _request(who, levels["verb"], payload)
        case ContainerReport() | ContainerEvent():
            line = container_line(who, payload)
        case HomeChain() | HomeExit() | HomeEvent() | Enable():
            line = home_line(who, payload)
        case _:
            pass
    return line


def _agent(who: str, said: Presence | Telemetry) -> Line:
    if isinstance(said, Presence):
        return _presence(who, said)
    lost = said.dropped or said.malformed
    mood = Mood.WORRYING if lost else Mood.NEUTRAL
    return Line(who, "its process takes", mood, joined(_of_process(said)), said.at)


def _of_process(said: Telemetry) -> Iterable[str]:
    yield f"{size(said.memory_bytes)} of memory"
    yield f"{said.cpu_s:.2f} s of processor time"
    yield f"{said.open_files} open files"
    yield f"{said.tasks} tasks"
    yield f"{said.queued} messages queued" if said.queued else ""
    yield f"{said.dropped} messages dropped" if said.dropped else ""
    yield f"{said.malformed} messages malformed" if said.malformed else ""


def _presence(who: str, said: Presence) -> Line:
    match said.status:
        case Status.ONLINE:
            kind = " ".join(part for part in (said.role, said.version) if part)
            what = f"is online ({kind})" if kind else "is online"
            return Line(who, what, Mood.GOOD, at=said.at)
        case Status.STOPPED:
            return Line(who, "stopped in good order", Mood.WORRYING, at=said.at)
        case Status.OFFLINE:
            # Written when it connected, so its time says nothing.
            return Line(who, "vanished", Mood.BAD)
        case _:
            assert_never(said.status)


# --- exits ----------------------------------------------------------------------------

STAGES: Final = {
    Stage.DOWN: "down",
    Stage.IKE: "IKE is up",
    Stage.IPSEC: "ESP is installed",
    Stage.L2TP: "the L2TP call is up",
    Stage.PPP: "ppp0 is up, no probe came back",
    Stage.READY: "ready: traffic passes",
}


def _exit(who: str, said: ExitReport | ExitEvent) -> Line:
    if isinstance(said, ExitEvent):
        return _exit_event(who, said)
    what = STAGES[said.stage]
    if said.cause:
        what += f" ({said.cause})"
    if said.permanent:
        what += "; somebody has to act"
    mood = {Stage.READY: Mood.GOOD, Stage.DOWN: Mood.BAD}.get(said.stage, Mood.WORRYING)
    return Line(who, what, mood, joined(_of_exit(said)), said.at)


def _of_exit(said: ExitReport) -> Iterable[str]:
    """What else an exit says about itself."""
    yield f"server {said.server}" if said.server else ""
    yield f"as {said.tunnel_address}" if said.tunnel_address else ""
    yield f"mtu {said.mtu_bytes}" if said.mtu_bytes else ""
    yield f"rtt {milliseconds(said.rtt_ms)}" if said.rtt_ms is not None else ""
    yield f"loss {said.loss_ratio:.0%}" if said.loss_ratio else ""
    yield f"attempt {said.attempt}" if said.attempt > 1 else ""
    yield f"next at {clock(said.retry_at)}" if said.retry_at is not None else ""


def _exit_event(who: str, said: ExitEvent) -> Line:
    took = "" if said.duration_s is None else f" after {span(said.duration_s)}"
    cause = f": {said.cause}" if said.cause else ""
    match said.kind:
        case ExitEventKind.STAGE:
            what = f"{said.before} -> {said.after}{took}{cause}"
            mood = Mood.GOOD if said.after is Stage.READY else Mood.NEUTRAL
            return Line(who, what, mood, at=said.at)
        case ExitEventKind.FAILED:
            what = f"the attempt failed at {said.before}{took}{cause}"
            return Line(who, what, Mood.WORRYING, at=said.at)
        case ExitEventKind.LOST:
            what = f"the tunnel is lost{took}{cause}"
            return Line(who, what, Mood.BAD, at=said.at)
        case _:
            assert_never(said.kind)


# --- the coordinator ------------------------------------------------------------------

# {0} is the exit before, {1} the one after.
DECISIONS: Final = {
    DecisionKind.GATE_OPENED: ("opens the gate through {1}", Mood.GOOD),
    DecisionKind.GATE_CLOSED: ("closes the gate", Mood.BAD),
    DecisionKind.FAILOVER: ("moves the clients from {0} to {1}", Mood.TELLING),
    DecisionKind.FAILBACK: ("returns the clients from {0} to {1}", Mood.TELLING),
    DecisionKind.EXHAUSTED: ("holds the clients' traffic, {0} was the last", Mood.BAD),
    DecisionKind.RESUMED: ("lets the clients go on through {1}", Mood.GOOD),
    DecisionKind.RANKED: ("ranks the standbys behind {1} anew", Mood.NEUTRAL),
    DecisionKind.ADOPTED: ("goes on with {1}", Mood.TELLING),
    DecisionKind.MOVED: ("moves the clients from {0} to {1}", Mood.TELLING),
}


def _coordinator(who: str, said: Order | Decision | Mode | History) -> Line:
    if isinstance(said, History):
        last = f"the last at {clock(said.moves[-1].at)}" if said.moves else ""
        return Line(who, f"remembers {len(said.moves)} moves", detail=last, at=said.at)
    if isinstance(said, Mode):
        what = f"chooses by mode {said.choice}" + (f" {said.exit}" if said.exit else "")
        drained = f"drained: {', '.join(said.drained)}" if said.drained else ""
        return Line(who, what, detail=drained, at=said.at)
    if isinstance(said, Order):
        mood = Mood.NEUTRAL if said.active else Mood.WORRYING
        what = f"order {said.epoch}: {way(said.gate, said.active)}"
        standbys = [hop.exit for hop in said.exits if hop.exit != said.active]
        then = f"then {', '.join(standbys)}" if standbys else ""
        return Line(who, what, mood, joined((then, said.reason)), said.at)
    return line_of_decision(said, who)


def line_of_decision(said: Decision | Move, who: str = "coordinator") -> Line:
    """A decision, or a move that history remembers, in words."""
    words, mood = DECISIONS[said.kind]
    what = words.format(said.before or "none", said.after or "none")
    outage_ms = said.outage_ms if isinstance(said, Move) else None
    outage = "" if outage_ms is None else f"outage {milliseconds(outage_ms)}"
    detail = joined((f"order {said.epoch}", outage))
    return Line(who, f"{what}: {said.reason}", mood, detail, said.at)


# --- requests -------------------------------------------------------------------------


def _request(who: str, verb: str, said: Request | Response) -> Line:
    if isinstance(said, Request):
        whom = said.exit or said.agent or said.peer
        what = f"is asked to {verb} {whom}".rstrip()
        return Line(who, what, Mood.TELLING, said.transaction)
    if said.ok:
        return Line(who, f"{verb}: granted", Mood.GOOD, said.transaction)
    return Line(who, f"{verb}: refused: {said.error}", Mood.BAD, said.transaction)
