"""From rounds to rows, from rows to a table. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.failover.episode import Quiet, Round
from bench.failover.flow import Passage

FAILBACK: Final = "failback"
PLANNED: Final = "planned"
QUIET: Final = "S1"
STALL_MS: Final = 5.0  # a longer pause of the prober may be part of the gap
_HEAD: Final = (
    "| system | fault | n | gap ms: median | p95 | max | lost: median | max "
    "| probes/s | CPU % | notes |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a system reached on one fault.

    `failback` rows are about the return after any of the faults, `planned` ones about
    moves that were asked for, S1 about a time with nothing wrong.

    Attributes:
        n: Rounds, those without a way out included.
        median_ms: Of the longest gaps between packets that came back; None: there was
            no way out in any round. p95 is interpolated.
        lost_median: Packets, one a millisecond; so the cleaner figure of an outage.
        probes_per_s: Packets by which entry and exits ask whether exits work.
        cpu_percent: Of one core, all of the system's processes.
        moves: Changes of the way that nothing called for.
        never: Rounds without a way out.
        stalls: Rounds in which the prober itself was held up for longer than STALL_MS.
        back_s: Median time from the healing to the first packet by the first exit.
        errors: Rounds that came to nothing.
    """

    system: str
    fault: str
    n: int
    median_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None
    lost_median: float | None = None
    lost_max: int | None = None
    probes_per_s: float | None = None
    cpu_percent: float | None = None
    moves: int = 0
    never: int = 0
    stalls: int = 0
    back_s: float | None = None
    errors: int = 0


@dataclass(slots=True)
class Record:
    """All that was seen of one system; errors: keys: faults."""

    system: str
    rounds: list[Round]
    planned: list[Passage]
    quiet: list[Quiet]
    errors: dict[str, int]


def rows(record: Record, faults: Sequence[str]) -> list[Row]:
    """The rows of one system, in the order of the faults; failback after them."""
    made = [_row_of_fault(record, one) for one in faults if one not in (QUIET, PLANNED)]
    returns = [one.back for one in record.rounds if one.back is not None]
    if returns:
        made.append(_row(record, FAILBACK, returns, {}))
    if record.planned or PLANNED in record.errors:
        made.append(_row(record, PLANNED, record.planned, {}))
    made += [_row_of_quiet(record, one) for one in record.quiet]
    return [one for one in made if one.n or one.errors]


def _row_of_fault(record: Record, fault: str) -> Row:
    rounds = [one for one in record.rounds if one.fault == fault]
    seconds = [one.back_s for one in rounds if one.back_s is not None]
    more: dict[str, float] = {}
    if seconds:
        more["back_s"] = round(statistics.median(seconds), 3)
    never = sum(not one.noticed for one in rounds)
    found = [one.out for one in rounds if one.noticed]
    return _row(record, fault, found, more, never=never)


def _row(
    record: Record,
    fault: str,
    found: Sequence[Passage],
    more: Mapping[str, float],
    never: int = 0,
) -> Row:
    """`found`: the rounds with a way out; a change of way is called for in each."""
    gaps = [one.gap_ms for one in found]
    lost = [one.lost for one in found]
    figures: dict[str, float] = dict(more)
    if found:
        figures |= {
            "median_ms": round(statistics.median(gaps), 1),
            "p95_ms": round(percentile(gaps, 0.95), 1),
            "max_ms": round(max(gaps), 1),
            "lost_median": statistics.median(lost),
        }
    return Row(
        system=record.system,
        fault=fault,
        n=len(found) + never,
        lost_max=max(lost, default=None),
        moves=sum(max(0, one.changes - 1) for one in found),
        never=never,
        stalls=sum(one.pause_ms > STALL_MS for one in found),
        errors=record.errors.get(fault, 0),
        **figures,
    )


def _row_of_quiet(record: Record, quiet: Quiet) -> Row:
    return Row(
        system=record.system,
        fault=QUIET,
        n=1,
        max_ms=round(quiet.flow.gap_ms, 1),
        lost_median=quiet.flow.lost,
        lost_max=quiet.flow.lost,
        probes_per_s=round(quiet.asked / quiet.seconds, 1),
        cpu_percent=round(100 * quiet.busy_s / quiet.seconds, 2),
        moves=quiet.flow.changes,
        stalls=int(quiet.flow.pause_ms > STALL_MS),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies, interpolated between neighbours."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def table(made: Sequence[Row]) -> str:
    """The rows for people, as Markdown."""
    return "\n".join([_HEAD, *map(_line, made)])


def _line(row: Row) -> str:
    figures = (row.median_ms, row.p95_ms, row.max_ms, row.lost_median, row.lost_max)
    cells = [row.system, row.fault, str(row.n), *map(_cell, figures)]
    cells += [_cell(row.probes_per_s), _cell(row.cpu_percent), _notes(row)]
    return f"| {' | '.join(cells)} |"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _notes(row: Row) -> str:
    moves = "moves" if row.fault == QUIET else "moves too many"
    said = {
        f"{row.never} never": row.never,
        f"{row.moves} {moves}": row.moves or row.fault == QUIET,
        f"back after {row.back_s} s": row.back_s,
        f"{row.stalls} stalled": row.stalls,
        f"{row.errors} came to nothing": row.errors,
    }
    return ", ".join(text for text, worth in said.items() if worth)
