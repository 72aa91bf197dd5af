"""What the entry may hear. Values only; `at_s`: of the shell's monotonic clock."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from agents.entry.control_plane import BusConnected, BusLost, CoordinatorSaid, ModeSet
from agents.entry.model import Device, Point
from agents.entry.peer_model import PeerSeen
from agents.entry.public_address import Inquiry
from agents.neighbours import Neighbours
from bus.commands import Request
from bus.messages.exits import ExitReport
from bus.messages.orders import Order
from bus.messages.paths import PathReport


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a predecessor left, found at the start; `via`: its next hop's address."""

    at_s: float
    device: Device | None
    via: str | None
    firewall: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """The host's addresses and routes say where on the bridge no exit can be."""

    at_s: float
    neighbours: Neighbours


@dataclass(frozen=True, slots=True)
class Ordered:
    """The coordinator said an order; not `live`: the broker remembered it."""

    at_s: float
    order: Order
    live: bool = True


@dataclass(frozen=True, slots=True)
class GateStands:
    """The gate's answer: what stands now, and why not what was asked for, if so."""

    at_s: float
    device: Device | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """wg0 is gone, and we did not ask for that."""

    at_s: float


@dataclass(frozen=True, slots=True)
class HopStands:
    """The next hop's answer to `asked`; with a cause: clients are blocked instead.

    `silent_s`: how long the path that was left had not answered; 0: it did, None:
    nobody measured it.
    """

    at_s: float
    asked: Point
    cause: str = ""
    silent_s: float | None = None


@dataclass(frozen=True, slots=True)
class BridgeChanged:
    """The device towards the exits; going down it takes the next hop along."""

    at_s: float
    up: bool


@dataclass(frozen=True, slots=True)
class Polled:
    """Time has passed, and this is what WireGuard says of its peers; None: nothing."""

    at_s: float
    wall_at: float
    peers: tuple[PeerSeen, ...] | None = None


@dataclass(frozen=True, slots=True)
class PeerHeard:
    """The broker remembers a report of ours about this peer."""

    at_s: float
    peer: str


@dataclass(frozen=True, slots=True)
class PathSeen:
    """What the probes say of the path through this exit."""

    at_s: float
    exit: str
    report: PathReport


@dataclass(frozen=True, slots=True)
class PathHeard:
    """The broker remembers a report of ours about this path."""

    at_s: float
    exit: str


@dataclass(frozen=True, slots=True)
class ExitHeard:
    """An exit has just said this of itself; what a broker remembers does not count."""

    at_s: float
    exit: str
    report: ExitReport


@dataclass(frozen=True, slots=True)
class AddressSeen:
    """A service in the internet says where clients come from."""

    at_s: float
    asked: Inquiry
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class LeakHeard:
    """The broker remembers that a leak stood; a life of ours said so."""

    at_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody wants something of this entry."""

    at_s: float
    verb: str
    request: Request


Event = (
    Adopted
    | Surveyed
    | BusConnected
    | BusLost
    | CoordinatorSaid
    | ModeSet
    | PathSeen
    | PathHeard
    | Ordered
    | GateStands
    | DeviceLost
    | HopStands
    | BridgeChanged
    | Polled
    | PeerHeard
    | ExitHeard
    | AddressSeen
    | LeakHeard
    | Requested
)
