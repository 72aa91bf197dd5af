"""A real xl2tpd and a real provider's beside it.

L2TP runs on any kernel; PPP needs one that knows it, and that it does not is a cause.
"""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.exit import kernel_support
from agents.exit.l2tp import Call, L2tpDown, L2tpEvent, L2tpUp, PppExited, PppNamed
from agents.exit.model import Cause
from agents.exit.pppd import Login
from agents.exit.xl2tpd import L2tpError, Xl2tpd
from agents.process import Child, identify, read_pid_file
from bus.secret import Secret
from tests.agents.exit.daemons import (
    LIMIT_S,
    PASSWORD,
    PROVIDER,
    USER,
    Log,
    launcher,
    lns,
    two_nodes,
)

HAS_PPP = kernel_support.lacks_ppp() is None
LOGIN = Login(USER, Secret(PASSWORD))


@dataclass
class World:
    """An exit's xl2tpd and its provider's; nothing runs yet but the latter."""

    xl2tpd: Xl2tpd
    server: Log
    run_dir: Path
    log: Log = field(default_factory=Log)
    events: asyncio.Queue[L2tpEvent] = field(default_factory=asyncio.Queue)

    async def call(self, login: Login = LOGIN, server: str = PROVIDER) -> None:
        await self.xl2tpd.start(server, login)
        await self.xl2tpd.dial()

    async def until(self, *kinds: type[L2tpEvent]) -> L2tpEvent:
        """The next event of one of these kinds."""
        async with asyncio.timeout(LIMIT_S):
            while not isinstance(event := await self.events.get(), kinds):
                pass
        return event

    async def listen(self) -> None:
        async for event in self.xl2tpd.events():
            self.events.put_nowait(event)


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[str, str]]:
    with two_nodes() as names:
        yield names


@pytest.fixture
async def world(nodes: tuple[str, str], tmp_path: Path) -> AsyncIterator[World]:
    here, there = nodes
    run_dir = tmp_path / "exit"
    run_dir.mkdir()
    log = Log()
    xl2tpd = Xl2tpd(run_dir, log, launcher=launcher(here, tmp_path / "ppp"))
    async with lns(there, tmp_path / "server") as server:
        world = World(xl2tpd, server, run_dir, log)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(world.listen())
            try:
                yield world
            finally:
                await xl2tpd.stop()
                listening.cancel()


@pytest.mark.kernel
@pytest.mark.daemon
class TestReal:
    """What runs beside a provider of our own."""

    async def test_a_call_that_is_taken_is_told(self, world: World) -> None:
        await world.call()

        assert await world.until(L2tpUp) == L2tpUp()
        assert world.server.says("Connection established to")

    @pytest.mark.skipif(HAS_PPP, reason="this kernel has PPP")
    async def test_a_kernel_without_ppp_is_the_cause(self, world: World) -> None:
        await world.call()

        exited = await world.until(PppExited)

        assert exited == PppExited(Cause("kernel: no /dev/ppp", permanent=True))
        assert world.xl2tpd.cause == exited.cause

    @pytest.mark.skipif(not HAS_PPP, reason="this kernel has no PPP")
    async def test_a_wrong_password_is_the_cause(self, world: World) -> None:
        await world.call(Login(USER, Secret("wrong")))

        # Whether pppd's end or the server's StopCCN is heard first is a race.
        ended = await world.until(PppExited, L2tpDown)

        cause = Cause("ppp: authentication failed (MS-CHAPv2)", permanent=True)
        assert ended in (PppExited(cause), L2tpDown(cause))

    @pytest.mark.skipif(not HAS_PPP, reason="this kernel has no PPP")
    async def test_the_server_is_told_that_we_go(self, world: World) -> None:
        await world.call()
        await world.log.until("remote IP address")

        await world.xl2tpd.hang_up()

        await world.server.until("(Server closing)")
        said = "\n".join(world.server.lines)
        assert said.index("LCP terminated by peer") < said.index("(Server closing)")

    async def test_nothing_is_left_after_the_end(self, world: World) -> None:
        await world.call()
        await world.until(L2tpUp)
        known = read_pid_file(world.run_dir / "xl2tpd.pid")
        assert known is not None

        await world.xl2tpd.stop()

        assert identify(known.pid) is None
        assert not list(world.run_dir.glob("*.options"))
        assert not (world.run_dir / "pppd.pid").exists()

    async def test_one_call_after_the_other_goes_through(self, world: World) -> None:
        for _ in range(3):
            await world.call()
            await world.until(L2tpUp)
            await world.xl2tpd.hang_up()

    async def test_only_root_reads_the_password_and_no_argument_has_it(
        self, world: World
    ) -> None:
        odd = Secret("s3cret # of \"odd\" 'signs'")
        await world.xl2tpd.start(PROVIDER, Login(USER, odd))
        file = world.run_dir / "ppp.options"
        known = read_pid_file(world.run_dir / "xl2tpd.pid")
        assert known is not None

        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"s3cret" not in Path(f"/proc/{known.pid}/cmdline").read_bytes()
        assert b"s3cret" not in Path(f"/proc/{known.pid}/environ").read_bytes()
        await world.xl2tpd.dial()
        await world.until(L2tpUp)
        assert not world.log.says("s3cret")

    async def test_a_death_that_nobody_asked_for_is_told(self, world: World) -> None:
        await world.call(server="203.0.113.9")
        known = read_pid_file(world.run_dir / "xl2tpd.pid")
        assert known is not None

        os.kill(known.pid, signal.SIGKILL)

        assert await world.until(L2tpDown) == L2tpDown(Cause("xl2tpd: it ended"))
        with pytest.raises(L2tpError, match="xl2tpd: it ended"):
            await world.xl2tpd.dial()

    async def test_a_server_that_dies_leaves_no_call_behind(self, world: World) -> None:
        await world.call(server="203.0.113.9")

        await world.xl2tpd.hang_up()

        assert not (world.run_dir / "xl2tpd.pid").exists()

    async def test_a_successor_ends_what_a_killed_agent_left(
        self, world: World, nodes: tuple[str, str], tmp_path: Path
    ) -> None:
        pid_file = world.run_dir / "xl2tpd.pid"
        await world.call(server="203.0.113.9")
        launched = read_pid_file(pid_file)
        assert launched is not None
        left = identify(launched.pid)  # now that it has taken the launcher's place
        pid_file.write_text(f"{left}\n")
        before = launcher(nodes[0], tmp_path / "ppp")

        await Xl2tpd(world.run_dir, Log(), launcher=before).stop()

        assert identify(launched.pid) is None

    async def test_a_pppd_that_outlived_xl2tpd_is_ended(self, world: World) -> None:
        # It would hold ppp0; here anything that sleeps stands for it.
        argv = [sys.executable, "-c", "import time; time.sleep(60)"]
        orphan = await Child.start(argv, pid_file=world.run_dir / "x", on_line=Log())
        (world.run_dir / "pppd.pid").write_text(f"{identify(orphan.pid)}\n")

        await world.xl2tpd.start(PROVIDER, LOGIN)

        async with asyncio.timeout(LIMIT_S):
            assert await orphan.wait() == -signal.SIGTERM

    async def test_hanging_up_without_a_call_is_harmless(self, world: World) -> None:
        await world.xl2tpd.hang_up()
        await world.xl2tpd.stop()


