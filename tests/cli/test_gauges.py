"""Samples of exits, and how they are drawn."""

from collections import deque

import pytest

from bus.interface import BusUp, Received
from bus.messages.exits import ExitReport, Stage
from bus.messages.paths import Health, PathReport
from bus.topics import EXIT_STATE, PATH_STATE
from cli.gauges import MISSING, SAMPLES, Flow, Gauges, flow_between, record_of, spark


def counted(at: float, received: int | None, sent: int | None) -> ExitReport:
    return ExitReport(
        stage=Stage.READY,
        since=0.0,
        at=at,
        received_bytes=received,
        sent_bytes=sent,
    )


@pytest.mark.parametrize(
    ("samples", "most", "plot"),
    [
        ([], None, ""),
        ([0.0, 0.0], None, "▁▁"),
        ([1.0, 4.0, 8.0], None, "▂▅█"),
        ([0.0, None, 1.0], 1.0, f"▁{MISSING}█"),
        ([2.0], 1.0, "█"),
        ([None], None, MISSING),
    ],
)
def test_a_plot_has_a_bar_a_sample(
    samples: list[float | None], most: float | None, plot: str
) -> None:
    assert spark(samples, most) == plot


def test_a_dead_path_is_a_gap_and_a_loss_of_all() -> None:
    gauges = Gauges()
    for health in (Health.UP, Health.DOWN):
        said = PathReport(health=health, since=0.0, rtt_ms=3.0, loss_ratio=0.1)
        where = {"entry": "entry", "exit": "exit-a"}
        gauges.hear(Received(PATH_STATE, where, said))

    gauge = gauges.of["exit-a"]
    assert gauge.rtt_ms == deque([3.0, None])
    assert gauge.loss_ratio == deque([0.1, 1.0])


def test_traffic_is_the_difference_of_counters() -> None:
    gauges = Gauges()
    for report in (counted(10.0, 0, 0), counted(15.0, 5000, 500)):
        gauges.hear(Received(EXIT_STATE, {"exit": "exit-a"}, report))

    assert gauges.of["exit-a"].flow == Flow(1000.0, 100.0)
    assert record_of(gauges)["exit-a"]["received_bytes_per_s"] == 1000.0


@pytest.mark.parametrize(
    "after",
    [
        counted(15.0, 10, 5000),  # ppp0 is another one
        counted(15.0, None, None),  # or gone
        counted(10.0, 200, 200),  # said again
    ],
)
def test_what_cannot_be_compared_is_no_traffic(after: ExitReport) -> None:
    assert flow_between(counted(10.0, 100, 100), after) is None


def test_only_the_last_minutes_are_kept() -> None:
    gauges = Gauges()
    said = PathReport(health=Health.UP, since=0.0, rtt_ms=3.0)
    for _ in range(SAMPLES + 5):
        gauges.hear(Received(PATH_STATE, {"entry": "e", "exit": "exit-a"}, said))
    gauges.hear(BusUp())

    assert len(gauges.of["exit-a"].rtt_ms) == SAMPLES
    assert list(gauges.of) == ["exit-a"]
