"""`make lab-kernel`: a guest kernel with all that the chain can use, and WireGuard.

Built once, from Debian's own kernel source, with the options of `lab/kernel.config`;
kept in the user's cache folder, where `lab/kernel.py` finds it. Remove it there to have
it built anew.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.kernel import OPTIONS, built, cache, options_digest
from lab.process import PROJECT
from lab.talk import LabError

TARBALL: Final = Path("/usr/src/linux-source-6.1.tar.xz")
STEPS: Final = 1650  # lines that the compiler's run prints, about
TELL_S: Final = 10.0
LAST_LINES: Final = 20
_STEP: Final = re.compile(r"^ +[A-Z]+ ")


def build() -> Path:
    """The kernel, built if it was not there.

    Raises:
        LabError: It cannot be built; says why.
    """
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "kernel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (there := built()) is not None:
            print(f"kernel: {there} is there; remove it to build anew")
            return there
        tools = subprocess.run([PROJECT / "lab/setup.sh", "kernel"], check=False)
        if tools.returncode != 0 or not TARBALL.exists():
            raise LabError(f"building the kernel: {TARBALL} or its tools are missing")
        for left in folder.glob("build-*"):  # by one that was killed
            shutil.rmtree(left)
        with (
            _interruptible(),
            tempfile.TemporaryDirectory(prefix="build-", dir=folder) as place,
        ):
            source = _unpack(Path(place))
            _configure(source)
            _compile(source)
            return _keep(source, folder)


def _unpack(place: Path) -> Path:
    print(f"kernel: unpacking {TARBALL}", flush=True)
    _run("tar", "--extract", f"--file={TARBALL}", at=place)
    return next(place.iterdir())


def _configure(source: Path) -> None:
    print("kernel: configuring", flush=True)
    _run("make", "-s", "ARCH=um", "defconfig", at=source)
    config = source / ".config"
    wanted = OPTIONS.read_text()
    config.write_text(config.read_text() + wanted)
    _run("make", "-s", "ARCH=um", "olddefconfig", at=source)
    got = set(config.read_text().splitlines())
    lacking = [line for line in wanted.splitlines() if line.endswith("=y")]
    if lacking := [line for line in lacking if line not in got]:
        raise LabError(f"configuring the kernel: not taken: {', '.join(lacking)}")


def _compile(source: Path) -> None:
    jobs = len(os.sched_getaffinity(0))
    print(f"kernel: compiling, {jobs} at a time; some minutes", flush=True)
    command = ["make", "ARCH=um", f"-j{jobs}", "linux"]
    start_s = told_s = time.monotonic()
    done = 0
    last: list[str] = []
    with subprocess.Popen(
        command,
        cwd=source,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as making:
        assert making.stdout is not None  # noqa: S101 - for the type checker
        try:
            for line in making.stdout:
                last = [*last[-LAST_LINES:], line]
                done += bool(_STEP.match(line))
                if time.monotonic() - told_s >= TELL_S:
                    told_s = time.monotonic()
                    share = min(99, 100 * done // STEPS)
                    print(f"kernel: {told_s - start_s:4.0f} s, {share} %", flush=True)
        except BaseException:
            os.killpg(making.pid, signal.SIGKILL)
            raise
    if making.returncode != 0:
        raise LabError(f"compiling the kernel:\n{''.join(last)}")


def _keep(source: Path, folder: Path) -> Path:
    release = (source / "include/config/kernel.release").read_text().strip()
    kept = folder / f"linux-{release}-{options_digest()}"
    fresh = folder / f"fresh-{os.getpid()}"
    shutil.copy(source / "linux", fresh)
    for old in folder.glob("linux-*"):  # with other options
        old.unlink()
    fresh.rename(kept)  # whole or not at all
    print(f"kernel: {kept} is built; the lab uses it from now on")
    return kept


def _run(*command: str, at: Path) -> None:
    """A quick step: its words matter only if it goes wrong."""
    done = subprocess.run(command, cwd=at, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"building the kernel: {' '.join(command)}:\n{done.stderr}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does: what was unpacked is removed."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
