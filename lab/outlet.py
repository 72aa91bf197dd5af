"""Where a guest's command says what it says: a descriptor whose reader may be slow.

A thread writes, for a write blocks while nobody reads, and other commands must go on.
The descriptor cannot be made non-blocking, as whoever gave it to us, a shell with its
terminal say, has it too.
"""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from lab.talk import LabError

MOST_BYTES: Final = 1 << 20  # that wait before the outlet is full
NOBODY_LISTENS: Final = (errno.EPIPE, errno.EIO)  # a pipe, a terminal that went away

Act = Callable[[], object]


class Outlet:
    """What is put in goes out in order; what nobody listens to is lost.

    Attributes:
        on_change: Called when `is_full` has changed.
        is_full: Nothing more should be put in for now; what is put in is taken.
    """

    def __init__(self, descriptor: int) -> None:
        """The descriptor must stay open until the first byte was put in."""
        self.on_change: Act = lambda: None
        self.is_full = False
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._chunks: SimpleQueue[bytes] = SimpleQueue()
        self._waiting_bytes = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._writing = False
        self._closed = False
        self._error: OSError | None = None

    def put(self, data: bytes) -> None:
        """Have it written; never waits."""
        if self._closed or not data:
            return
        if not self._writing:
            self._writing = True
            own = os.dup(self._descriptor)
            threading.Thread(target=self._write, args=(own,), daemon=True).start()
        self._empty.clear()
        self._chunks.put(data)
        self._wait_for(len(data))

    def close(self) -> None:
        """What waits is lost, and what comes; a write that blocks is left to itself."""
        self._closed = True
        self._empty.set()
        self._chunks.put(b"")
        self._wait_for(-self._waiting_bytes)

    async def flushed(self) -> None:
        """Return once all has been written, or never will be.

        Raises:
            LabError: It could not be, though somebody listens.
        """
        await self._empty.wait()
        if self._error is not None:
            raise LabError(f"passing output on: {self._error.strerror}")

    def _wait_for(self, more_bytes: int) -> None:
        self._waiting_bytes += more_bytes
        is_full = self._waiting_bytes > MOST_BYTES
        if is_full is not self.is_full:
            self.is_full = is_full
            self.on_change()

    def _written(self, size: int, error: OSError | None) -> None:
        self._error = self._error or error
        if not self._closed:
            self._wait_for(-size)
            if not self._waiting_bytes:
                self._empty.set()

    # --- the thread -------------------------------------------------------------------

    def _write(self, own: int) -> None:
        error: OSError | None = None
        try:
            while (data := self._chunks.get()) and not self._closed:
                error = error or _written(own, data)
                told = None if error and error.errno in NOBODY_LISTENS else error
                self._loop.call_soon_threadsafe(self._written, len(data), told)
        except RuntimeError:  # the loop has ended: nobody wants to know
            return
        finally:
            os.close(own)


def _written(descriptor: int, data: bytes) -> OSError | None:
    """What kept it from being written; None: it is."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        return error
    return None
