"""A Docker of the test's own: own files, own processes, own mounts; it ends with us.

Nothing of the machine is changed: while images are built it has the machine's network
but no bridge and no rules, and while containers run it has a network of its own.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.needs import tool

DOCKER: Final = "/usr/bin/docker"  # the one that came with the daemon
START_S: Final = 60.0
STOP_S: Final = 40.0
LOOK_S: Final = 0.05
COMMAND_S: Final = 600.0
_NUMBERS: Final = re.compile(r"^NSpid:\t(.*)$", re.MULTILINE)
CGROUPS: Final = Path("/sys/fs/cgroup")

# It dies with the process that holds its namespaces, and all that it started with it.
APART: Final = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
ALONE: Final = (*APART, "--net")
# What the daemon keeps is in a file system of its own, in one file, which a guest can
# take over; nothing is written to the machine's own folders.
# Control groups of the first kind where there are none: those of the second
# want BPF for devices, which a guest's kernel may lack.
_START: Final = """\
mount -o loop "$1" "$2" && mount -t tmpfs none /etc/docker && ip link set lo up &&
shift 2 && if [ -z "$(ls /sys/fs/cgroup)" ]; then
  mount -t tmpfs none /sys/fs/cgroup
  for kind in $(awk '$4 == 1 { print $1 }' /proc/cgroups); do
    group=/sys/fs/cgroup/$kind
    mkdir "$group" && mount -t cgroup -o "$kind" none "$group"
  done
fi && exec "$@"
"""
START: Final = ("sh", "-c", _START, "sh")
DISK_BYTES: Final = 6 << 30  # sparse: it takes what is used
WITHOUT_NETWORK: Final = (
    *("--bridge=none", "--iptables=false", "--ip6tables=false"),
    *("--ip-forward=false", "--ip-masq=false"),
)


@dataclass(frozen=True, slots=True)
class Docker:
    """A running daemon.

    Attributes:
        pid: Of the daemon, as seen from here.
    """

    socket: Path
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """For whoever speaks to it, the builder included."""
        more = {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "1"}
        return {**os.environ, **more, "DOCKER_SOCKET": str(self.socket)}

    def __call__(self, *words: str, check: bool = True) -> str:
        """What `docker WORDS` says on both streams."""
        return run([DOCKER, *words], self.environment, check=check)

    def inside(self, *argv: str, check: bool = True) -> str:
        """Runs a command of the machine in the daemon's network."""
        where = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        return run([*where, *argv], os.environ, check=check)

    def outside(self, pid: int) -> int:
        """A process that the daemon knows by this number, as it is known out here."""
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):
                (numbers,) = _NUMBERS.findall(status.read_text())
                here, *inside = map(int, numbers.split())
                if inside[:1] == [pid] and _is_below(here, self.pid):
                    return here
        raise AssertionError(f"no process {pid} of Docker's")


def _is_below(pid: int, ancestor: int) -> bool:
    """Whether they share the daemon's process namespace, or one within."""
    while pid > 1:
        if pid == ancestor:
            return True
        pid = _parent(pid)
    return False


def run(
    argv: list[str],
    environment: Mapping[str, str],
    *,
    cwd: Path | None = None,
    check: bool = True,
) -> str:
    """What it says on both streams; AssertionError with that if it fails."""
    done = subprocess.run(
        argv,
        env=environment,
        cwd=cwd,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=COMMAND_S,
    )
    assert not check or done.returncode == 0, f"{' '.join(argv)}:\n{done.stdout}"
    return done.stdout


def new_disk(folder: Path) -> Path:
    """An empty file system in a file, for a daemon."""
    disk = folder / "disk.img"
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    run(["mkfs.ext4", "-q", "-E", "nodiscard", str(disk)], os.environ)
    return disk


@contextmanager
def docker(disk: Path, folder: Path, *, builds: bool) -> Iterator[Docker]:
    """A daemon whose images are on the disk; one at a time on each disk.

    It `builds` images, in the machine's network, or runs them, in one of its own.
    """
    name = "builder" if builds else "runner"
    socket, log, root = (folder / f"{name}.{kind}" for kind in ("sock", "log", "root"))
    root.mkdir()
    cgroup = f"vpnchain-test-{os.getpid()}"
    argv = [
        *(*(APART if builds else ALONE), *START, str(disk), str(root)),
        *(str(tool("dockerd")), "--data-root", str(root)),
        *("--exec-root", str(folder / name), "--pidfile", str(folder / f"{name}.pid")),
        *("-H", f"unix://{socket}", "--storage-driver", "overlay2"),
        *("--cgroup-parent", f"/{cgroup}", *(WITHOUT_NETWORK if builds else ())),
    ]
    with log.open("wb") as words:
        holder = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=words, stderr=words
        )
    try:
        yield _answering(holder, socket, log)
    finally:
        _end(holder)
        _remove_cgroups(cgroup)


def _answering(holder: "subprocess.Popen[bytes]", socket: Path, log: Path) -> Docker:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and holder.poll() is None:
        pid = _child_of(holder.pid)
        if pid and socket.exists():
            found = Docker(socket, pid)
            if "Server Version" in found("info", check=False):
                return found
        time.sleep(LOOK_S)
    raise AssertionError(f"starting dockerd: {log.read_text()[-2000:]}")


def _child_of(pid: int) -> int:
    """The one child; 0: none yet. Not every kernel has a list of children."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if _parent(int(stat.parent.name)) == pid:
                return int(stat.parent.name)
    return 0


def _parent(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def _end(holder: "subprocess.Popen[bytes]") -> None:
    """In good order if it can; its children go in any case."""
    pid = _child_of(holder.pid)
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    try:
        holder.wait(STOP_S)
    except subprocess.TimeoutExpired:
        holder.kill()
        holder.wait()


def _remove_cgroups(name: str) -> None:
    for top in (*CGROUPS.glob(f"*/{name}"), CGROUPS / name):
        for folder in sorted(top.rglob("*"), reverse=True):
            if folder.is_dir():
                with suppress(OSError):
                    folder.rmdir()
        with suppress(OSError):
            top.rmdir()
