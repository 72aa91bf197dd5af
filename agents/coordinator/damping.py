"""How much an exit is trusted that fails again and again. Pure.

Each failure is a penalty of one, which fades by half-lives. Beyond a limit nobody
returns to the exit until enough has faded: routers damp flapping routes in the same way
(RFC 2439). Traffic that has nowhere better to go is given to it all the same.
"""

import math
from dataclasses import replace
from typing import Final

from agents.coordinator.model import Exit, Policy

MOST: Final = 4.0  # times the limit: two half-lives later all is forgiven


def struck(exit_: Exit, at_s: float, policy: Policy) -> Exit:
    """The exit after one more failure."""
    half_lives = (at_s - exit_.struck_s) / policy.damp_half_life_s
    penalty = 1.0 + exit_.penalty * 0.5**half_lives
    penalty = min(penalty, MOST * policy.damp_limit)
    excess = penalty / policy.damp_limit
    until_s = at_s + policy.damp_half_life_s * math.log2(excess)  # past if below 1
    return replace(exit_, penalty=penalty, struck_s=at_s, suppressed_until_s=until_s)


def suppressed(exit_: Exit, at_s: float) -> bool:
    """Whether the exit has failed too often lately to be returned to."""
    return at_s < exit_.suppressed_until_s
