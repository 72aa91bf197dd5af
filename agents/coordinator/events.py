"""What the coordinator may hear, and what it may say. Values only."""

from dataclasses import dataclass

from bus.commands import Mode, Request
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport
from bus.messages.orders import DecisionKind, Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence


@dataclass(frozen=True, slots=True)
class BusConnected:
    """The broker is there; what it retains follows."""

    at_s: float


@dataclass(frozen=True, slots=True)
class BusLost:
    """The broker is away: silence says nothing about anybody."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Overslept:
    """We did not run for a while: what follows first was said in that time."""

    at_s: float


@dataclass(frozen=True, slots=True)
class ExitReported:
    """An exit said its present; `echo`: the broker did, out of its memory."""

    at_s: float
    exit: str
    report: ExitReport
    echo: bool = False


@dataclass(frozen=True, slots=True)
class ExitForgotten:
    """An exit's report was taken back: there is no such exit any more."""

    at_s: float
    exit: str


@dataclass(frozen=True, slots=True)
class PathReported:
    """An entry said how the path through an exit is; `echo`: the broker did."""

    at_s: float
    entry: str
    exit: str
    report: PathReport
    echo: bool = False


@dataclass(frozen=True, slots=True)
class PathForgotten:
    """An entry no longer measures the path through this exit."""

    at_s: float
    entry: str
    exit: str


@dataclass(frozen=True, slots=True)
class PresenceSaid:
    """An agent, of whatever role, came or went; `echo`: it did so long ago."""

    at_s: float
    agent: str
    presence: Presence
    echo: bool = False


@dataclass(frozen=True, slots=True)
class EntryReported:
    """An entry said which order it obeys."""

    at_s: float
    entry: str
    report: EntryReport


@dataclass(frozen=True, slots=True)
class OrderHeard:
    """An order in our own name: the echo of the last one, or a predecessor's."""

    at_s: float
    order: Order


@dataclass(frozen=True, slots=True)
class ModeHeard:
    """A mode in our own name: the echo of the last one, or a predecessor's."""

    at_s: float
    mode: Mode


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants something of us."""

    at_s: float
    verb: str
    request: Request


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened, but `wake_at_s` has come."""

    at_s: float


Event = (
    BusConnected
    | BusLost
    | Overslept
    | ExitReported
    | ExitForgotten
    | PathReported
    | PathForgotten
    | PresenceSaid
    | EntryReported
    | OrderHeard
    | ModeHeard
    | Asked
    | Tick
)


# --- actions --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SayOrder:
    """Let this be the order."""

    order: Order


@dataclass(frozen=True, slots=True)
class SayMode:
    """Let the world know how the active exit is chosen."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class SayDecision:
    """Tell the world what was decided; `before` and `after` name the active exit."""

    kind: DecisionKind
    epoch: int
    before: str | None
    after: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell who asked what became of it; `error` is empty if it was granted."""

    verb: str
    transaction: str
    error: str = ""


Action = SayOrder | SayMode | SayDecision | Answer
