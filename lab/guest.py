"""A guest: User-mode Linux with the host's files, for machines whose kernel cannot.

The kernel runs in process and mount namespaces of its own, its memory in a tmpfs that
only it sees: when it ends, or when we do, nothing is left. See `lab/init.py` for what
runs inside.
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.frames import Frame, Kind, Parser
from lab.kernel import Kernel
from lab.outlet import Outlet
from lab.process import PROJECT
from lab.talk import LabError

MEMORY_MIB: Final = 2048  # at most; it takes what it uses
BOOT_S: Final = 60.0
OFF_S: Final = 10.0
CHUNK_BYTES: Final = 65536
SPARE_MIB: Final = 64
WORDS_BYTES: Final = 3000
# Where the guest's memory can be mounted: nothing of ours may be hidden by it.
MEMORY_PLACES: Final = (Path("/dev/shm"), Path("/mnt"))  # noqa: S108
INSIDE: Final = "VPNCHAIN_LAB_GUEST"  # set in a guest: what it runs on

# What a chain needs of the stock kernel's modules; ciphers too: the first IKE waits for
# whatever is not there yet.
MODULES: Final = (
    *("ipv6", "veth", "bridge", "tun", "ppp_generic", "pppox", "l2tp_ppp", "ppp_async"),
    *("esp4", "authenc", "cbc", "hmac", "des_generic", "xfrm_user", "af_key"),
    *("iptable_filter", "iptable_nat", "iptable_mangle", "ip6table_filter"),
    *("xt_conntrack", "xt_nat", "xt_MASQUERADE", "xt_TCPMSS", "xt_tcpudp", "xt_policy"),
    *("xt_comment", "ipt_REJECT", "ip6t_REJECT", "nf_conntrack_netlink"),
    *("xt_DSCP", "xt_dscp", "xt_realm", "xt_connmark"),
)

# Not by exec: the first process of a namespace cannot abort, as a kernel in panic does.
_START: Final = 'mount -t tmpfs -o size="$1" guest "$2" && shift 2 && "$@"; exit $?'


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and where what it says goes."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    out: Outlet
    err: Outlet


class Running:
    """A command that was started in the guest.

    It has to wait while one of its outlets is full, and nobody else has to.
    """

    def __init__(self, guest: "Guest", number: int, command: Command) -> None:
        self.command = command
        self._guest = guest
        self._number = number
        self._outlets = (command.out, command.err)
        self._held = False
        for outlet in self._outlets:
            outlet.on_change = self._hold
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        """Its exit status, negative for a signal, once all it said is written.

        Raises:
            LabError: The guest ended first, or what it said could not be written.
        """
        status = await asyncio.shield(self.ended)
        try:
            for outlet in self._outlets:
                await outlet.flushed()
        finally:
            self.mute()
        return status

    def give_up(self) -> None:
        """Wait no longer: who waits is told that it was killed, as it soon will be."""
        self.mute()
        if not self.ended.done():
            self.ended.set_result(-signal.SIGKILL)

    def mute(self) -> None:
        """What it still says goes nowhere: whose descriptors those were is gone."""
        for outlet in self._outlets:
            outlet.close()

    def _hold(self) -> None:
        held = any(outlet.is_full for outlet in self._outlets)
        if held is not self._held:
            self._held = held
            self._guest.say(Kind.HOLD, self._number, {"held": held})

    def signal(self, signum: int) -> None:
        """Send to it and to the children that stayed in its session."""
        self._guest.say(Kind.SIGNAL, self._number, {"signum": signum})


class Guest(asyncio.Protocol):
    """A booted guest, as the far end of its serial line."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = Parser()
        self._commands: dict[int, Running] = {}
        self._last = 0
        self._ready = asyncio.Event()
        self.gone = asyncio.Event()

    def start(self, command: Command) -> Running:
        """Have a command run; LabError if the guest is gone."""
        if self.gone.is_set():
            raise LabError("starting a command in the guest: it ended")
        self._last += 1
        running = self._commands[self._last] = Running(self, self._last, command)
        words = {
            "argv": list(command.argv),
            "env": dict(command.env),
            "cwd": str(command.cwd),
        }
        self.say(Kind.RUN, self._last, words)
        return running

    def say(self, kind: Kind, number: int, words: Mapping[str, Any]) -> None:
        """Send a frame; lost if the guest is gone."""
        if self._transport is not None:
            payload = json.dumps(words).encode()
            self._transport.write(Frame(kind, number, payload).encode())

    async def ready(self) -> None:
        """Wait until it says that it is; LabError if it ends instead, or is silent."""
        try:
            async with asyncio.timeout(BOOT_S):
                await self._ready.wait()
        except TimeoutError as error:
            raise LabError(f"booting a guest: not up after {BOOT_S:g} s") from error
        self._ready.clear()
        if self.gone.is_set():
            raise LabError("booting a guest: it ended")

    # --- asyncio's side ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The line is there; the machine may not be yet."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is a socket's
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Pass on what the guest says."""
        for frame in self._parser.feed(data):
            self._take(frame)

    def connection_lost(self, error: Exception | None) -> None:
        """The machine has ended, or we cannot go on with it: tell those who wait."""
        cause = f"guest ended: {error}" if error else "guest ended"
        self._transport = None
        self.gone.set()
        self._ready.set()
        for running in self._commands.values():
            if not running.ended.done():
                running.ended.set_exception(LabError(f"running a command: {cause}"))
                running.ended.exception()  # it may be that nobody waits for it
        self._commands.clear()

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.READY:
            self._ready.set()
            return
        running = self._commands[frame.number]
        match frame.kind:
            case Kind.OUT:
                running.command.out.put(frame.payload)
            case Kind.ERR:
                running.command.err.put(frame.payload)
            case Kind.EXIT:
                del self._commands[frame.number]
                if not running.ended.done():  # whoever waited may have been cancelled
                    running.ended.set_result(json.loads(frame.payload)["status"])
            case _:  # what only the host says
                pass


@asynccontextmanager
async def boot(kernel: Kernel) -> AsyncIterator[Guest]:
    """A guest, up and ready, until the block is left; whatever runs in it ends then.

    Raises:
        LabError: It does not come up; the last words of its console are in it.
    """
    ours, theirs = socket.socketpair()
    console = os.memfd_create("console")
    try:
        with ours:
            with theirs:
                machine = await _start(kernel, theirs, console)
            try:
                loop = asyncio.get_running_loop()
                transport, guest = await loop.create_connection(Guest, sock=ours)
                try:
                    await _set_up(guest, kernel, console)
                    yield guest
                    await _off(guest)
                finally:
                    transport.abort()
            finally:
                await _end(machine)
    finally:
        os.close(console)


async def _start(
    kernel: Kernel, line: socket.socket, console: int
) -> asyncio.subprocess.Process:
    memory = next(place for place in MEMORY_PLACES if place not in PROJECT.parents)
    arguments = (
        *(f"mem={MEMORY_MIB}M", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"),
        *(f'init="{PROJECT}/lab/init.sh"', f"uml_dir={memory}", "umid=lab"),
        *("con=null", "con0=null,fd:1", "ssl=null", f"ssl0=fd:{line.fileno()}"),
    )
    apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
    start = ("sh", "-c", _START, "sh", f"{MEMORY_MIB + SPARE_MIB}M", str(memory))
    wide = ("env", f"LD_PRELOAD={kernel.preload}") if kernel.preload else ()
    return await asyncio.create_subprocess_exec(
        *(*apart, *start, *wide, str(kernel.path), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=console,
        stderr=console,
        pass_fds=[line.fileno()],
        env={**os.environ, "TMPDIR": str(memory)},
        start_new_session=True,  # Ctrl-C is for us: the kernel would just stop
    )


async def _set_up(guest: Guest, kernel: Kernel, console: int) -> None:
    wishes = {
        "writable": [str(PROJECT)],
        "modules_from": str(kernel.modules or ""),
        "modules": MODULES,
    }
    try:
        await guest.ready()
        guest.say(Kind.SETUP, 0, wishes)
        await guest.ready()
    except LabError as error:
        size = os.fstat(console).st_size
        said = os.pread(console, WORDS_BYTES, max(0, size - WORDS_BYTES))
        words = said.decode(errors="replace")
        raise LabError(f"{error}; its console said:\n{words}") from error


async def _off(guest: Guest) -> None:
    """Let it write what it has not written, then stop."""
    guest.say(Kind.OFF, 0, {})
    with suppress(TimeoutError):  # then without asking
        async with asyncio.timeout(OFF_S):
            await guest.gone.wait()


async def _end(machine: asyncio.subprocess.Process) -> None:
    if machine.returncode is None:
        # Not by `Process.kill`: that reaps behind the back of who waits.
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(machine.pid, signal.SIGKILL)  # what it started goes with it
    await machine.wait()
