"""What agents cost: told whatever it is, and a failure beyond the goals."""

import json
from pathlib import Path

import pytest

from bench.__main__ import tell
from bench.agents import GOALS, Cost

WITHIN = Cost(*GOALS.values())


def test_what_is_within_the_goals_is_written_and_well(tmp_path: Path) -> None:
    out = tmp_path / "agents.json"

    assert tell({"entry": WITHIN}, "no tunnels", out) == 0
    assert json.loads(out.read_text())["entry"]["resident_mb"] == GOALS["resident_mb"]


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (Cost(2.5, 0, 0), "exit-a: present_s 2.50, at most 1"),
        (Cost(0, 50.25, 0), "exit-a: resident_mb 50.25, at most 45"),
        (Cost(0, 0, 1.5), "exit-a: idle_percent 1.50, at most 1"),
    ],
)
def test_what_is_beyond_a_goal_is_told_with_its_figures_and_fails(
    cost: Cost, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "agents.json"

    assert tell({"entry": WITHIN, "exit-a": cost}, "no tunnels", out) == 1
    told = capsys.readouterr().out
    assert [one for one in told.splitlines() if "BEYOND" in one] == [
        f"BEYOND THE GOAL: {said}"
    ]
    assert json.loads(told.splitlines()[-1]) == json.loads(out.read_text())
