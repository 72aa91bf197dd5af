"""Every branch of the rules of coordinator and exit is taken by a story of theirs."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
LIMIT_S: Final = 300.0  # it takes about three


def imports(file: Path, package: str) -> Iterator[Path]:
    """The files of this package that a file takes something from."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if module.startswith(f"{package}."):
            yield Path(*module.split(".")).with_suffix(".py")


def rules(role: str) -> frozenset[Path]:
    """`decide` and all of the agent's own that it goes by."""
    found: set[Path] = set()
    left = [Path(f"agents/{role}/decide.py")]
    while left:
        if (file := left.pop()) not in found:
            found.add(file)
            left += imports(file, f"agents.{role}")
    return frozenset(found)


def stories(role: str) -> list[str]:
    """The test files of the rules' own, which need no broker and no kernel."""
    files = (Path(f"tests/agents/{role}/test_{rule.stem}.py") for rule in rules(role))
    return sorted(str(file) for file in files if (ROOT / file).exists())


def python(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={name: said for name, said in os.environ.items() if "PYTEST" not in name},
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", ["coordinator", "exit"])
def test_every_branch_of_the_rules_is_taken(role: str, tmp_path: Path) -> None:
    data, include = f"--data-file={tmp_path / 'data'}", ",".join(map(str, rules(role)))
    told = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *stories(role))
    python("coverage", "run", "--branch", data, f"--include={include}", *told)
    python("coverage", "report", data, "--fail-under=100", "--precision=2", "-m")


def test_the_rules_are_found() -> None:
    found = {str(file) for role in ("coordinator", "exit") for file in rules(role)}
    assert {"agents/coordinator/observe.py", "agents/exit/retry.py"} < found
    assert "agents/exit/agent.py" not in found
