"""Short words for stories: events in, and what was said as text out."""

from agents.coordinator.events import (
    Action,
    Answer,
    Asked,
    BusConnected,
    EntryReported,
    ExitReported,
    ModeHeard,
    OrderHeard,
    PathReported,
    PresenceSaid,
    SayDecision,
    SayMode,
    SayOrder,
)
from bus.commands import Choice, Mode, Request
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status


def connected(at_s: float = 0.0) -> BusConnected:
    return BusConnected(at_s)


def address_of(exit_: str) -> str:
    return f"172.20.0.{10 + ord(exit_[0]) - ord('a')}"


def says(
    at_s: float,
    exit_: str,
    stage: Stage,
    *,
    stamp: tuple[str, int] = ("", 0),
    echo: bool = False,
    cause: str = "",
    address: str | None = None,
) -> ExitReported:
    boot, seq = stamp
    where = address_of(exit_) if address is None else address
    report = ExitReport(
        stage=stage, since=0.0, address=where, cause=cause, boot=boot, seq=seq
    )
    return ExitReported(at_s, exit_, report, echo)


def ready(
    at_s: float, exit_: str, *, stamp: tuple[str, int] = ("", 0), echo: bool = False
) -> ExitReported:
    return says(at_s, exit_, Stage.READY, stamp=stamp, echo=echo)


def down(at_s: float, exit_: str, cause: str = "") -> ExitReported:
    return says(at_s, exit_, Stage.DOWN, cause=cause)


def presence(
    at_s: float, agent: str, status: Status, *, boot: str = ""
) -> PresenceSaid:
    return PresenceSaid(at_s, agent, Presence(status=status, boot=boot))


def online(at_s: float, agent: str, *, boot: str = "") -> PresenceSaid:
    return presence(at_s, agent, Status.ONLINE, boot=boot)


def came(
    at_s: float, agent: str, status: Status = Status.ONLINE, *, echo: bool = False
) -> PresenceSaid:
    """An agent that says whose role its name is."""
    return PresenceSaid(at_s, agent, Presence(status=status, role=agent), echo)


def offline(at_s: float, agent: str, *, boot: str = "") -> PresenceSaid:
    return presence(at_s, agent, Status.OFFLINE, boot=boot)


def ends(at_s: float, exit_: str, cause: str = "") -> ExitReported:
    """Its tunnel is taken down because somebody wants it so."""
    report = ExitReport(
        stage=Stage.DOWN,
        since=0.0,
        address=address_of(exit_),
        cause=cause,
        planned=True,
    )
    return ExitReported(at_s, exit_, report)


def stopped(at_s: float, agent: str) -> PresenceSaid:
    return presence(at_s, agent, Status.STOPPED)


def order(epoch: int, gate: Gate, active: str | None, exits: str = "") -> Order:
    hops = tuple(Hop(exit=one, address=address_of(one)) for one in exits.split())
    return Order(epoch=epoch, gate=gate, active=active, exits=hops)


def ordered(
    at_s: float, epoch: int, active: str | None, exits: str = "a b"
) -> OrderHeard:
    return OrderHeard(at_s, order(epoch, Gate.OPEN, active, exits))


def obeys(
    at_s: float, epoch: int, active: str | None, gate: Gate = Gate.OPEN
) -> EntryReported:
    report = EntryReport(epoch=epoch, gate=gate, active=active)
    return EntryReported(at_s, "entry", report)


def walked(at_s: float, epoch: int, active: str | None) -> EntryReported:
    report = EntryReport(epoch=epoch, gate=Gate.OPEN, active=active, walked=True)
    return EntryReported(at_s, "entry", report)


def path(
    at_s: float,
    exit_: str,
    health: Health,
    *,
    stamp: tuple[str, int] = ("", 0),
    echo: bool = False,
    cause: str = "",
    entry: str = "entry",
) -> PathReported:
    boot, seq = stamp
    report = PathReport(health=health, since=0.0, cause=cause, boot=boot, seq=seq)
    return PathReported(at_s, entry, exit_, report, echo)


def carries(at_s: float, exit_: str, entry: str = "entry") -> PathReported:
    return path(at_s, exit_, Health.UP, entry=entry)


def degraded(at_s: float, exit_: str, cause: str = "") -> PathReported:
    return path(at_s, exit_, Health.DEGRADED, cause=cause)


def silent(
    at_s: float, exit_: str, cause: str = "", entry: str = "entry"
) -> PathReported:
    return path(at_s, exit_, Health.DOWN, cause=cause, entry=entry)


def asks(at_s: float, verb: str, exit_: str = "") -> Asked:
    return Asked(at_s, verb, Request(transaction="t", exit=exit_))


def moded(
    at_s: float, choice: Choice = Choice.AUTO, exit_: str = "", drained: str = ""
) -> ModeHeard:
    mode = Mode(choice=choice, exit=exit_, drained=tuple(drained.split()), boot="z")
    return ModeHeard(at_s, mode)


def text(action: Action) -> str:
    """As `order 3: open b (b a!)`, `failover a > b`, `mode prefer b`, `drain: ok`.

    `!`: a is not usable.
    """
    match action:
        case SayOrder(said):
            exits = " ".join(
                hop.exit if hop.usable else f"{hop.exit}!" for hop in said.exits
            )
            return f"order {said.epoch}: {said.gate} {said.active or '-'} ({exits})"
        case SayDecision():
            return f"{action.kind} {action.before or '-'} > {action.after or '-'}"
        case SayMode(mode):
            drained = "".join(f" -{name}" for name in mode.drained)
            return f"mode {f'{mode.choice} {mode.exit}'.strip()}{drained}"
        case Answer(verb, _, error):
            return f"{verb}: {error or 'ok'}"
