"""Every payload that crosses the bus: values, no behaviour; here what all states carry.

Three kinds, and their kind decides how they travel:

- *State*: the whole present of one thing, retained. A duplicate is harmless, a newer
  one replaces it. Carries a `Stamp`, so that a reader can tell a live writer from a
  retained echo of a dead one.
- *Event*: something that happened once. Never retained: an old event is a lie.
- *Command*: a wish with a transaction id; those stand in `bus/commands.py`.

Fields are only ever added, with a default; unknown ones are ignored in states and
events and refused in commands. Times are Unix seconds of the writer's clock, for
people; whoever decides measures age by the monotonic clock of its own.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Which life of which process wrote this, when, and as which message of that life.

    Filled in by the link when the value is published; `at` 0: said by a will.
    """

    at: float = 0.0
    boot: str = ""
    seq: int = 0
