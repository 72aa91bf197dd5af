"""What a story is, and where the stories begin.

A step is an event and what is said because of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from agents.coordinator.events import Event, Tick
from agents.coordinator.model import Policy, WhenNone
from tests.agents.coordinator.words import connected, down, ordered, ready

Step = tuple[Event, Sequence[str]]

POLICY: Final = Policy(exits=("a", "b"))
PATIENT: Final = replace(POLICY, stale_s=1000.0)
CLOSE: Final = replace(POLICY, when_none=WhenNone.CLOSE)

NOTHING: Final = ()


@dataclass(frozen=True, slots=True)
class Story:
    steps: Sequence[Step]
    policy: Policy = POLICY


# A chain that stands: both exits ready, a active, order 1 said at 10 s.
STANDING: Final[Sequence[Step]] = (
    (connected(), NOTHING),
    (ready(1.0, "a"), NOTHING),
    (ready(1.0, "b"), NOTHING),
    (Tick(3.0), ("order 1: open a (a b)", "gate-opened - > a")),
    (ready(10.0, "a"), NOTHING),
    (ready(10.0, "b"), NOTHING),
)
# The same after a failed at 10 s.
ON_B: Final[Sequence[Step]] = (
    *STANDING,
    (down(10.0, "a"), ("order 2: open b (b a!)", "failover a > b")),
)
# The same after both failed.
HELD: Final[Sequence[Step]] = (
    *ON_B,
    (down(11.0, "b"), ("order 3: open - (a! b!)", "exhausted b > -")),
)
# A coordinator that has just taken over order 7 of a predecessor, a being active.
TAKEN_OVER: Final[Sequence[Step]] = (
    (connected(), NOTHING),
    (ordered(0.1, 7, "a"), ("order 7: open a (a b)", "adopted - > a")),
)
