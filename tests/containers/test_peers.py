"""compose.peers.yaml: the entry may write its wg0.conf, and nothing beside it."""

import json
import os
from typing import Final

import pytest

from tests.containers.dockerd import run
from tests.containers.images import ROOT
from tests.needs import COMPOSE, need

CONFIG: Final = "/opt/vpnchain/config"


@pytest.fixture
def writable() -> dict[str, bool]:
    """Where the entry sees files of the host, and whether it may write there."""
    if not COMPOSE.exists():
        need(f"needs {COMPOSE}: lab/setup.sh brings it")
    files = ("-f", "compose.yaml", "-f", "compose.peers.yaml")
    argv = [str(COMPOSE), *files, "config", "--format", "json"]
    services = json.loads(run(argv, os.environ, cwd=ROOT))["services"]
    mounts = services["wireguard"]["volumes"]
    return {one["target"]: not one.get("read_only", False) for one in mounts}


def test_the_entry_may_write_a_folder_of_its_own_only(
    writable: dict[str, bool],
) -> None:
    assert writable == {CONFIG: False, f"{CONFIG}/wireguard": True}


def test_the_page_says_where_wg0_conf_goes_then() -> None:
    page = (ROOT / "docs/containers.md").read_text()
    assert 'wg_conf = "config/wireguard/wg0.conf"' in page
    assert "compose.peers.yaml" in page
