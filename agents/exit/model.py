"""The words of the exit: its state, what may happen to it, what it may want done.

Values only; what it is busy with stands in `phases.py`. Times (`at_s`, `until_s`, ...)
are seconds of the shell's monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from agents.exit.phases import Phase
from bus.messages.exits import ExitEventKind, Stage


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something did not work, in words for a person.

    Attributes:
        permanent: It will not go away by itself (a wrong password): retry slowly.
        planned: Somebody wanted it so: no failure.
        silent: The server, or the way to it, is silent: it did not hear our end.
    """

    text: str
    permanent: bool = False
    planned: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class PppLink:
    """What the provider gave to ppp0."""

    address: str
    mtu_bytes: int
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All that the exit knows.

    Attributes:
        since_s: When the present stage was reached.
        marked_s: When the attempt last got one step further.
        attempt: Attempts since the tunnel was last ready, the present one included.
        failures: Rounds that failed in a row: they slow the next ones down.
        presets: What is left to try in this round, the present one at the head.
        accepted: The preset that the server took last; empty before the first success.
        fresh_ports: The present (or next) attempt leaves by local ports of its own,
            because the server may still hold something under the usual ones.
        refusal: The first refusal of a proposal in this round.
        took_s: Keys: stages that the attempt passed, in order; values: what each took.
        ipsec_gone: The server ended IPsec under a PPP session that is still up.
        ours: The clients' traffic is led through this exit, and whoever leads it hears
            us.
        detour: Where the kernel leads it if this exit cannot carry it: the address of
            another exit; empty: nowhere; None: as a predecessor left it.
    """

    phase: Phase
    presets: tuple[str, ...]
    stage: Stage = Stage.DOWN
    since_s: float = 0.0
    marked_s: float = 0.0
    attempt: int = 0
    failures: int = 0
    accepted: str = ""
    fresh_ports: bool = False
    cause: Cause | None = None
    refusal: Cause | None = None
    server: str = ""
    link: PppLink | None = None
    took_s: Mapping[Stage, float] = field(default_factory=lambda: MappingProxyType({}))
    ipsec_gone: bool = False
    rtt_ms: float | None = None
    loss_ratio: float | None = None
    ours: bool = False
    detour: str | None = None


# --- events: what happened ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Woke:
    """The moment came for which the state had asked."""

    at_s: float


@dataclass(frozen=True, slots=True)
class ReconnectAsked:
    """Somebody wants a new tunnel now, whatever the present one does."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the coordinator's order is to this exit; see State."""

    at_s: float
    ours: bool
    detour: str


@dataclass(frozen=True, slots=True)
class Unheard:
    """The bus is away: what we say moves nobody."""

    at_s: float


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The agent shall end."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Resolved:
    """The server's address is known."""

    at_s: float
    server: str


@dataclass(frozen=True, slots=True)
class Reached:
    """A daemon says that this much stands: IKE, IPSEC or L2TP."""

    at_s: float
    stage: Stage


@dataclass(frozen=True, slots=True)
class IpsecDown:
    """The IKE association or its ESP is gone."""

    at_s: float


@dataclass(frozen=True, slots=True)
class PppUp:
    """The link ppp0 is up and has an address."""

    at_s: float
    link: PppLink


@dataclass(frozen=True, slots=True)
class Failed:
    """A step of the attempt ended in vain, or what it had built broke.

    Attributes:
        refused: The server did not want these proposals; it may want others.
        vague: Only the outcome was seen; a daemon may say better why it came.
    """

    at_s: float
    cause: Cause
    refused: bool = False
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Probed:
    """A round of probes came to its end.

    Attributes:
        answered: By any target.
        rtt_ms: The latest round trip known; None before the first.
        loss_ratio: Rounds lost among the last ones, 0..1.
    """

    at_s: float
    answered: bool
    rtt_ms: float | None = None
    loss_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing of the attempt is left on this host.

    Attributes:
        clean: The server was told, and knows nothing of us any more either.
        jitter: 0..1, drawn at random by the shell.
        cause: What a daemon said last about the end; None if nothing.
    """

    at_s: float
    clean: bool
    jitter: float = 0.0
    cause: Cause | None = None


Event = (
    Woke
    | ReconnectAsked
    | StopAsked
    | Ordered
    | Unheard
    | Resolved
    | Reached
    | IpsecDown
    | PppUp
    | Failed
    | Probed
    | Closed
)


# --- actions: what is wanted ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepare:
    """Find out what the kernel lacks and resolve the server's name."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Agree IKE and ESP with the server."""

    server: str
    preset: str
    fresh_ports: bool


@dataclass(frozen=True, slots=True)
class Dial:
    """Place the L2TP call and bring PPP up."""

    server: str


@dataclass(frozen=True, slots=True)
class Carry:
    """Lead traffic through ppp0 and probe it."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the attempt: stop its step, tell the server, remove what it built."""


@dataclass(frozen=True, slots=True)
class Reroute:
    """Lead clients' traffic there while ppp0 is not up; empty: nowhere."""

    detour: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the exit reports has changed."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Something happened that the world may want to know."""

    kind: ExitEventKind
    before: Stage
    after: Stage
    duration_s: float | None = None
    cause: str = ""


Action = Prepare | Connect | Dial | Carry | Close | Reroute | Report | Tell
