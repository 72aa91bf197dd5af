"""How a target answers, and so how it is asked: pure.

An echo request is the cheapest way, and where providers filter it there are others.
What is kept is the way that works; once it works no more it is forgotten, so that all
ways are tried again. Times (`..._s`) are seconds of the shell's monotonic clock.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# As long as nothing answers, then this often all ways are tried; longer than any answer
# may take (`round_trip.LONGEST_TIMEOUT_S`), so that what is under way counts.
TRY_AFTER_S: Final = 3.0
TRY_EVERY_S: Final = 1.0
FORGET_AFTER: Final = 3  # in vain; one alone may have been lost


class Method(StrEnum):
    """How a target is asked."""

    ICMP = "icmp"
    DNS = "dns"
    TLS = "tcp/443"
    TCP = "tcp/53"


@dataclass(slots=True)
class Habit:
    """How one target answers.

    Attributes:
        method: The way that is answered; None: not at all so far, or no more.
        silent_s: When it was asked first since the last answer by that way; None: it
            has answered since.
        in_vain: How often it was asked since.
        tried_s: When all ways were tried last; None: never.
    """

    method: Method | None = None
    silent_s: float | None = None
    in_vain: int = 0
    tried_s: float | None = None

    def methods(self, at_s: float) -> tuple[Method, ...]:
        """How to ask it now: now and then all ways, until echoes are answered."""
        if self.silent_s is None:
            self.silent_s = at_s
        silent = at_s - self.silent_s >= TRY_AFTER_S
        if silent and self.in_vain >= FORGET_AFTER:
            self.method = None
        self.in_vain += 1
        wanted = silent if self.method is None else self.method is not Method.ICMP
        if wanted and self._is_due(at_s):
            self.tried_s = at_s
            return tuple(Method)
        return (self.method or Method.ICMP,)

    def answers(self, method: Method) -> None:
        """The first way that works is kept; an echo is cheaper than any other."""
        if self.method is None or method is Method.ICMP:
            self.method = method
        if method is self.method:
            self.silent_s, self.in_vain = None, 0

    def _is_due(self, at_s: float) -> bool:
        return self.tried_s is None or at_s - self.tried_s >= TRY_EVERY_S
