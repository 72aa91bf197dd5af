"""A path on a simulated wire: probes go out, answers come back, or do not."""

import heapq
import itertools
from collections.abc import Callable

from agents.entry.detector import advance, answered, wake_at_s, watch
from agents.entry.path_model import Path, Profile
from bus.messages.paths import Health

# When a probe to a target is sent: how long its answer takes; None: there is none.
Network = Callable[[float, str], float | None]


class Wire:
    """Time passes from one thing that happens to the next."""

    def __init__(self, network: Network, profile: Profile, *targets: str) -> None:
        self.network = network
        self.profile = profile
        self.now_s = 0.0
        self.path: Path = watch(targets or ("1.1.1.1", "9.9.9.9"), 0.0)
        self.healths: list[tuple[float, Health]] = []
        self.sent: list[tuple[float, str]] = []
        self._answers: list[tuple[float, int, int, float]] = []
        self._order = itertools.count()

    def until(self, end_s: float) -> "Wire":
        """Lives until then."""
        while True:
            wake_s = wake_at_s(self.path)
            answer_s = self._answers[0][0] if self._answers else float("inf")
            if min(wake_s, answer_s) > end_s:
                self.now_s = end_s
                return self
            if answer_s <= wake_s:
                self._hear()
            else:
                self._wake(wake_s)

    def until_it_is(self, health: Health, within_s: float = 60.0) -> float:
        """When its health became that, from now on."""
        end_s = self.now_s + within_s
        while self.path.health is not health:
            assert self.now_s < end_s, f"never {health}"
            self.until(min(end_s, self.now_s + 1e-3))
        return self.healths[-1][0]

    def stalls(self, for_s: float, *, deaf: bool = False) -> "Wire":
        """We do not run for a while; answers are taken in first afterwards.

        `deaf`: last, as those are that come over sockets of their own.
        """
        self.now_s += for_s
        if deaf and wake_at_s(self.path) <= self.now_s:
            self._wake(self.now_s)
        while self._answers and self._answers[0][0] <= self.now_s:
            self._hear(self.now_s)
        if wake_at_s(self.path) <= self.now_s:
            self._wake(self.now_s)
        return self

    def _wake(self, at_s: float) -> None:
        self.now_s = at_s
        self.path, sends = advance(self.path, at_s, self.profile)
        self._note()
        for send in sends:
            self.sent.append((at_s, send.target))
            rtt_s = self.network(at_s, send.target)
            if rtt_s is not None:
                answer = (at_s + rtt_s, next(self._order), send.number, rtt_s)
                heapq.heappush(self._answers, answer)

    def _hear(self, at_s: float | None = None) -> None:
        answer_s, _, number, rtt_s = heapq.heappop(self._answers)
        self.now_s = answer_s if at_s is None else at_s
        self.path = answered(self.path, number, rtt_s, self.now_s, self.profile)
        self._note()

    def _note(self) -> None:
        health = self.path.health
        if not self.healths or self.healths[-1][1] is not health:
            self.healths.append((self.now_s, health))

    @property
    def downs(self) -> int:
        return sum(health is Health.DOWN for _, health in self.healths)


def steady(rtt_s: float = 0.005) -> Network:
    """Every probe is answered, in the same time."""
    return lambda _at_s, _target: rtt_s


def dead(_at_s: float, _target: str) -> None:
    """Nothing comes back."""
