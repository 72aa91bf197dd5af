"""From rounds to rows."""

import pytest

from bench.failover.episode import Quiet, Round
from bench.failover.figures import Record, Row, percentile, rows, table
from bench.failover.flow import Passage

WAYS = ("10.200.1.2", "10.200.2.2")


def passage(gap_ms: float, lost: int, ways: tuple[str, ...] = WAYS) -> Passage:
    return Passage(1000, lost, gap_ms, 1.0, ways, {})


def found(fault: str, gap_ms: float, lost: int) -> Round:
    return Round(fault, True, passage(gap_ms, lost), passage(1.5, 0), 0.5)


def never(fault: str) -> Round:
    return Round(fault, False, passage(1.0, 5000, WAYS[:1]), None, None)


def record(*rounds: Round) -> Record:
    return Record("ours", list(rounds), [], [], {})


def row_of(made: list[Row], fault: str) -> Row:
    return next(one for one in made if one.fault == fault)


def test_a_fault_has_median_p95_and_worst_of_its_own_rounds() -> None:
    seen = record(found("F1", 4, 2), found("F1", 6, 3), found("F2", 90, 89))

    row = row_of(rows(seen, ("F1", "F2")), "F1")

    assert (row.n, row.median_ms, row.p95_ms, row.max_ms) == (2, 5, 5.9, 6)
    assert (row.lost_median, row.lost_max, row.back_s) == (2.5, 3, 0.5)


def test_a_round_without_a_way_out_counts_but_makes_no_figure() -> None:
    row = row_of(rows(record(found("F1", 4, 2), never("F1")), ("F1",)), "F1")

    assert (row.n, row.never, row.max_ms, row.lost_max) == (2, 1, 4, 2)


def test_no_way_out_at_all_leaves_the_figures_unknown() -> None:
    made = rows(record(never("F2")), ("F2",))

    assert row_of(made, "F2").median_ms is None
    assert "1 never" in table(made)


def test_every_return_counts_as_failback() -> None:
    seen = record(found("F1", 4, 2), found("F2", 90, 89), never("F4"))

    row = row_of(rows(seen, ("F1", "F2", "F4")), "failback")

    assert (row.n, row.median_ms, row.lost_median) == (2, 1.5, 0)


def test_more_than_one_change_of_way_is_said() -> None:
    flapped = passage(9, 2, (*WAYS, WAYS[0], WAYS[1]))
    seen = record(Round("F1", True, flapped, None, None))

    assert row_of(rows(seen, ("F1",)), "F1").moves == 2


def test_a_quiet_time_tells_moves_and_costs() -> None:
    seen = record()
    seen.quiet.append(Quiet(passage(3, 0, WAYS[:1]), 60.0, 1200, 1.5))

    row = row_of(rows(seen, ("S1",)), "S1")

    assert (row.moves, row.probes_per_s, row.cpu_percent) == (0, 20, 2.5)
    assert "0 moves" in table([row])


def test_rounds_that_came_to_nothing_are_not_hidden() -> None:
    seen = record()
    seen.errors["F3"] = 2

    assert row_of(rows(seen, ("F1", "F3")), "F3").errors == 2


def test_what_was_not_tried_has_no_row() -> None:
    assert rows(record(), ("F1", "S1", "planned")) == []


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 2.5), (1.0, 4.0)])
def test_a_percentile_lies_between_its_neighbours(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value
