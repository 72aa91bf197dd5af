"""charon, strongSwan's IKE daemon: a child of ours, told what to do over its socket.

Two connections to it: commands have one each, events another that lasts. The pre-shared
key goes over the socket only, never to the disk or into an argument.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import Final

from agents.exit.ikecause import Attempt
from agents.exit.ikeconf import CHILD, CONNECTION, connection, daemon, shared
from agents.exit.ikectl import Ikectl, IkectlError, RefusedError
from agents.exit.ipsec import (
    Associations,
    CharonExited,
    IpsecError,
    IpsecEvent,
    IpsecTunnel,
    Section,
)
from agents.process import Child, ProcessError, end_leftover, identify
from agents.tool import ToolError, run

START_TIMEOUT_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 25.0  # charon itself gives up after 16 s
TERMINATE_TIMEOUT_S: Final = 1.5
STOP_TIMEOUT_S: Final = 2.0
PURGE_TIMEOUT_S: Final = 2.0
_RETRY_S: Final = 0.02

# Debian; Alpine, by the version of its package.
PATHS: Final = (
    Path("/usr/lib/ipsec/charon"),
    Path("/usr/libexec/ipsec/charon"),
    Path("/usr/lib/strongswan/charon"),
)
OWN_PID_FILE: Final = Path("/run/charon.pid")  # compiled in; one /run for each charon

_XFRM: Final = ("ip", "xfrm")
_LEFT_IN_KERNEL: Final = (
    (*_XFRM, "state", "deleteall", "proto", "esp", "mode", "transport"),
    (*_XFRM, "policy", "deleteall", "proto", "udp", "sport", "1701", "dport", "1701"),
)
EVENTS: Final = ("ike-updown", "child-updown", "ike-rekey", "child-rekey")

log = logging.getLogger(__name__)


class Charon:
    """The daemon and its one connection; it is started anew for fresh ports."""

    def __init__(
        self,
        run_dir: Path,
        on_line: Callable[[str], None],
        *,
        launcher: Sequence[str] = (),
    ) -> None:
        """`launcher` goes before charon's command line: `ip netns exec NAME`, say."""
        self._run_dir = run_dir
        self._on_line = on_line
        self._launcher = tuple(launcher)
        self._socket = run_dir / "charon.vici"
        self._pid_file = run_dir / "charon.pid"
        self._child: Child | None = None
        self._link: Ikectl | None = None
        self._standing = asyncio.Event()

    async def start(self, *, fresh_ports: bool) -> None:
        """Runs a new charon and waits until it answers; a running one is stopped first.

        `fresh_ports`: it leaves by ports picked at random, which a server that still
        holds something under 500 and 4500 does not know.

        Raises:
            IpsecError: It cannot be started.
        """
        await self.stop()
        _forget_own_pid_file()
        try:
            self._child = await Child.start(
                [*self._launcher, str(_executable())],
                pid_file=self._pid_file,
                on_line=self._on_line,
                env=self._environment(fresh_ports=fresh_ports),
            )
            async with asyncio.timeout(START_TIMEOUT_S):
                self._link = await self._first_link(self._child)
        except ProcessError as error:
            raise IpsecError(str(error)) from error
        except TimeoutError as error:
            raise IpsecError("starting charon: no answer from it") from error
        except OSError as error:  # a full tmpfs: the next attempt may find room
            cause = f"writing to {self._run_dir}: {error.strerror}"
            raise IpsecError(cause) from error
        self._standing.set()

    async def connect(self, tunnel: IpsecTunnel) -> None:
        """Agrees IKE and ESP; ESP is installed when it returns.

        From then on a policy holds L2TP back whenever there is no ESP, and traffic
        makes charon agree it anew.

        Raises:
            IpsecError: Why not; charon may still hold half of it: `terminate` it.
        """
        attempt = Attempt(tunnel)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._load(tunnel)
                async with await Ikectl.open(self._socket) as link:
                    wanted = {"ike": CONNECTION, "child": CHILD, "loglevel": "1"}
                    wanted["timeout"] = str(int(CONNECT_TIMEOUT_S * 1000))
                    said = link.follow("initiate", wanted, "control-log")
                    await _until_decided(said, attempt)
        except TimeoutError as error:
            raise attempt.verdict() from error
        except RefusedError as error:
            raise attempt.verdict() from error
        except IkectlError as error:
            raise IpsecError("charon: it has gone") from error

    async def events(self) -> AsyncGenerator[IpsecEvent, None]:
        """What happens to the associations, for ever, across starts and stops."""
        while True:
            await self._standing.wait()
            link, known = self._link, Associations()
            if link is None:  # stopped again before we looked
                continue
            with suppress(IkectlError):
                async for name, message in link.events():
                    for event in known.fold(name, message):
                        yield event
            if link is self._link:  # nobody stopped it
                self._standing.clear()
                yield CharonExited()

    async def terminate(self, *, force: bool) -> None:
        """Tells the server that we go, and forgets the tunnel; harmless without one.

        `force`: it is forgotten even if that takes longer than it may.
        """
        wanted = {"ike": CONNECTION, "timeout": str(int(TERMINATE_TIMEOUT_S * 1000))}
        if force:
            wanted["force"] = "yes"
        with suppress(IkectlError):  # there was none
            await self._command("terminate", wanted)
        with suppress(IkectlError):
            await self._command("unload-conn", {"name": CONNECTION})

    async def stop(self) -> None:
        """Ends charon, ours or a predecessor's, and what it left in the kernel.

        It says goodbye to the server if it still can.

        Raises:
            IpsecError: It is there even after SIGKILL.
        """
        self._standing.clear()
        child, self._child = self._child, None
        link, self._link = self._link, None
        if link is not None:
            link.close()
        try:
            if child is not None:
                await child.terminate(STOP_TIMEOUT_S)
            await end_leftover(self._pid_file, timeout_s=STOP_TIMEOUT_S)
        except ProcessError as error:
            raise IpsecError(f"stopping charon: {error}") from error
        await self._purge()

    async def _purge(self) -> None:
        """Removes L2TP's ESP from the kernel, where it outlives a killed charon."""
        for what in _LEFT_IN_KERNEL:
            try:
                await run([*self._launcher, *what], within_s=PURGE_TIMEOUT_S)
            except ToolError as error:
                log.warning("removing what charon left in the kernel: %s", error)

    async def _load(self, tunnel: IpsecTunnel) -> None:
        try:
            await self._command("load-shared", shared(tunnel))
            await self._command("load-conn", {CONNECTION: connection(tunnel)})
        except RefusedError as error:
            # It says the same of all that it cannot do: mostly a cipher it was built
            # without.
            offered = ", ".join(tunnel.proposals.ike)
            cause = f"charon: {error} (offered {offered})"
            raise IpsecError(cause, permanent=True, refused=True) from error

    async def _command(self, command: str, message: Section) -> None:
        async with await Ikectl.open(self._socket) as link:
            await link.request(command, message)

    async def _first_link(self, child: Child) -> Ikectl:
        """The connection for events, as soon as charon answers."""
        while True:
            try:
                async with AsyncExitStack() as stack:
                    link = await Ikectl.open(self._socket)
                    await stack.enter_async_context(link)
                    await link.register(*EVENTS)
                    stack.pop_all()  # it lasts
                    return link
            except IkectlError as error:
                if not child.running:
                    status = await child.wait()
                    cause = f"starting charon: it ended with status {status}"
                    raise IpsecError(cause) from error
                await asyncio.sleep(_RETRY_S)

    def _environment(self, *, fresh_ports: bool) -> dict[str, str]:
        """What charon finds; writes its configuration, in which nothing is secret."""
        file = self._run_dir / "strongswan.conf"
        file.write_text(daemon(self._socket, fresh_ports=fresh_ports))
        self._socket.unlink(missing_ok=True)
        path = os.environ.get("PATH", os.defpath)
        return {"PATH": path, "STRONGSWAN_CONF": str(file)}


async def _until_decided(said: AsyncGenerator[Section, None], attempt: Attempt) -> None:
    """Follows charon's log until ESP stands or a line says why it never will."""
    async with aclosing(said):
        async for line in said:
            attempt.note(str(line.get("msg", "")))
            if attempt.error is not None:
                raise attempt.error


def _executable() -> Path:
    for path in PATHS:
        if os.access(path, os.X_OK):
            return path
    tried = ", ".join(map(str, PATHS))
    raise IpsecError(f"starting charon: not installed (tried {tried})", permanent=True)


def _forget_own_pid_file() -> None:
    """Removes charon's own pid file unless a charon has that pid.

    A new one would refuse to start, and in a container pids come again.
    """
    with suppress(OSError, ValueError):
        owner = identify(int(OWN_PID_FILE.read_text()))
        if owner is None or Path(owner.exe).name != "charon":
            OWN_PID_FILE.unlink()
