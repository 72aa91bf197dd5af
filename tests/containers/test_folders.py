"""Which folders of the host containers see, and whom `.env` makes Compose speak of."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from tests.containers.dockerd import run
from tests.containers.images import ROOT
from tests.needs import COMPOSE, need

USUAL: Final = {"wireguard", "l2tp-ipsec", "coordinator", "broker"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with compose.yaml alone."""
    if not COMPOSE.exists():
        need(f"needs {COMPOSE}: lab/setup.sh brings it")
    for file in ROOT.glob("compose*.yaml"):
        shutil.copy(file, tmp_path)
    return tmp_path


def services(folder: Path, *words: str) -> dict[str, dict[str, Any]]:
    """Those that Compose speaks of, as it reads them."""
    argv = [str(COMPOSE), *words, "config", "--format", "json"]
    known: dict[str, dict[str, Any]] = json.loads(run(argv, os.environ, cwd=folder))
    return known["services"]


def test_backups_are_seen_by_the_command_alone(folder: Path) -> None:
    seeing: dict[str, list[str]] = {}
    for name, service in services(folder, "--profile", "*").items():
        for mount in service.get("volumes", ()):
            seeing.setdefault(Path(mount["source"]).name, []).append(name)

    assert seeing["backup"] == ["vpnchain"]
    assert sorted(seeing["config"]) == ["vpnchain", "wireguard"]


def test_who_is_named_in_env_is_among_those_that_are_built_and_taken_down(
    folder: Path,
) -> None:
    before = services(folder).keys()
    lines = ("COMPOSE_PROFILES=exit-b,dashboard", "BASE=debian")
    (folder / ".env").write_text("\n".join((*lines, "")))
    after = services(folder)

    assert before == USUAL
    assert after.keys() == {*USUAL, "l2tp-ipsec-b", "dashboard"}
    bases = {one["build"]["args"]["BASE"] for one in after.values()}
    assert bases == {"debian"}


def test_the_page_tells_of_these_lines() -> None:
    page = (ROOT / "docs/containers.md").read_text()

    assert "    COMPOSE_PROFILES=exit-b,dashboard\n    BASE=debian\n" in page
