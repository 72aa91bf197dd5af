"""Network namespaces for tests: made with a name of this run, gone afterwards."""

import ctypes
import itertools
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


def ip(*words: str, namespace: str | None = None) -> str:
    """What `ip` prints; the test fails if it fails."""
    where = ("-n", namespace) if namespace else ()
    done = subprocess.run(
        ["ip", *where, *words], check=True, capture_output=True, text=True, timeout=10
    )
    return done.stdout


@contextmanager
def namespace(label: str) -> Iterator[str]:
    """A new network namespace with its loopback up; its name is unique to this run."""
    name = f"vct{os.getpid()}-{next(_numbers)}-{label}"
    ip("netns", "add", name)
    try:
        ip("link", "set", "lo", "up", namespace=name)
        yield name
    finally:
        _kill_inhabitants(name)
        ip("netns", "delete", name)


def _kill_inhabitants(name: str) -> None:
    """Ends what a test started there; nobody else knows the name."""
    for word in ip("netns", "pids", name).split():
        if int(word) != os.getpid():
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(int(word), signal.SIGKILL)


def _enter(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        if _libc.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"entering {file}")
    finally:
        os.close(descriptor)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread, and what it starts, lives in that namespace for a while."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(Path("/run/netns") / name)
        try:
            yield
        finally:
            _enter(Path(f"/proc/self/fd/{home}"))
    finally:
        os.close(home)
