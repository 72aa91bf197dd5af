"""What belongs to a chain is never committed; what belongs to the repository stays."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from cli import chainfiles
from cli.__main__ import main
from tests.cli.test_init import made
from tests.needs import ROOT, need, tool

LEFT_BESIDE: Final = (
    *("config/wg0.conf.before-restore", "config/vpnchain.toml.before-restore-2"),
    *("config/.wg0.conf.0123456789ab", "config/wireguard/wg0.conf"),
    *("config/laptop_private.key", "config/lab.example.toml.before-restore"),
    *("secrets/.restore-0123456789ab-vpn_password.txt", ".env"),
    *("secrets/vpn_password.txt.before-restore", "config/wg0.conf.example~"),
)
CLIENTS: Final = (
    *("config/lab-client.conf", "config/phone.png", "config/phone.svg"),
    *("laptop.conf", "tablet.png"),
)
BACKUPS: Final = ("backup/chain", "chain.backup", "config/chain.backup")


def git(folder: Path, *words: str) -> str:
    """What it says, whatever this machine's own configuration is."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    argv = ["git", "-C", str(folder), *words]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=env)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one with our .gitignore, in which one works."""
    if tool("git") is None:
        need("needs git")
    git(tmp_path, "init", "-q")
    shutil.copy(ROOT / ".gitignore", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*words: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output


def test_nothing_that_our_commands_write_would_be_committed(repository: Path) -> None:
    made(repository, "--tls")
    for number, out in enumerate(CLIENTS):
        ran("peer", "add", f"client{number}", "--out", out)
    for file in BACKUPS:
        ran("backup", file)

    assert (repository / chainfiles.CA_KEY).exists()
    seen = git(repository, "status", "--porcelain", "--untracked-files=all")
    assert seen.splitlines() == ["?? .gitignore"]


@pytest.mark.parametrize("name", LEFT_BESIDE)
def test_what_is_left_beside_would_not_be_committed(
    repository: Path, name: str
) -> None:
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("secret\n")

    assert git(repository, "check-ignore", name).strip() == name


def test_what_is_in_the_repository_is_not_passed_over() -> None:
    if tool("git") is None or not (ROOT / ".git").exists():
        need("needs git, and the repository itself")
    trusted = ("-c", f"safe.directory={ROOT}")

    lost = git(ROOT, *trusted, "ls-files", "-ci", "--exclude-standard")

    assert lost == ""
