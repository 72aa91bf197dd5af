"""A folder with compose.yaml and all files that it wants, as `vpnchain init` writes."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.containers.dockerd import Docker, run
from tests.containers.images import ROOT
from tests.needs import COMPOSE

UNPRIVILEGED: Final = 10001  # who everybody is that need not be root
PSK: Final = "psk-that-nobody-may-see"
PASSWORD: Final = "password-that-nobody-may-see"  # noqa: S105 - of nobody
ACCOUNT: Final = {
    "SERVER_IP": "192.0.2.1",
    "IPSEC_PSK": PSK,
    "USERNAME": "user",
    "PASSWORD": PASSWORD,
}

# This kernel may have no /dev/ppp, and a test has no minute to wait for what hangs.
OVERRIDE: Final = """\
services:
  l2tp-ipsec: {devices: !override ["/dev/net/tun"]}
  l2tp-ipsec-b: {devices: !override ["/dev/net/tun"]}
  coordinator: {environment: {VPNCHAIN_COORDINATOR_RESTART_AFTER_S: "5"}}
"""


@dataclass(frozen=True, slots=True)
class Project:
    """The folder, and the Docker that its containers live in."""

    folder: Path
    docker: Docker
    files: Sequence[str] = ("compose.yaml", "override.yaml")

    def compose(self, *words: str, check: bool = True) -> str:
        """What `docker compose WORDS` says, on both streams."""
        files = [word for file in self.files for word in ("-f", file)]
        profile = [word for name in PROFILES for word in ("--profile", name)]
        argv = [str(COMPOSE), *files, *profile, *words]
        return run(argv, self.docker.environment, cwd=self.folder, check=check)

    def up(self, *services: str) -> None:
        """Starts them; without names all that run for long."""
        named = services or SERVICES
        self.compose("up", "-d", "--no-build", *named)

    def inspect(self, container: str) -> Mapping[str, Any]:
        """What Docker knows of a container."""
        (known,) = json.loads(self.docker("inspect", container))
        found: Mapping[str, Any] = known
        return found

    def secret(self, name: str) -> str:
        """What is in secrets/NAME.txt."""
        return (self.folder / "secrets" / f"{name}.txt").read_text().strip()


PROFILES: Final = (
    *("containers", "dashboard", "exit-b", "homeassistant", "metrics", "tools"),
)
SERVICES: Final = (
    *("wireguard", "l2tp-ipsec", "l2tp-ipsec-b"),
    *("coordinator", "broker", "containers", "socket-proxy", "dashboard"),
    *("metrics", "homeassistant"),
)
TOOL: Final = "vpnchain"  # runs for as long as somebody asks it something


def prepare(folder: Path, docker: Docker) -> Project:
    """The folder as a new operator has it after `vpnchain init`."""
    shutil.copy(ROOT / "compose.yaml", folder)
    (folder / "override.yaml").write_text(OVERRIDE)
    for name in ("config", "secrets", "backup"):
        (folder / name).mkdir()
    project = Project(folder, docker)
    account = [
        f"{before}VPN_{name}={value}"
        for before in ("", "EXIT_B_")
        for name, value in ACCOUNT.items()
    ]
    given = [word for one in account for word in ("-e", one)]
    project.compose(
        *("run", "--rm", "-T", *given, "vpnchain", "init", "--no-ask"),
        *("--exit", "exit-a", "--exit", "exit-b", "--endpoint", "192.0.2.9"),
    )
    return project
