"""Round trips and losses over the last rounds of a probe: values only."""

from dataclasses import dataclass, replace
from math import ceil

from agents.round_trip import UNMEASURED, RoundTrip


@dataclass(frozen=True, slots=True)
class Window:
    """The last rounds of a probe.

    Attributes:
        size: How many rounds are remembered.
        rounds: Number and round trip in ms (None: lost) of each, oldest first.
        rtt_ms: Of the latest answer; None before the first.
    """

    size: int = 60
    rounds: tuple[tuple[int, float | None], ...] = ()
    rtt_ms: float | None = None
    round_trip: RoundTrip = UNMEASURED

    @property
    def loss_ratio(self) -> float | None:
        """Rounds lost among those remembered, 0..1; None before the first."""
        if not self.rounds:
            return None
        lost = sum(1 for _, rtt_ms in self.rounds if rtt_ms is None)
        return lost / len(self.rounds)

    def is_answered(self, number: int) -> bool:
        """Whether this round, if it is remembered, was answered."""
        return any(n == number and rtt_ms is not None for n, rtt_ms in self.rounds)

    def missed(self, number: int) -> "Window":
        """The window with a round lost."""
        return replace(self, rounds=(*self.rounds, (number, None))[-self.size :])

    def answered(self, number: int, rtt_ms: float) -> "Window":
        """The window with a round answered; one that was lost is late instead."""
        others = tuple(one for one in self.rounds if one[0] != number)
        rounds = tuple(sorted((*others, (number, rtt_ms)), key=lambda one: one[0]))
        usual = self.round_trip.after(rtt_ms / 1e3)
        return Window(self.size, rounds[-self.size :], rtt_ms, usual)

    def patience(self, interval_s: float) -> int:
        """Rounds to begin, one each `interval_s`, until one counts as lost; 1 or more.

        Grows with the path's round trip, so that a slow path is not taken for a dead
        one.
        """
        return max(1, ceil(self.round_trip.timeout_s() / interval_s))
