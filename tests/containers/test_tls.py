"""compose.tls.yaml: whoever speaks on the bus sees the authority that signed it."""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from cli import chainfiles
from tests.containers.dockerd import run
from tests.containers.images import ROOT
from tests.needs import COMPOSE, need

INSIDE: Final = Path("/opt/vpnchain")


def sees(service: dict[str, Any], file: Path) -> bool:
    """Whether this file of the chain's folder is where its container looks for it."""
    mounted = {Path(one["target"]): Path(one["source"]) for one in service["volumes"]}
    wanted = {INSIDE / one: ROOT / one for one in (file, *file.parents)}
    return any(mounted.get(inside) == outside for inside, outside in wanted.items())


@pytest.fixture
def agents() -> dict[str, dict[str, Any]]:
    """Every service that runs an agent, as Compose reads both files together."""
    if not COMPOSE.exists():
        need(f"needs {COMPOSE}: lab/setup.sh brings it")
    files = ("-f", "compose.yaml", "-f", "compose.tls.yaml", "--profile", "*")
    argv = [str(COMPOSE), *files, "config", "--format", "json"]
    services = json.loads(run(argv, os.environ, cwd=ROOT))["services"]
    return {
        name: service
        for name, service in services.items()
        if "VPNCHAIN_NAME" in (service.get("environment") or {})
    }


def test_every_agent_sees_the_authority(agents: dict[str, dict[str, Any]]) -> None:
    assert {"wireguard", "l2tp-ipsec", "coordinator", "metrics"} <= agents.keys()
    assert [name for name, one in agents.items() if not sees(one, chainfiles.CA)] == []


def test_none_but_those_with_the_whole_folder_see_what_else_is_there(
    agents: dict[str, dict[str, Any]],
) -> None:
    seeing = [name for name, one in agents.items() if sees(one, chainfiles.WG_CONF)]
    assert seeing == ["wireguard"]
