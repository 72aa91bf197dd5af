"""`python -m tests.containers.guest.rehearsal DISK`: real tunnels in containers.

In a guest, whose kernel has PPP, L2TP and ESP: a Docker of its own on a disk that was
filled outside. Prints what was seen, one JSON object; ends with 1 if a step failed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from lab.init import MODPROBE
from tests.containers.dockerd import docker, run
from tests.containers.images import ROOT
from tests.containers.project import Project
from tests.needs import tool

MODULES: Final = (
    *("loop", "overlay", "br_netfilter", "xt_addrtype", "xt_nat"),
    "nf_conntrack_netlink",
)
TOOLS: Final = tuple(
    f"{kind}{what}" for kind in ("iptables", "ip6tables") for what in ("", "-restore")
)
FILES: Final = ("compose.yaml", "compose.lab.yaml", "guest.yaml")
SERVICES: Final = (
    *("broker", "coordinator", "wireguard", "l2tp-ipsec", "l2tp-ipsec-b"),
    *("provider-a", "provider-b", "internet", "client"),
)
SEEN: Final = {"198.51.100.11": "provider-a", "198.51.100.12": "provider-b"}
LOGS: Final = ("wireguard-entry", "l2tp-ipsec-exit", "lab-provider-a", "lab-client")
PATIENCE_S: Final = 120.0

# This kernel limits no processor time; and to begin a process in a container takes it
# seconds, in which packets wait: whoever is asked for health every ten, or is believed
# to be dead after one, hides what there is to see.
_SLOW: Final = "cpus: !reset 0, healthcheck: {disable: true}"
_PATIENT: Final = {
    "VPNCHAIN_COORDINATOR_STALE_S": "60",
    "VPNCHAIN_ENTRY_PROBE": "quiet",
    "VPNCHAIN_EXIT_PROBE_INTERVAL_S": "1",
    "VPNCHAIN_EXIT_PROBE_MISSES": "10",
}
_ENVIRONMENT: Final = ", ".join(f'{key}: "{value}"' for key, value in _PATIENT.items())
OVERLAY: Final = "\n".join(
    (
        "services:",
        *(
            f"  {one}: {{{_SLOW}, environment: {{{_ENVIRONMENT}}}}}"
            for one in SERVICES[:5]
        ),
        "",
    )
)


class Rehearsal:
    """The steps, and what they saw."""

    def __init__(self, project: Project) -> None:
        self.seen: dict[str, Any] = {}
        self._project = project
        self._began_s = time.monotonic()

    def run(self) -> None:
        """All steps; AssertionError at the first that fails."""
        docker = self._project.docker
        self._project.compose("down", "-t", "1")  # the disk may know an earlier one
        self._project.up(*SERVICES)
        self.step("up")
        self.left_by("provider-a", "the gate opens, exit-a carries")
        self.seen["healthy"] = sorted(
            name for name in ("wireguard-entry", "l2tp-ipsec-exit") if self.well(name)
        )
        docker("kill", "l2tp-ipsec-exit")
        self.left_by("provider-b", "exit-a is killed, exit-b carries")
        docker("kill", "lab-provider-b")
        self.left_by("", "provider-b is killed too, nobody leaves")
        docker("start", "lab-provider-b")
        self.left_by("provider-b", "provider-b returns")

    def left_by(self, wanted: str, what: str) -> None:
        """Waits until a client's page tells that it left by this provider."""
        until(lambda: self.visit() == wanted, f"{what}: {self.visit()!r}")
        self.step(what)

    def visit(self) -> str:
        """By which provider a client leaves; empty: by none."""
        words = ("exec", "lab-client", "python3", "-m", "lab.visit")
        said = self._project.docker(*words, check=False).strip()
        return SEEN.get(said, "" if said.startswith("no page") else said)

    def well(self, name: str) -> bool:
        """Whether the agent in a container says that it is."""
        words = ("exec", name, "python3", "-m", "agents", "health")
        return self._project.docker(*words, check=False).strip() == "healthy"

    def step(self, what: str) -> None:
        """Remembers when it was done."""
        self.seen[what] = round(time.monotonic() - self._began_s, 1)
        tell(f"{self.seen[what]:7.1f} s  {what}")


def tell(words: str) -> None:
    """A line for who waits."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits for a fact; AssertionError if it does not come true in time."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {PATIENCE_S:g} s: {what}"
        time.sleep(0.5)


def ready_for_docker(tools: Path) -> None:
    """What it wants of this kernel; `tools`: a new folder for the tools it is to take.

    It has one way to set its rules, and no second where the kernel knows no nftables.
    """
    modprobe = str(MODPROBE) if MODPROBE.exists() else "modprobe"
    subprocess.run([modprobe, "-a", *MODULES], check=False, capture_output=True)
    tools.mkdir()
    trial = ("unshare", "--net", "iptables-nft", "-t", "nat", "-N", "TRIAL")
    if subprocess.run(trial, check=False, capture_output=True).returncode != 0:
        for name in TOOLS:
            legacy = name.replace("tables", "tables-legacy")
            (tools / name).symlink_to(str(tool(legacy)))
    os.environ["PATH"] = f"{tools}:{os.environ['PATH']}"


def prepared(folder: Path) -> None:
    """The folder as README has it made."""
    for name in FILES[:2]:
        shutil.copy(ROOT / name, folder)
    (folder / FILES[2]).write_text(OVERLAY)
    example = ROOT / "config/lab.example.toml"
    cli = [sys.executable, "-m", "cli"]
    exits = ("--exit", "exit-a", "--exit", "exit-b", "--endpoint", "192.168.213.2")
    given = ("--values", str(example), "--no-ask")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run([*cli, "init", *exits, *given], environment, cwd=folder)
    added = ("peer", "add", "lab", "--out", "config/lab-client.conf")
    run([*cli, *added], environment, cwd=folder)


def main() -> int:
    """The rehearsal on a disk; the exit status."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "project"
        folder.mkdir()
        ready_for_docker(Path(made) / "tools")
        prepared(folder)
        with docker(Path(sys.argv[1]), folder, builds=False) as engine:
            rehearsal = Rehearsal(Project(folder, engine, FILES))
            rehearsal.step("docker")
            try:
                rehearsal.run()
            except AssertionError as error:
                tell(str(error))
                for name in LOGS:
                    tell(f"== {name}")
                    tell(engine("logs", "--tail", "150", name, check=False))
                return 1
            sys.stdout.write(f"{json.dumps(rehearsal.seen)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
