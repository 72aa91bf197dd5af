"""What the ends of a link's connections tell when taken together. Pure.

A single end is nothing special, whoever restarts a broker makes one. Said here is what
repeats, and once only: until the link has held for a while. Times are seconds of the
monotonic clock.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

CALM_S: Final = 60.0  # twice the longest pause between attempts
FLAPPING: Final = 5  # connections that broke within so many seconds
FLAPPING_S: Final = 60.0
TAKEN: Final = "another client of our name takes our place"
# mosquitto 2.0 does not say whom it lets in instead of us.
FLAPS: Final = "it flaps: is there another client of our name?"


@dataclass(slots=True)
class Endings:
    """The ends so far, and what has been said of them."""

    _up_s: float | None = None
    _taken_over: bool = False
    _breaks_s: deque[float] = field(default_factory=lambda: deque(maxlen=FLAPPING))
    _said: set[str] = field(default_factory=set)

    def up(self, at_s: float) -> None:
        """A connection is there."""
        self._up_s, self._taken_over = at_s, False

    def taken_over(self) -> None:
        """The broker has given its session to another client of our identifier."""
        self._taken_over = True

    def ended(self, at_s: float) -> str:
        """An attempt is over; what is to be said of it, mostly nothing: empty."""
        if self._up_s is None:
            return ""  # nothing came of it, which is no break
        if at_s - self._up_s >= CALM_S:
            self._breaks_s.clear()
            self._said.clear()
        self._up_s = None
        self._breaks_s.append(at_s)
        if self._taken_over:
            return self._once(TAKEN)
        if len(self._breaks_s) < FLAPPING or at_s - self._breaks_s[0] > FLAPPING_S:
            return ""
        return self._once(FLAPS)

    def _once(self, what: str) -> str:
        if what in self._said:
            return ""
        self._said.add(what)
        return what
