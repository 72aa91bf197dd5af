"""Shells complete commands, options and exits."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.needs import need, tool

ROOT: Final = Path(__file__).parents[2]
VPNCHAIN: Final = f'#!/bin/sh\nexec {sys.executable} -m cli "$@"\n'

# Typing in bash what a person types, TAB at the end of the words.
BASH: Final = """\
source <(vpnchain completion bash)
COMP_WORDS=({words}) COMP_CWORD={last}
_vpnchain_completion vpnchain
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """PATH with the command as it is installed."""
    command = tmp_path / "vpnchain"
    command.write_text(VPNCHAIN)
    command.chmod(0o755)
    return f"{tmp_path}:/usr/bin:/bin"


def completed(path: str, line: str) -> set[str]:
    if tool("bash") is None:
        need("needs bash")
    words = line.split(" ")
    script = BASH.format(
        words=" ".join(word or "''" for word in words), last=len(words) - 1
    )
    env = {"PATH": path, "VPNCHAIN_COORDINATOR_EXITS": "exit-a,exit-b,other"}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("vpnchain st", {"status"}),
        ("vpnchain drain exit", {"exit-a", "exit-b"}),
        ("vpnchain request re", {"reconnect", "restart"}),
        ("vpnchain completion z", {"zsh"}),
        ("vpnchain status --js", {"--json"}),
    ],
)
def test_bash_completes(path: str, line: str, words: set[str]) -> None:
    assert completed(path, line) == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "completion", shell],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert f"_VPNCHAIN_COMPLETE={shell}_complete" in done.stdout
