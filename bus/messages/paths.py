"""What an entry says of the paths through the exits, measured end to end."""

from dataclasses import dataclass, field
from enum import StrEnum

from bus.messages.stamp import Stamp


class Health(StrEnum):
    """What a path is good for."""

    UNKNOWN = "unknown"  # not measured long enough
    UP = "up"
    DEGRADED = "degraded"  # carries traffic, but beyond a threshold
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathReport(Stamp):
    """The path from an entry through one exit to the targets, measured end to end.

    Attributes:
        since: When this health began.
        rtt_ms: Smoothed round trip to the best target; `jitter_ms`: its deviation.
        loss_ratio: Probes lost over the window, 0..1.
        probes_per_s: What is sent through this exit while nothing is wrong.
        cause: Why it is not up.
        advisory_ms: Round trips of targets that decide nothing; null: no answer.
    """

    health: Health
    since: float
    rtt_ms: float | None = None
    jitter_ms: float | None = None
    loss_ratio: float | None = None
    probes_per_s: float = 0.0
    cause: str = ""
    advisory_ms: dict[str, float | None] = field(default_factory=dict)