async def test_a_full_disk_is_the_cause_and_may_pass(tmp_path: Path) -> None:
    (tmp_path / "xl2tpd.conf").symlink_to("/dev/full")

    with pytest.raises(L2tpError, match="No space left on device") as caught:
        await Xl2tpd(tmp_path, Log()).start(PROVIDER, LOGIN)

    assert not caught.value.cause.permanent


# --- what its words mean --------------------------------------------------------------

TOLD = "xl2tpd[125]: "
ESTABLISHED = f"{TOLD}Call established with 203.0.113.2, Local: 7314, Remote: 61262"
CLOSED = f"{TOLD}control_finish: Connection closed to 203.0.113.2, serial 1 ()"
EXITED = f"{TOLD}child_handler : pppd exited for call 61262 with code "


def told(*lines: str) -> tuple[L2tpEvent, ...]:
    call = Call()
    return tuple(event for line in lines for event in call.take(line))


def test_the_line_before_the_end_tells_more_than_the_code() -> None:
    cause = Cause("ppp: authentication failed (MS-CHAPv2)", permanent=True)

    failed = "MS-CHAP authentication failed: E=691 Authentication failure"
    events = told(ESTABLISHED, failed, "CHAP authentication failed", f"{EXITED}19")

    assert events == (L2tpUp(), PppExited(cause))


def test_the_code_tells_where_no_line_did() -> None:
    assert told(f"{EXITED}16") == (PppExited(Cause("ppp: hung up by the server")),)


def test_a_server_that_ends_the_call_first_leaves_pppd_no_code() -> None:
    cause = Cause("ppp: no authentication method in common", permanent=True)

    events = told("LCP terminated by peer (peer refused to authenticate)", CLOSED)

    assert events == (L2tpDown(cause),)


def test_the_end_of_call_and_tunnel_is_one_end() -> None:
    ended = f"{TOLD}Connection closed to 203.0.113.2, port 1701 (Server closing), Local"

    assert told(CLOSED, ended) == (L2tpDown(Cause("l2tp: ended by the server")),)


def test_silence_is_told_as_such() -> None:
    given_up = f"{TOLD}Maximum retries exceeded for tunnel 63020.  Closing."
    closed = f"{TOLD}Connection 0 closed to 203.0.113.2, port 1701 (Timeout)"

    cause = Cause("l2tp: no answer from the server", silent=True)
    assert told(given_up, closed) == (L2tpDown(cause),)


def test_our_own_hanging_up_is_no_news() -> None:
    closed = f"{TOLD}Connection 63020 closed to 203.0.113.2, port 1701 (Server closing)"

    assert told(closed) == ()


def test_two_writers_on_one_pipe_are_told_apart() -> None:
    events = told(f"Connect: ppp0 <--> {ESTABLISHED}")

    assert events == (L2tpUp(),)


def test_resolvers_are_told_as_they_come() -> None:
    first, second = "primary   DNS address 10.0.0.1", "secondary DNS address 10.0.0.2"

    call = Call()

    events = [(call.take(line), call.dns) for line in (first, first, second)]

    assert events == [
        ((PppNamed(),), ("10.0.0.1",)),
        ((), ("10.0.0.1",)),
        ((PppNamed(),), ("10.0.0.1", "10.0.0.2")),
    ]
