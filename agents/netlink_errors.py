"""Asking the kernel by netlink: how long, and what its refusals are to us."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from agents.pyroute2_parts import Refusal

ANSWER_S: Final = 5.0
REFUSALS: Final = (Refusal, OSError)
_ABSENT: Final = frozenset(
    {errno.ENODEV, errno.ENOENT, errno.ESRCH, errno.ENXIO, errno.EADDRNOTAVAIL}
)


class NetlinkError(Exception):
    """What was tried, and the kernel's answer; ETIMEDOUT if there was none."""

    def __init__(self, trying: str, number: int) -> None:
        super().__init__(f"{trying}: {os.strerror(number)}")
        self.errno = number


@asynccontextmanager
async def asking(trying: str) -> AsyncIterator[None]:
    """Bounds the wait for the kernel; turns every refusal into NetlinkError."""
    try:
        async with asyncio.timeout(ANSWER_S):
            yield
    except TimeoutError as error:
        raise NetlinkError(trying, errno.ETIMEDOUT) from error
    except REFUSALS as error:
        raise NetlinkError(trying, number_of(error)) from error


@asynccontextmanager
async def removing(trying: str) -> AsyncIterator[None]:
    """As `asking`, content if there was nothing to remove."""
    try:
        async with asking(trying):
            yield
    except NetlinkError as error:
        if error.errno not in _ABSENT:
            raise


def number_of(error: Exception) -> int:
    """The errno of a refusal, whichever library it comes from."""
    return getattr(error, "code", None) or getattr(error, "errno", None) or errno.EIO
