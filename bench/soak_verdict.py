"""Whether what an agent holds stays the same over thousands of reconnects. Pure.

The first fifth is warming up: caches fill, memory is asked for once. From the second
fifth to the last one nothing may grow by more than the tolerance. Compared is the least
of each fifth's samples: what is held at rest, for many fall into a reconnect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

# What may grow by how much: a second attempt may just be under way, and the allocator
# keeps pages that are only partly in use.
TOLERANCE: Final = {"files": 2, "tasks": 3, "blocks": 2_000, "resident_kib": 2048}
# Their heads and widths in the table.
COLUMNS: Final = {
    "files": ("files", 14),
    "tasks": ("tasks", 14),
    "blocks": ("blocks", 20),
    "resident_kib": ("memory KiB", 18),
}
FIFTHS: Final = 5
FEWEST: Final = 2 * FIFTHS


@dataclass(frozen=True, slots=True)
class Sample:
    """What an agent holds at a moment: files and sockets, tasks, memory.

    Attributes:
        blocks: Pieces of memory that Python's objects have: what leaks shows here
            first, and exactly.
    """

    reconnects: int
    files: int
    tasks: int
    blocks: int
    resident_kib: int


@dataclass(frozen=True, slots=True)
class Growth:
    """How one thing has changed from the second fifth to the last."""

    first: float
    last: float
    tolerance: float

    @property
    def flat(self) -> bool:
        """Whether it has not grown beyond what is tolerated."""
        return self.last - self.first <= self.tolerance


@dataclass(frozen=True, slots=True)
class Verdict:
    """One agent's; `growths`: keys as in `TOLERANCE`, none: too few samples."""

    reconnects: int
    growths: Mapping[str, Growth]

    @property
    def flat(self) -> bool:
        """Whether all is flat, and enough was seen to say so."""
        return bool(self.growths) and all(one.flat for one in self.growths.values())


def judge(samples: Sequence[Sample]) -> Verdict:
    """The verdict on the samples of one agent, in the order of time."""
    if len(samples) < FEWEST:
        return Verdict(samples[-1].reconnects if samples else 0, {})
    size = len(samples) // FIFTHS
    early, late = samples[size : 2 * size], samples[-size:]
    growths = {
        name: Growth(_least(early, name), _least(late, name), tolerance)
        for name, tolerance in TOLERANCE.items()
    }
    return Verdict(samples[-1].reconnects, growths)


def _least(samples: Sequence[Sample], name: str) -> float:
    return float(min(asdict(one)[name] for one in samples))


def table(verdicts: Mapping[str, Verdict], what: str) -> str:
    """For a person: each agent's line."""
    head = "".join(f"{words:>{width}}" for words, width in COLUMNS.values())
    lines = [f"{'':12}{what:>12}{head}"]
    for name, verdict in verdicts.items():
        cells = [f"{name:12}", f"{verdict.reconnects:12}"]
        for key, (_, width) in COLUMNS.items():
            growth = verdict.growths.get(key)
            told = f"{growth.first:g} -> {growth.last:g}" if growth else "?"
            cells.append(f"{told:>{width}}")
        lines.append(f"{''.join(cells)}  {'flat' if verdict.flat else 'NOT FLAT'}")
    most = ", ".join(f"{name} {most:g}" for name, most in TOLERANCE.items())
    return "\n".join([*lines, f"may grow from the second fifth to the last: {most}"])
