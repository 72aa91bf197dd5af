"""What the coordinator says: its order, and each decision."""

from dataclasses import dataclass
from enum import StrEnum

from bus.messages.stamp import Stamp
from bus.names import ID


class Gate(StrEnum):
    """Whether WireGuard runs at the entry."""

    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """An exit as the entry needs to know it: its name, its address on the bridge.

    Attributes:
        usable: Clients' traffic may be given to it, as far as the coordinator knew.
        dns: Resolvers that can be asked through it, as its provider named them.
    """

    exit: str
    address: str
    usable: bool = True
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Stamp):
    """What the entry shall do.

    Attributes:
        epoch: Grows with each order, up to 2**52, then begins at 1 again; the newer of
            two is obeyed, and which one that is `bus/epochs.py` says.
        gate: Whether WireGuard shall run.
        active: Who carries the clients' traffic; None: nobody, it is blocked.
        exits: Best first, the active one at the head; whom to try next is for an entry
            that has lost coordinator or bus.
        reason: Why this order replaced the one before.
    """

    epoch: int
    gate: Gate
    active: str | None = None
    exits: tuple[Hop, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        """ValueError for a name that no exit can have: it becomes part of topics."""
        _check_names(self.active, *(hop.exit for hop in self.exits))


class DecisionKind(StrEnum):
    """What kind of decision the coordinator took."""

    GATE_OPENED = "gate-opened"
    GATE_CLOSED = "gate-closed"
    FAILOVER = "failover"  # the active exit failed, another carries on
    FAILBACK = "failback"  # a better exit has settled
    EXHAUSTED = "exhausted"  # no exit is left; clients' traffic is held
    RESUMED = "resumed"  # an exit came back after none was left
    RANKED = "ranked"  # only the ranking of the standbys changed
    ADOPTED = "adopted"  # a restarted coordinator took the present over
    MOVED = "moved"  # somebody asked for it: a mode was set, an exit is drained


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision of the coordinator, as it is told to the world."""

    kind: DecisionKind
    at: float
    epoch: int
    before: str | None
    after: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A decision that changed who carries, as history remembers it.

    Attributes:
        outage_ms: How long clients had no way, as the entry measured; None: it has not
            said so, or nothing was lost.
    """

    kind: DecisionKind
    at: float
    epoch: int
    before: str | None
    after: str | None
    reason: str
    outage_ms: float | None = None

    def __post_init__(self) -> None:
        """ValueError for a name that no exit can have: it would be said again."""
        _check_names(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Stamp):
    """The last moves, oldest first; as many as fit, the oldest are forgotten."""

    moves: tuple[Move, ...] = ()


def _check_names(*names: str | None) -> None:
    for name in names:
        if name is not None and not ID.fullmatch(name):
            raise ValueError("names of exits of [a-z0-9-]")
