"""What home automation is told of the chain, where no other topic says it so."""

from dataclasses import dataclass
from enum import StrEnum

from bus.messages.stamp import Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeChain(Stamp):
    """The chain in the few words that a home needs.

    Attributes:
        choice: What people chose: "auto", or the exit that is preferred.
        held: Clients' traffic is held back: nobody carries it, or the gate is closed.
        public_address: What the internet sees clients come from; empty: unknown.
        moves: When the last moves were, oldest first; not all, but those of a day.
        outage_ms: How long clients had no way in the last move; None: unknown.
        problems: What somebody should look at, in words for a person.
    """

    choice: str
    held: bool
    public_address: str = ""
    moves: tuple[float, ...] = ()
    outage_ms: float | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeExit(Stamp):
    """One exit as home automation shows it, beside its own report.

    Attributes:
        enabled: It is not drained.
        received_mbit_s: What comes out of its tunnel, between its last two reports;
            None: there are no two yet, or no tunnel.
        sent_mbit_s: What goes into it.
    """

    enabled: bool
    received_mbit_s: float | None = None
    sent_mbit_s: float | None = None


class HomeEventKind(StrEnum):
    """What of the chain's events matters in a home."""

    GATE_OPENED = "gate-opened"
    GATE_CLOSED = "gate-closed"
    FAILOVER = "failover"
    FAILBACK = "failback"
    EXHAUSTED = "exhausted"
    RESUMED = "resumed"
    MOVED = "moved"
    LEAK = "leak"


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeEvent:
    """A decision of the coordinator, or a leak that an entry saw.

    Attributes:
        before: The exit that carried until now; None: none did.
        after: The exit that carries from now on; None: none does.
    """

    event_type: HomeEventKind
    at: float
    before: str | None = None
    after: str | None = None
    reason: str = ""
