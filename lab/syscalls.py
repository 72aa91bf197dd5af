"""The few system calls that Python 3.11 does not offer; standard library only."""

import ctypes
import os
from typing import Final

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWUTS: Final = 0x0400_0000
CLONE_NEWNET: Final = 0x4000_0000

MS_BIND: Final = 4096
MS_REC: Final = 16384

_POWER_OFF: Final = 0x4321_FEDC

_libc = ctypes.CDLL(None, use_errno=True)


def mount(
    source: str, target: str, kind: str = "", flags: int = 0, data: str = ""
) -> None:
    """The source appears at the target; an OSError names the latter."""
    arguments = source.encode(), target.encode(), kind.encode(), flags, data.encode()
    _check(_libc.mount(*arguments), target)


def unshare(flags: int) -> None:
    """Leave the shared namespaces of these kinds for new ones."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int) -> None:
    """Enter the namespace that the open file stands for."""
    _check(_libc.setns(descriptor, 0), "setns")


def power_off() -> None:
    """End this machine at once: for process 1 of a guest only."""
    _check(_libc.reboot(ctypes.c_int(_POWER_OFF)), "reboot")


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)
