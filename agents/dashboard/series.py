"""Measurements over time, kept in memory: fine for an hour, coarse for a day. Pure.

A row is the mean of what was measured within its step; where nothing was measured there
is no row, and a null one marks the gap.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

COLUMNS: Final = ("rtt_ms", "loss_ratio", "received_bps", "sent_bps")
HOUR: Final = (5, 720)  # seconds a row, rows
DAY: Final = (60, 1440)
GAP_ROWS: Final = 3  # reports come every 5 s: fewer missing rows are no gap

Row = list[float | None]


@dataclass(slots=True)
class Ring:
    """The last rows of one step.

    Attributes:
        step_s: Seconds that a row stands for.
        length: How many rows are kept.
    """

    step_s: int
    length: int
    _rows: deque[tuple[float, list[tuple[float, int]]]] = field(init=False)

    def __post_init__(self) -> None:
        self._rows = deque(maxlen=self.length)

    def add(self, at: float, column: int, value: float) -> None:
        """Takes one value in; `at` in Unix seconds. The past is not written again."""
        self.begin(at)
        total, count = self._rows[-1][1][column]
        self._rows[-1][1][column] = (total + value, count + 1)

    def begin(self, at: float) -> None:
        """There is a row of this moment, also if nothing is measured in it."""
        start = at // self.step_s * self.step_s
        if not self._rows or start > self._rows[-1][0]:
            self._rows.append((start, [(0.0, 0)] * len(COLUMNS)))

    def columns(self) -> list[Row]:
        """Times first, then one list for each of COLUMNS; None: not measured."""
        table: list[Row] = [[] for _ in range(len(COLUMNS) + 1)]
        before: float | None = None
        for start, sums in self._rows:
            if before is not None and start - before > GAP_ROWS * self.step_s:
                _append(table, before + self.step_s, [None] * len(COLUMNS))
            means = [total / count if count else None for total, count in sums]
            _append(table, start, means)
            before = start
        return table


def _append(table: list[Row], start: float, means: Row) -> None:
    for column, value in zip(table, (start, *means), strict=True):
        column.append(value)


@dataclass(slots=True)
class Track:
    """All that is kept of one exit."""

    hour: Ring = field(default_factory=lambda: Ring(*HOUR))
    day: Ring = field(default_factory=lambda: Ring(*DAY))
    _counted: tuple[float, int, int] | None = None

    def measured(
        self, at: float, *, rtt_ms: float | None, loss_ratio: float | None
    ) -> None:
        """The path was measured; None: not this of it."""
        self._add(at, 0, rtt_ms)
        self._add(at, 1, loss_ratio)

    def silent(self, at: float) -> None:
        """The path is down: its last figures are not those of now."""
        self.hour.begin(at)
        self.day.begin(at)

    def counted(self, at: float, received: int | None, sent: int | None) -> None:
        """So many bytes since ppp0 is up; None: it is not."""
        if received is None or sent is None:
            self._counted = None
            return
        before, self._counted = self._counted, (at, received, sent)
        if before is None or at <= before[0]:
            return
        passed_s = at - before[0]
        if received >= before[1] and sent >= before[2]:  # else it counts anew
            self._add(at, 2, 8 * (received - before[1]) / passed_s)
            self._add(at, 3, 8 * (sent - before[2]) / passed_s)

    def _add(self, at: float, column: int, value: float | None) -> None:
        if value is not None:
            self.hour.add(at, column, value)
            self.day.add(at, column, value)
