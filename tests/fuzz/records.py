"""How a fuzzer's bytes are read as messages, and messages are written as bytes.

A record is three bytes and a payload: who hears it on which topic, of whom and whether
retained, how much later it comes. Records are parted by three bytes that no JSON has.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

PART: Final = b"\xff\n\xfe"
MOST: Final = 16  # of one input
RETAINED: Final = 0x80
LONGEST_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Record:
    """One message as a fuzzer sees it.

    Attributes:
        topic: Picks a pair of agent and topic, whatever the number.
        whom: Picks the levels that the agent's subscription leaves free.
        pause: 0..255, ever longer.
    """

    topic: int
    whom: int
    pause: int
    raw: bytes
    retained: bool = False

    @property
    def pause_s(self) -> float:
        """How long after the one before."""
        return LONGEST_S * (self.pause / 255) ** 4


def split(data: bytes) -> Iterator[Record]:
    """The records of an input; there is no input that has no sense."""
    for part in data.split(PART)[:MOST]:
        topic, whom, pause = part[:3].ljust(3, b"\0")
        yield Record(topic, whom & ~RETAINED, pause, part[3:], bool(whom & RETAINED))


def join(records: Sequence[Record]) -> bytes:
    """The input that is read as these records."""
    return PART.join(
        bytes((one.topic, one.whom | (RETAINED if one.retained else 0), one.pause))
        + one.raw
        for one in records
    )
