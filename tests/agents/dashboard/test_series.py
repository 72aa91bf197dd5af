"""Measurements over time: means, gaps, bounds."""

from agents.dashboard.series import COLUMNS, Ring, Track


def test_a_row_is_the_mean_of_its_step() -> None:
    ring = Ring(5, 10)

    for at, value in ((100.0, 10.0), (104.9, 20.0), (105.0, 40.0)):
        ring.add(at, 0, value)

    assert ring.columns()[:2] == [[100.0, 105.0], [15.0, 40.0]]


def test_old_rows_are_forgotten() -> None:
    ring = Ring(1, 3)

    for at in range(10):
        ring.add(float(at), 0, float(at))

    assert ring.columns()[0] == [7.0, 8.0, 9.0]


def test_a_gap_is_marked_so_that_no_line_crosses_it() -> None:
    ring = Ring(5, 10)

    ring.add(0.0, 0, 1.0)
    ring.add(100.0, 0, 2.0)

    assert ring.columns()[:2] == [[0.0, 5.0, 100.0], [1.0, None, 2.0]]


def test_every_row_has_every_column() -> None:
    ring = Ring(5, 10)
    ring.add(0.0, 2, 1.0)
    assert [len(column) for column in ring.columns()] == [1] * (len(COLUMNS) + 1)


def test_counters_become_bits_a_second() -> None:
    track = Track()

    track.counted(0.0, 0, 0)
    track.counted(5.0, 5000, 500)

    *_, received, sent = track.hour.columns()
    assert (received, sent) == ([8000.0], [800.0])


def test_a_counter_that_began_anew_is_no_throughput() -> None:
    track = Track()

    track.counted(0.0, 5000, 5000)
    track.counted(5.0, 10, 10)
    assert track.hour.columns()[0] == []

    track.counted(10.0, 1010, 10)
    assert track.hour.columns()[3] == [1600.0]


def test_a_tunnel_that_was_gone_is_counted_from_its_return() -> None:
    track = Track()

    track.counted(0.0, 1000, 1000)
    track.counted(5.0, None, None)
    track.counted(60.0, 9000, 9000)

    assert track.hour.columns()[0] == []


def test_a_clock_that_went_back_writes_no_past() -> None:
    ring = Ring(5, 10)

    ring.add(100.0, 0, 1.0)
    ring.add(50.0, 0, 3.0)

    assert ring.columns()[:2] == [[100.0], [2.0]]
