"""Daemons as children: output line by line, an end that is bounded, a pid file.

The one rule: a daemon is ended by what it is (pid, start time and boot), never by its
name, so a successor can end what a killed agent left without hurting anybody else.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

DRAIN_TIMEOUT_S: Final = 0.5  # for the last lines of one that has ended
KILL_TIMEOUT_S: Final = (
    3.0  # a killed process is gone by then, or in the kernel for ever
)
LEFTOVER_TIMEOUT_S: Final = 3.0
LINE_LIMIT_BYTES: Final = 4_096  # part of it may be told as a cause on the bus
KILLING: Final = (signal.SIGKILL, KILL_TIMEOUT_S)
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

log = logging.getLogger(__name__)

OnLine = Callable[[str], None]


class ProcessError(Exception):
    """A daemon could not be started or ended."""


class Child(asyncio.SubprocessProtocol):
    """A running daemon of ours.

    It goes on if the agent is killed (a tunnel may still carry): it has a session of
    its own and may write into the void. Its successor ends it by the pid file.
    """

    def __init__(self, pid_file: Path, on_line: OnLine) -> None:
        self.pid = 0
        self._pid_file = pid_file
        self._on_line = on_line
        self._log = log.getChild(pid_file.stem)
        self._rest: dict[int, bytes] = {}
        loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[int] = loop.create_future()
        self._drained = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        pid_file: Path,
        on_line: OnLine,
        env: Mapping[str, str] | None = None,
    ) -> Self:
        """The daemon, running; one that the pid file still names is ended first.

        Raises:
            ProcessError: It could not be started.
        """
        await end_leftover(pid_file)
        loop = asyncio.get_running_loop()
        try:
            _, child = await loop.subprocess_exec(
                lambda: cls(pid_file, on_line),
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=None if env is None else dict(env),
                start_new_session=True,  # Ctrl-C is for the agent alone
                restore_signals=False,  # SIGPIPE stays ignored: see the class
            )
        except OSError as error:
            raise ProcessError(f"starting {argv[0]}: {error.strerror}") from error
        try:
            child.remember()
        except OSError as error:
            child.kill()
            await child.wait()
            raise ProcessError(f"writing {pid_file}: {error.strerror}") from error
        return child

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._exited.done()

    async def wait(self) -> int:
        """Its exit status, once its last lines are read; -9: ended by SIGKILL."""
        status = await asyncio.shield(self._exited)
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await self._drained.wait()
        except TimeoutError:  # a child of its own still holds the pipe
            self._close()
        return status

    async def terminate(self, timeout_s: float) -> int:
        """Ends it, kindly at first; its exit status.

        Raises:
            ProcessError: It is there even after SIGKILL.
        """
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_s):
                return await self.wait()
        except TimeoutError:
            self._log.warning("ending %s: deaf to SIGTERM, killing it", self.pid)
        self.kill()
        try:
            async with asyncio.timeout(KILL_TIMEOUT_S):
                return await self.wait()
        except TimeoutError:
            raise ProcessError(f"killing {self.pid}: it is still there") from None

    def kill(self) -> None:
        """SIGKILL for it and its process group."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):  # it ended this moment
                os.killpg(self.pid, signal.SIGKILL)

    def _signal(self, signum: signal.Signals) -> None:
        if self.running and self._transport is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended this moment
                self._transport.send_signal(signum)

    def remember(self) -> None:
        """Writes the pid file."""
        identity = identify(self.pid)
        if identity is not None and self.running:
            self._pid_file.write_text(f"{identity}\n")

    def _close(self) -> None:
        self._drained.set()
        if self._transport is not None:
            self._transport.close()

    # --- what asyncio calls -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        if isinstance(transport, asyncio.SubprocessTransport):
            self._transport = transport
            self.pid = transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """See asyncio."""
        *lines, rest = (self._rest.get(fd, b"") + data).split(b"\n")
        for line in lines:
            for piece in cut(line):
                self._tell(piece)
        *firsts, self._rest[fd] = cut(rest)
        for piece in firsts:
            self._tell(piece)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """See asyncio."""
        if rest := self._rest.pop(fd, b""):
            self._tell(rest)
        self._drained.set()

    def process_exited(self) -> None:
        """See asyncio."""
        transport = self._transport
        status = transport.get_returncode() if transport is not None else None
        known = read_pid_file(self._pid_file)
        if known is not None and known.pid == self.pid:  # not yet its successor's
            self._pid_file.unlink(missing_ok=True)
        if not self._exited.done():
            self._exited.set_result(-1 if status is None else status)

    def connection_lost(self, _: Exception | None) -> None:
        """See asyncio: it has ended, and its output too."""
        self._close()

    def _tell(self, raw: bytes) -> None:
        line = printable(raw)
        self._log.info("%s", line)
        self._on_line(line)


def cut(line: bytes) -> list[bytes]:
    """The line in pieces that fit a log; an empty line is one piece."""
    starts = range(0, max(len(line), 1), LINE_LIMIT_BYTES)
    return [line[start : start + LINE_LIMIT_BYTES] for start in starts]


def printable(raw: bytes) -> str:
    """The line without what would disturb a terminal or a log."""
    text = raw.decode(errors="replace").rstrip("\r").replace("\t", " ")
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that no other can be mistaken for: a pid comes again, its time not.

    Attributes:
        started: Clock ticks since the boot.
        boot: Which boot of the machine.
        exe: Its program, for people: a launcher's process becomes the daemon's.
    """

    pid: int
    started: int
    boot: str
    exe: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.pid} {self.started} {self.boot} {self.exe}"


def identify(pid: int) -> Identity | None:
    """Who has this pid now; None: nobody, or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        exe = str(Path(f"/proc/{pid}/exe").readlink())
        boot = BOOT_ID.read_text().strip()
    except OSError:
        return None
    rest = stat.rpartition(")")[2].split()
    return Identity(pid, int(rest[19]), boot, exe)


async def end_leftover(
    pid_file: Path, *, timeout_s: float = LEFTOVER_TIMEOUT_S
) -> bool:
    """Ends the daemon that the pid file names, if it still runs; whether it did.

    Raises:
        ProcessError: It is there even after SIGKILL.
    """
    known = read_pid_file(pid_file)
    if known is None:
        return False
    try:
        handle = os.pidfd_open(known.pid)
    except ProcessLookupError:
        pid_file.unlink(missing_ok=True)
        return False
    try:
        if identify(known.pid) != known:  # checked while the handle holds the pid
            pid_file.unlink(missing_ok=True)
            return False
        log.info("ending %s", known)
        for signum, patience_s in ((signal.SIGTERM, timeout_s), KILLING):
            with contextlib.suppress(ProcessLookupError):  # it ended this moment
                signal.pidfd_send_signal(handle, signum)
                if signum == signal.SIGKILL and os.getpgid(known.pid) == known.pid:
                    os.killpg(known.pid, signum)
            if await _gone(handle, patience_s):
                break
        else:
            raise ProcessError(f"killing {known.pid}: it is still there")
    finally:
        os.close(handle)
    pid_file.unlink(missing_ok=True)
    return True


def read_pid_file(pid_file: Path) -> Identity | None:
    """Who the pid file names; None if there is none, or no sense in it."""
    try:
        pid, started, boot, exe = pid_file.read_text().strip().split(" ", 3)
        return Identity(int(pid), int(started), boot, exe)
    except (OSError, ValueError):
        return None


async def _gone(handle: int, timeout_s: float) -> bool:
    """Whether the process ends in time."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(timeout_s):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(handle)
    return True
