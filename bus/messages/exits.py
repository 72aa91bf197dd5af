"""What an exit says: how far its tunnel has come, and what happened to it."""

from dataclasses import dataclass, field
from enum import StrEnum

from bus.messages.stamp import Stamp


class Stage(StrEnum):
    """How far an exit's tunnel has come; each stage includes those before it."""

    DOWN = "down"
    IKE = "ike"  # the server and we trust each other
    IPSEC = "ipsec"  # ESP is installed both ways
    L2TP = "l2tp"  # the server took the call
    PPP = "ppp"  # ppp0 is up and has an address
    READY = "ready"  # a probe came back through ppp0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitReport(Stamp):
    """The present of one exit.

    Attributes:
        stage: How far the tunnel has come.
        since: When this stage was reached.
        address: The exit's address on the bridge: the next hop of clients' traffic.
        cause: Why it is not ready, in words for a person; empty if nothing is wrong.
        permanent: The cause will not go away by itself (a wrong password, say).
        planned: It is down because somebody wanted it so: a reconnect, a stop.
        retry_at: When the next attempt begins; None while one is under way.
        attempt: Attempts since it was last ready, the present one included.
        preset: The proposals that the server took, or that are being tried.
        server: The provider's address that was dialled.
        tunnel_address: The address that the provider gave to ppp0.
        dns: The provider's resolvers.
        mtu_bytes: What fits through ppp0.
        took_s: Keys: stages passed in the present attempt; values: seconds each took.
        rtt_ms: Latest round trip of the probe through ppp0.
        loss_ratio: Probes lost among the last ones, 0..1.
        received_bytes: What came out of ppp0 since it exists, renewed every few
            seconds; None: there is none, or it has only just come.
        sent_bytes: What went into it.
    """

    stage: Stage
    since: float
    address: str = ""
    cause: str = ""
    permanent: bool = False
    planned: bool = False
    retry_at: float | None = None
    attempt: int = 0
    preset: str = ""
    server: str = ""
    tunnel_address: str = ""
    dns: tuple[str, ...] = ()
    mtu_bytes: int | None = None
    took_s: dict[str, float] = field(default_factory=dict)
    rtt_ms: float | None = None
    loss_ratio: float | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None


class ExitEventKind(StrEnum):
    """What can happen to an exit."""

    STAGE = "stage"  # a stage was reached, or fallen back to
    FAILED = "failed"  # an attempt ended without a tunnel
    LOST = "lost"  # a tunnel that was ready is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitEvent:
    """Something happened to an exit.

    Attributes:
        duration_s: How long the step took, or how long the lost tunnel had been ready.
    """

    kind: ExitEventKind
    at: float
    before: Stage
    after: Stage
    duration_s: float | None = None
    cause: str = ""
