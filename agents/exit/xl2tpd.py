"""xl2tpd and its pppd: a fresh pair for each call.

The one rule: after `stop` or `hang_up` neither of the two is left, nor the password,
which lies in an option file of mode 0600 until pppd has read it.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from agents.exit.l2tp import (
    LAC,
    Call,
    L2tpDown,
    L2tpEvent,
    configuration,
)
from agents.exit.model import Cause
from agents.exit.pppd import Login, options
from agents.files import note
from agents.process import Child, ProcessError, end_leftover, identify

START_TIMEOUT_S: Final = 5.0
HANG_UP_TIMEOUT_S: Final = 2.0  # LCP Terminate waits 1 s for its answer
STOP_TIMEOUT_S: Final = 1.5
_RETRY_S: Final = 0.02


class L2tpError(Exception):
    """xl2tpd does not do its part."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.text)
        self.cause = cause


class Xl2tpd:
    """One call at a time: `start`, `dial`, then `hang_up` or `stop`."""

    def __init__(
        self,
        run_dir: Path,
        on_line: Callable[[str], None],
        *,
        launcher: Sequence[str] = (),
    ) -> None:
        """`launcher` goes before xl2tpd's command line: `ip netns exec NAME`, say."""
        self._run_dir = run_dir
        self._on_line = on_line
        self._launcher = tuple(launcher)
        self._control = run_dir / "xl2tpd.control"
        self._options = run_dir / "ppp.options"
        self._pid_file = run_dir / "xl2tpd.pid"
        self._pppd_file = run_dir / "pppd.pid"
        self._child: Child | None = None
        self._call = Call()
        self._started = asyncio.Event()
        self._events: asyncio.Queue[L2tpEvent] = asyncio.Queue()

    @property
    def cause(self) -> Cause | None:
        """Why the present or last call ended, as far as anything said so."""
        return self._call.cause

    @property
    def dns(self) -> tuple[str, ...]:
        """The server's resolvers; empty until it named one."""
        return self._call.dns

    async def start(self, server: str, login: Login) -> None:
        """A new xl2tpd that knows whom to call; one still running is stopped first.

        Raises:
            L2tpError: It cannot be started.
        """
        await self.stop()
        self._call, self._events = Call(), asyncio.Queue()
        try:
            self._write_files(server, login)
        except OSError as error:  # a full tmpfs: the next attempt may find room
            cause = Cause(f"writing to {self._run_dir}: {error.strerror}")
            raise L2tpError(cause) from error
        try:
            self._child = await Child.start(
                self._command(),
                pid_file=self._pid_file,
                on_line=self._hear,
                env={"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"},
            )
        except ProcessError as error:
            raise L2tpError(Cause(str(error), permanent=True)) from error
        self._started.set()

    async def dial(self) -> None:
        """Asks for the call; what becomes of it is told by `events`.

        Raises:
            L2tpError: xl2tpd does not listen.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not self._told(f"c {LAC}\n"):
                    if self._child is None or not self._child.running:
                        raise L2tpError(self._call.cause or Cause("xl2tpd: it ended"))
                    await asyncio.sleep(_RETRY_S)
        except TimeoutError as error:
            cause = Cause("xl2tpd: it does not open its control pipe")
            raise L2tpError(cause) from error

    async def events(self) -> AsyncGenerator[L2tpEvent, None]:
        """What happens to calls, for ever, across starts and stops."""
        while True:
            await self._started.wait()
            child = self._child
            if child is None:  # stopped again before we looked
                continue
            while (event := await self._next(child)) is not None:
                yield event
            if child is self._child:  # nobody stopped it
                self._started.clear()
                yield L2tpDown(self._call.cause or Cause("xl2tpd: it ended"))

    async def hang_up(self) -> None:
        """Ends the call as the server likes it: LCP Terminate, StopCCN; then both go.

        Raises:
            L2tpError: One of the two is there even after SIGKILL.
        """
        child = self._child
        if child is not None:
            try:
                self._remember_pppd(child)
                await end_leftover(self._pppd_file, timeout_s=HANG_UP_TIMEOUT_S)
                await child.terminate(STOP_TIMEOUT_S)
            except ProcessError as error:
                raise L2tpError(Cause(f"hanging up: {error}")) from error
        await self.stop()

    async def stop(self) -> None:
        """Ends both at once, without a word to the server; harmless if none runs.

        Raises:
            L2tpError: One of the two is there even after SIGKILL.
        """
        self._started.clear()
        child, self._child = self._child, None
        try:
            if child is not None:
                self._remember_pppd(child)
                child.kill()
                await child.terminate(STOP_TIMEOUT_S)
            await end_leftover(self._pid_file, timeout_s=STOP_TIMEOUT_S)
            await end_leftover(self._pppd_file, timeout_s=STOP_TIMEOUT_S)
        except ProcessError as error:
            raise L2tpError(Cause(f"stopping xl2tpd: {error}")) from error
        self._options.unlink(missing_ok=True)

    # --- inside ----------------------------------------------------------------------

    async def _next(self, child: Child) -> L2tpEvent | None:
        """The next event; None once the process has ended and all was told."""
        if not self._events.empty():
            return self._events.get_nowait()
        async with asyncio.TaskGroup() as tasks:
            heard = tasks.create_task(self._events.get())
            ended = tasks.create_task(child.wait())
            await asyncio.wait({heard, ended}, return_when=asyncio.FIRST_COMPLETED)
            heard.cancel()
            ended.cancel()
        if not heard.cancelled():
            return heard.result()
        return None if self._events.empty() else self._events.get_nowait()

    def _hear(self, line: str) -> None:
        self._on_line(line)
        began = self._call.began
        for event in self._call.take(line):
            self._events.put_nowait(event)
        if self._call.began and not began:
            self._options.unlink(missing_ok=True)
            if self._child is not None:
                self._remember_pppd(self._child)

    def _told(self, command: str) -> bool:
        """Whether the command is in the control pipe: somebody must read there."""
        try:
            pipe = os.open(self._control, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            os.write(pipe, command.encode())
        except OSError:
            return False
        finally:
            os.close(pipe)
        return True

    def _write_files(self, server: str, login: Login) -> None:
        self._control.unlink(missing_ok=True)
        (self._run_dir / "xl2tpd.conf").write_text(configuration(server, self._options))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._options, flags, 0o600), "wb") as file:
            file.write(options(login).encode())

    def _command(self) -> list[str]:
        return [
            *self._launcher,
            "xl2tpd",
            "-D",
            *("-c", str(self._run_dir / "xl2tpd.conf")),
            *("-s", os.devnull),
            *("-p", str(self._run_dir / "xl2tpd.own.pid")),
            *("-C", str(self._control)),
        ]

    def _remember_pppd(self, child: Child) -> None:
        """Notes who xl2tpd's pppd is, for the day when xl2tpd is gone and it is not."""
        parent = identify(child.pid)
        for pid in _children(child.pid):
            identity = identify(pid)
            if identity is None or parent is None or identity.exe == parent.exe:
                continue  # not pppd yet: only just forked
            note(self._pppd_file, f"{identity}\n")


def _children(parent: int) -> list[int]:
    """The processes that it started; the kernel lists them nowhere for certain."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(stat.parent.name))
    return found
