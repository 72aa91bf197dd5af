"""How long an answer usually takes, and how long it may take: values only.

As TCP waits for an acknowledgement. Source: RFC 6298 2.
"""

from dataclasses import dataclass
from typing import Final

FIRST_TIMEOUT_S: Final = 1.0  # before any answer
LONGEST_TIMEOUT_S: Final = 2.0  # TCP has a minute: it need not judge a path
_GAIN: Final = 1 / 8
_DEVIATION_GAIN: Final = 1 / 4
_DEVIATIONS: Final = 4


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The usual round trip of a path.

    Attributes:
        smoothed_s: None before the first answer.
        deviation_s: How far from it a round trip usually is.
    """

    smoothed_s: float | None = None
    deviation_s: float = 0.0

    def after(self, rtt_s: float) -> "RoundTrip":
        """The estimate with one more round trip."""
        if self.smoothed_s is None:
            return RoundTrip(rtt_s, rtt_s / 2)
        off_s = rtt_s - self.smoothed_s
        more_s = _DEVIATION_GAIN * (abs(off_s) - self.deviation_s)
        return RoundTrip(self.smoothed_s + _GAIN * off_s, self.deviation_s + more_s)

    def timeout_s(self, least_s: float = 0.0) -> float:
        """How long an answer may take: `least_s` once there was one, if not more."""
        if self.smoothed_s is None:
            return FIRST_TIMEOUT_S
        usual_s = self.smoothed_s + _DEVIATIONS * self.deviation_s
        return min(max(least_s, usual_s), LONGEST_TIMEOUT_S)


UNMEASURED: Final = RoundTrip()
