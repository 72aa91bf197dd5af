"""The words of a path: how it is watched, and what is known of it. Values only.

Times (`..._s`) are seconds of the shell's monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from agents.round_trip import UNMEASURED, RoundTrip
from agents.settings_model import DEGRADED_LOSS, DEGRADED_RTT_MS
from bus.messages.paths import Health

FIRST_PEAK_S: Final = 0.2  # until a path has shown how calm it is
PEAK_SHARE: Final = 1.25


@dataclass(frozen=True, slots=True)
class Profile:
    """How hard a path is watched.

    Attributes:
        interval_s: Between probes while all is well, and while the path is down.
        floor_s: The least time an answer is given.
        burst: Probes that confirm a miss, over all targets; with a random loss of p the
            chance of taking it for silence is p to the power of burst + 1.
        spacing_s: Between the probes of a burst.
        recover: Answers in a row after which a path that was down is up.
        calms_s: In which time half of the longest round trip is forgiven.
        quorum: Targets that must answer for the path to be up.
        loss_ratio: From here on the path counts as degraded; until half of it again.
        rtt_ms: The same for its smoothed round trip.
    """

    interval_s: float = 0.1
    floor_s: float = 0.02
    burst: int = 6
    spacing_s: float = 0.003
    recover: int = 5
    calms_s: float = 10.0
    quorum: int = 1
    loss_ratio: float = DEGRADED_LOSS
    rtt_ms: float = DEGRADED_RTT_MS


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "normal": Profile(),
        "fast": Profile(
            interval_s=0.01, floor_s=0.006, spacing_s=0.001, recover=20, calms_s=2.0
        ),
        "quiet": Profile(interval_s=1.0, floor_s=0.05, spacing_s=0.01, recover=3),
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of each exit's path.

    Attributes:
        targets: Those that decide.
        advisory: Those that are only told of, once a second each.
    """

    profile: Profile
    targets: tuple[str, ...]
    advisory: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A probe that has had no answer yet; `missed` once its time was over.

    `spared`: it was given more time because we ourselves were held up.
    """

    target: str
    sent_s: float
    due_s: float
    burst: bool = False
    missed: bool = False
    spared: bool = False


@dataclass(frozen=True, slots=True)
class Burst:
    """A miss being confirmed: probes left to send, and who has answered since."""

    left: int
    next_s: float
    answered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """One target: its misses in a row, and when it was last asked."""

    address: str
    misses: int = 0
    asked_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Path:
    """What is known of one path.

    Attributes:
        targets: Those that decide.
        since_s: When the present health began.
        next_s: When the next probe is to be sent.
        number: Of the last probe sent.
        open: Probes without an answer, by number.
        burst: The miss that is being confirmed; None: there is none.
        streak: Answers in a row while the path is down.
        heard: Targets that answered in that streak.
        rounds: Number and fate (True: lost) of the last probes outside bursts.
        peak_s: The longest round trip lately, fading.
        peak_at_s: When it was last brought up to date.
    """

    targets: tuple[Target, ...]
    health: Health = Health.UNKNOWN
    since_s: float = 0.0
    next_s: float = 0.0
    number: int = 0
    open: Mapping[int, Sent] = field(default_factory=lambda: MappingProxyType({}))
    burst: Burst | None = None
    streak: int = 0
    heard: frozenset[str] = frozenset()
    rounds: tuple[tuple[int, bool], ...] = ()
    round_trip: RoundTrip = UNMEASURED
    peak_s: float = FIRST_PEAK_S
    peak_at_s: float = 0.0

    @property
    def loss_ratio(self) -> float | None:
        """Probes lost among those remembered, 0..1; None before the first verdict."""
        if not self.rounds:
            return None
        return sum(lost for _, lost in self.rounds) / len(self.rounds)

    @property
    def mute(self) -> bool:
        """Whether answers are missed now: it is down, or about to be found so."""
        return self.health is Health.DOWN or self.burst is not None

    def timeout_s(self, profile: Profile) -> float:
        """How long an answer may take now."""
        return self.round_trip.timeout_s(max(profile.floor_s, PEAK_SHARE * self.peak_s))


@dataclass(frozen=True, slots=True)
class Send:
    """Send this probe now."""

    number: int
    target: str


def cause_of(path: Path) -> str:
    """Why the path is not up, for people; empty if it is."""
    if path.health is Health.UNKNOWN:
        return "not measured yet"
    if path.health is Health.DOWN:
        return f"no answer from {', '.join(one.address for one in path.targets)}"
    if path.health is Health.DEGRADED:
        rtt_ms = (path.round_trip.smoothed_s or 0.0) * 1e3
        return f"{path.loss_ratio or 0.0:.0%} lost, round trip {rtt_ms:.0f} ms"
    return ""
