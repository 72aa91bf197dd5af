"""A lab from the outside: nodes, and processes and sockets in them.

`open_lab` makes it; leaving the block, for whatever reason, ends every process in it
and leaves nothing: see `lab/keeper.py`. Processes are known by their number inside the
lab; `Lab.proc` is the /proc that goes with it.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

from lab import keeper, wiring
from lab.process import PROJECT, Output, Process
from lab.talk import LabError, Talk
from lab.topology import Topology

FOLDER: Final = keeper.FOLDER  # the lab's folder as its nodes see it

CLOSE_S: Final = 15.0
EXEC_S: Final = 30.0
LAST_LINES: Final = 8
IP_BATCH: Final = ("ip", "-batch", "-")


class Lab:
    """An open lab.

    Attributes:
        iptables: The kind of iptables that works here: "iptables-nft", "-legacy".
    """

    def __init__(self, topology: Topology, talk: Talk) -> None:
        self.topology = topology
        self.iptables = ""
        self._talk = talk

    @property
    def _root(self) -> Path:
        return Path("/proc", str(self._talk.keeper_pid), "root")

    @property
    def folder(self) -> Path:
        """The lab's own folder, in memory, as seen from here; inside it is `FOLDER`."""
        return self._root / FOLDER.relative_to("/")

    @property
    def proc(self) -> Path:
        """The lab's /proc as seen from here."""
        return self._root / "proc"

    def run_of(self, node: str) -> Path:
        """A node's /run as seen from here; its /etc/ppp is `etc-ppp` in it."""
        return self._root / keeper.NODES.relative_to("/") / node

    def log(self, name: str) -> Path:
        """Where the output of what was spawned with this log name is."""
        return self.folder / f"{name}.log"

    def last_words(self, name: str) -> str:
        """The end of a log, for an error that it explains; empty if there is none."""
        path = self.log(name)
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "".join(f"\n  {name}: {line}" for line in lines[-LAST_LINES:])

    async def exec(
        self,
        node: str,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = EXEC_S,
        check: bool = True,
    ) -> Output:
        """Run a command in a node to its end; node "": beside the nodes.

        Raises:
            LabError: It cannot be started, ended otherwise than by 0 (unless check is
                off), or was still running after the time.
        """
        with _memory_files() as (source, out, err):
            os.pwrite(source, stdin.encode(), 0)
            process = Process(self._talk, node, argv)
            await process.start({}, (source, out, err))
            try:
                async with asyncio.timeout(timeout_s):
                    status = await process.wait()
            except TimeoutError as error:
                raise LabError(f"{process!r}: not done after {timeout_s} s") from error
            finally:
                if process.status is None:
                    await process.end(grace_s=0)
            output = Output(status, _content(out), _content(err))
        if check and status != 0:
            said = output.stderr.strip() or output.stdout.strip()
            raise LabError(f"{node}: {' '.join(argv)}: status {status}: {said}")
        return output

    async def spawn(
        self,
        node: str,
        argv: Sequence[str],
        *,
        log: str,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start a command in a node; what it says is appended to `Lab.log(log)`."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        process = Process(self._talk, node, argv)
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        words = os.open(self.log(log), flags, 0o600)
        try:
            await process.start(env or {}, (nothing, words, words))
        finally:
            os.close(nothing)
            os.close(words)
        return process

    async def start(
        self, node: str, argv: Sequence[str], streams: tuple[int, int, int]
    ) -> Process:
        """Start a command in a node on standard streams of the caller's."""
        process = Process(self._talk, node, argv)
        await process.start({}, streams)
        return process

    async def socket(
        self, node: str, family: int, kind: int, proto: int = 0
    ) -> socket.socket:
        """A socket in a node's network, for use right here; it does not block."""
        words = {"node": node, "family": family, "kind": kind, "proto": proto}
        _, descriptors = await self._talk.ask("socket", words)
        made = socket.socket(fileno=descriptors[0])
        made.setblocking(False)
        return made

    async def sweep(self, node: str, signum: int = signal.SIGKILL) -> tuple[int, ...]:
        """Send to all that runs in a node, daemons included; whom it met.

        SIGKILL: returns once nothing runs there any more.
        """
        answer, _ = await self._talk.ask("sweep", {"node": node, "signum": signum})
        return tuple(answer["pids"])

    async def strike(self, node: str, name: str, signum: int) -> tuple[int, ...]:
        """Send to the processes of this name in a node; whom it met."""
        words = {"node": node, "name": name, "signum": signum}
        answer, _ = await self._talk.ask("strike", words)
        return tuple(answer["pids"])

    async def build(self) -> None:
        """Make the nodes and join them."""
        await self._talk.hello()
        for node in self.topology.nodes:
            words = {"name": node.name, "sysctls": wiring.sysctls(node)}
            await self._talk.ask("node", words)
        await self.exec("", IP_BATCH, stdin=wiring.links(self.topology))
        async with asyncio.TaskGroup() as tasks:
            for node in self.topology.nodes:
                batch = self.exec(node.name, IP_BATCH, stdin=wiring.ports(node))
                tasks.create_task(batch)
        for node in self.topology.nodes:
            if node.masquerade:
                await self.restore(node.name, wiring.nat(node))

    async def restore(self, node: str, rules: str) -> None:
        """Feed rules to iptables-restore, keeping what is there."""
        kinds = (
            [self.iptables] if self.iptables else ["iptables-nft", "iptables-legacy"]
        )
        said = ""
        for kind in kinds:
            command = [f"{kind}-restore", "--noflush"]
            output = await self.exec(node, command, stdin=rules, check=False)
            if output.status == 0:
                self.iptables = kind
                return
            said = output.stderr.strip()
        raise LabError(f"setting the firewall of {node}: {said}")


@asynccontextmanager
async def open_lab(topology: Topology) -> AsyncIterator[Lab]:
    """The topology, standing, until the block is left.

    Raises:
        LabError: It cannot be built here: no right to, or the kernel lacks something.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        talk = Talk(ours)
        try:
            with theirs:
                keeping = await _start_keeper(theirs)
            try:
                lab = Lab(topology, talk)
                await lab.build()
                yield lab
            finally:
                talk.close()
                await _ended(keeping)
        finally:
            talk.close()


async def _start_keeper(control: socket.socket) -> asyncio.subprocess.Process:
    """The keeper as process 1 of namespaces of its own; it goes when we go."""
    apart = ["unshare", "--pid", "--mount", "--net", "--uts", "--fork", "--kill-child"]
    python = [sys.executable, "-S", "-m", "lab.keeper", str(control.fileno())]
    return await asyncio.create_subprocess_exec(
        *apart,
        *python,
        cwd=PROJECT,
        stdin=asyncio.subprocess.DEVNULL,
        pass_fds=[control.fileno()],
        start_new_session=True,  # Ctrl-C is for us, who take it down in order
    )


async def _ended(keeping: asyncio.subprocess.Process) -> None:
    """Return once the keeper, and with it the lab, is gone."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await keeping.wait()
    except TimeoutError:
        # Not by `Process.kill`: that reaps behind the back of who waits.
        with suppress(ProcessLookupError):
            os.kill(keeping.pid, signal.SIGKILL)
        await keeping.wait()


@contextmanager
def _memory_files() -> Iterator[tuple[int, int, int]]:
    """Three anonymous files: unlike pipes they never make their writer wait."""
    with ExitStack() as files:
        source, out, err = (os.memfd_create(name) for name in ("in", "out", "err"))
        for descriptor in (source, out, err):
            files.callback(os.close, descriptor)
        yield source, out, err


def _content(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode(errors="replace")
