"""The soak: what it makes of samples, and a short one in earnest."""

import sys

import pytest

from agents.run import ROLES
from bench.soak import soak
from bench.soak_verdict import FEWEST, TOLERANCE, Sample, judge, table

LEFT_BEHIND = 60  # by every second of 200 reconnects, of which three fifths lie between
FLAT = [Sample(n, 10, 12, 90_000, 40_000) for n in range(100)]


def test_what_stays_is_flat() -> None:
    assert judge(FLAT).flat
    assert judge(FLAT).reconnects == 99


@pytest.mark.parametrize("name", TOLERANCE)
def test_what_grows_with_each_reconnect_is_not(name: str) -> None:
    step = {"files": 0.1, "tasks": 0.1, "blocks": 50, "resident_kib": 100}[name]
    base = {"files": 10, "tasks": 12, "blocks": 90_000, "resident_kib": 40_000}
    grown = [
        Sample(n, **{**base, name: base[name] + int(step * n)}) for n in range(100)
    ]

    assert not judge(grown).flat
    assert "NOT FLAT" in table({"exit-a": judge(grown)}, "bus lost")


def test_warming_up_is_no_growth() -> None:
    cold = [Sample(n, 3, 2, 20_000, 10_000) for n in range(20)]

    assert judge([*cold, *FLAT[20:]]).flat


def test_to_reconnect_most_of_the_time_is_no_growth() -> None:
    busy = [Sample(99, 30, 60, 95_000, 40_000)] * 15

    assert judge([*FLAT[:85], *busy]).flat


def test_too_few_samples_prove_nothing() -> None:
    assert not judge(FLAT[: FEWEST - 1]).flat
    assert "?" in table({"exit-a": judge([])}, "bus lost")


@pytest.mark.kernel
@pytest.mark.daemon
async def test_two_hundred_reconnects_leave_nothing_behind() -> None:
    verdicts = await soak("bus", 200)

    assert set(verdicts) == {"exit-a", "exit-b"} | set(ROLES) - {"exit"}
    assert all(one.reconnects >= 200 for one in verdicts.values())
    told = table(verdicts, "bus lost")
    # In a few seconds any sample may fall into a reconnect, and memory tells nothing:
    # `make soak` judges that. What each reconnect leaves would be a hundred by then.
    for one in verdicts.values():
        for name in ("files", "tasks"):
            growth = one.growths[name]
            assert growth.last - growth.first < LEFT_BEHIND, told
    sys.stdout.write(told)
