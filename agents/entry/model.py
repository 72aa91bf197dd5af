"""The words of the entry: what it knows, what it may do; `events` has what it hears.

Values only. Times called `..._s` are of the shell's monotonic clock, `..._at` are
Unix seconds, as people have them. Words of one thing alone stand in
`path_model`, `peer_model` and `control_plane`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Final

from agents.entry.control_plane import Control
from agents.entry.peer_model import Peer, PeerName
from agents.entry.public_address import Inquiry, Outlook
from agents.entry.verdict import Verdict
from agents.neighbours import USUAL, Neighbours
from bus.commands import Response
from bus.messages.entries import EntryEventKind, EntryReport, PeerReport
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import PathReport

DEVICE: Final = "wg0"
TABLE: Final = 200  # routes of what comes from clients
NEXT_HOP: Final = 200  # the object that their default route follows
RULE_PRIORITY: Final = 1000
ACTIVE_METRIC: Final = 100


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers and choices that the rules go by.

    Attributes:
        retry_s: How long after a failure the same is tried again.
        report_every_s: How often the present is said though nothing changed; a reader
            may take longer silence for absence.
        leak_check: Whether a service is asked where clients are seen.
        home: Networks in which they must never be seen.
    """

    peers: tuple[PeerName, ...] = ()
    handshake_timeout_s: float = 180.0
    show_endpoints: bool = False
    show_keys: bool = False
    retry_s: float = 5.0
    report_every_s: float = 10.0
    leak_check: bool = False
    home: tuple[IPv4Network, ...] = ()


# --- what is known --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Device:
    """wg0 as it stands; `kind`: "kernel" or "userspace"."""

    kind: str
    public_key: str
    listen_port: int
    mtu_bytes: int


@dataclass(frozen=True, slots=True)
class Walk:
    """Where the entry went by itself, and why.

    Attributes:
        back_s: Since when the coordinator is there again; None: it is not.
        found: A predecessor left it so, and why is unknown: it was on its own, or there
            is a new order since.
    """

    hop: Hop
    cause: str
    back_s: float | None = None
    found: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The present as the entry knows it.

    Attributes:
        order: The one obeyed; None: none was heard in this life.
        ignored: How many orders were not obeyed, by the reason.
        neighbours: Where an exit can be.
        control: Whether there is somebody to obey.
        paths: What was measured through the exits of the order, by their names.
        watched: Exits that are being measured; None: nothing was asked for.
        walk: Where the entry went without being told; None: it obeys.
        device: wg0; None: it does not exist, the gate is closed.
        hop: Where the clients' next hop points; its exit is empty while only the
            address is known (left by a predecessor); None: blocked.
        carrier: The last hop that was not blocked; None: none in this life.
        wayless_s: Since when clients have no way though the gate is open; None: they
            have one, or it is not known.
        gating: The gate that was asked for and has not answered yet.
        pointing: The next hop that was asked for and has not answered yet.
        opened_s: When the gate last answered.
        gate_retry_s: When to ask for the gate again after a failure.
        hop_retry_s: The same for the next hop.
        peers: By public key.
        outlook: Where clients are seen from outside, and whether they should be.
        inquiry: What a service is being asked about that; None: nothing.
    """

    order: Order | None = None
    ignored: Mapping[Verdict, int] = field(default_factory=dict)
    neighbours: Neighbours = USUAL
    control: Control = field(default_factory=Control)
    paths: Mapping[str, PathReport] = field(default_factory=dict)
    watched: tuple[Hop, ...] | None = None
    walk: Walk | None = None
    device: Device | None = None
    hop: Hop | None = None
    carrier: Hop | None = None
    wayless_s: float | None = None
    bridge_up: bool = True
    firewall: str = ""
    gating: "OpenGate | CloseGate | None" = None
    pointing: "Point | None" = None
    gate_cause: str = ""
    hop_cause: str = ""
    opened_s: float = 0.0
    gate_retry_s: float | None = None
    hop_retry_s: float | None = None
    peers: Mapping[str, Peer] = field(default_factory=dict)
    outlook: Outlook = field(default_factory=Outlook)
    inquiry: Inquiry | None = None
    said: EntryReport | None = None
    said_s: float = 0.0

    @property
    def gate(self) -> Gate:
        """The gate as it stands."""
        return Gate.OPEN if self.device else Gate.CLOSED


# --- actions: wanted states -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Let wg0 be there, with the keys and peers of wg0.conf."""


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Let there be no wg0."""


@dataclass(frozen=True, slots=True)
class Point:
    """Let the clients' traffic go there; None: nowhere."""

    hop: Hop | None


@dataclass(frozen=True, slots=True)
class SayReport:
    """Tell the present of the entry."""

    report: EntryReport


@dataclass(frozen=True, slots=True)
class SayEvent:
    """Tell what happened; `before` and `after` name exits, `peer` a peer.

    `outage_ms`: how long clients had no way until they were moved; None: unknown.
    `why` is for the log.
    """

    kind: EntryEventKind
    epoch: int
    before: str | None = None
    after: str | None = None
    peer: str = ""
    outage_ms: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class SayPeer:
    """Tell the present of one peer."""

    peer: str
    report: PeerReport


@dataclass(frozen=True, slots=True)
class ForgetPeer:
    """Take the report of a peer back that wg0.conf no longer has."""

    peer: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Let the paths through these exits be measured, and no other."""

    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class SayPath:
    """Tell what is known of the path through this exit."""

    exit: str
    report: PathReport


@dataclass(frozen=True, slots=True)
class ForgetPath:
    """Take the report of a path back that is measured no more."""

    exit: str


@dataclass(frozen=True, slots=True)
class Inquire:
    """Let this be asked of the service, now and then; None: nothing."""

    inquiry: Inquiry | None


@dataclass(frozen=True, slots=True)
class SayLeak:
    """Tell who comes after us that a leak stands."""

    why: str


@dataclass(frozen=True, slots=True)
class ForgetLeak:
    """Take that back."""


@dataclass(frozen=True, slots=True)
class SayResponse:
    """Tell somebody what became of a wish."""

    verb: str
    response: Response


@dataclass(frozen=True, slots=True)
class ForgetFlows:
    """Let the clients' connections begin anew: they hung on an exit that failed."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """An order is not obeyed; the reason is for the log."""

    reason: str


Saying = (
    SayReport
    | SayEvent
    | SayPeer
    | ForgetPeer
    | SayPath
    | ForgetPath
    | SayLeak
    | ForgetLeak
    | SayResponse
)
Action = OpenGate | CloseGate | Point | Watch | Inquire | ForgetFlows | Ignore | Saying
