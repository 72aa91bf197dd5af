"""When wg0.conf has changed: seen by looking, as any mount allows."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Final

LOOK_S: Final = 1.0

_State = tuple[int, int, int] | None


class ConfFile:
    """A file that others write, from this moment on."""

    def __init__(self, path: Path, *, look_s: float = LOOK_S) -> None:
        self._path = path
        self._look_s = look_s
        self._read = _state(path)

    async def changes(self) -> AsyncGenerator[None, None]:
        """One item for each change, once the file has stood still; for each SIGHUP too.

        A file that is being written is not read: it must look the same twice.
        """
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, asked.set)
        last = self._read
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._look_s):
                        await asked.wait()
                now = _state(self._path)
                if asked.is_set() or now == last != self._read:
                    asked.clear()
                    self._read = now
                    yield
                last = now
        finally:
            loop.remove_signal_handler(signal.SIGHUP)


def _state(path: Path) -> _State:
    """What differs once it was written; None: it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
