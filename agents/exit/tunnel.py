"""The outside of an exit: charon, xl2tpd, ppp0, the probe; what happens becomes events.

Nothing is decided here. Each step runs until it is cancelled, for what it built has to
be watched; all that can go wrong with it is posted as `Failed`, in words for a person.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final, NoReturn

from agents.exit.charon import Charon
from agents.exit.forwarding import DEVICE
from agents.exit.host import Host, HostError
from agents.exit.ipsec import CharonExited, ChildUp, IkeUp, IpsecError, IpsecTunnel
from agents.exit.kernel_support import lacks
from agents.exit.l2tp import L2tpUp, PppNamed
from agents.exit.model import (
    Carry,
    Cause,
    Closed,
    Connect,
    Dial,
    Event,
    Failed,
    IpsecDown,
    PppLink,
    PppUp,
    Prepare,
    Probed,
    Reached,
    Resolved,
)
from agents.exit.pppd import Login
from agents.exit.presets import PRESETS
from agents.exit.probe import Probe, ProbeError
from agents.exit.resolve import ResolveError, resolve
from agents.exit.window import Window
from agents.exit.xl2tpd import L2tpError, Xl2tpd
from agents.files import note
from agents.mounts import check_can_be_made, check_in_memory
from agents.netlink_errors import NetlinkError
from agents.network import Traffic
from agents.probe_habit import Habit
from agents.settings import read_exit_secrets
from agents.settings_model import Settings
from bus.messages.exits import Stage

LAST_WORDS_S: Final = 0.5
GOODBYE_S: Final = 4.0  # to the server, at all layers together
_WENT_DOWN: Final = Cause("ppp: ppp0 went down")
_CHARON_ENDED: Final = Cause("charon: it ended")

log = logging.getLogger(__name__)

Step = Prepare | Connect | Dial | Carry


class Daemons:
    """The real daemons on this host."""

    def __init__(
        self, settings: Settings, name: str, post: Callable[[Event], None]
    ) -> None:
        """`post` takes each event, in the order of things.

        Raises:
            SettingsError: A secret is missing or empty, or would come onto a disk, or
                there is no place for what has to be written.
        """
        self._settings = settings.exit
        self._secrets = read_exit_secrets(settings.exit.secrets)
        self._run_dir = settings.exit.run_dir / name
        check_can_be_made(settings.exit.run_dir, "exit.run_dir")
        check_in_memory(settings.exit.run_dir, "exit.run_dir")
        self._post = post
        self._host = Host(settings.network, self._settings.mtu_bytes)
        self._charon = Charon(self._run_dir, _ignore)
        self._xl2tpd = Xl2tpd(self._run_dir, lambda _: self._line.set())
        self._line = asyncio.Event()  # xl2tpd or pppd said something
        self._link: PppLink | None = None
        # What an attempt learns the next one knows: it is ready at its first answer.
        self._habits = {str(one): Habit() for one in self._settings.probe_targets}
        self.left = False
        self._went_down = False  # the link, and not by our doing
        self._heard = False  # the server's last word to us, not our last into the void

    @property
    def address(self) -> str:
        """See agent.Tunnel."""
        return self._host.address

    @property
    def accepted(self) -> str:
        """See agent.Tunnel."""
        with suppress(OSError):  # a first life
            return self._preset_file.read_text().strip()
        return ""

    @property
    def _preset_file(self) -> Path:
        return self._run_dir / "preset"

    async def open(self) -> None:
        """See agent.Tunnel."""
        self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._host.open()
        self.left = await self._host.has_link()
        if not self.left:
            await self._end()

    async def keep(self) -> NoReturn:
        """See agent.Tunnel."""
        await self._host.keep()

    async def reroute(self, detour: str) -> None:
        """See agent.Tunnel."""
        await self._host.reroute(detour)

    async def traffic(self) -> Traffic | None:
        """See agent.Tunnel."""
        return await self._host.traffic()

    async def run(self, step: Step) -> None:
        """See agent.Tunnel."""
        match step:
            case Prepare():
                await self._told(self._prepare())
            case Connect():
                await self._told(self._connect(step))
            case Dial():
                await self._told(self._dial(step))
            case Carry():
                await self._told(self._carry())

    async def _told(self, work: Awaitable[None]) -> None:
        """Does the work; what goes wrong with it is posted.

        Each task of a step is told by itself: a group would raise a group of errors.
        """
        try:
            await work
        except IpsecError as error:
            cause = Cause(error.cause, permanent=error.permanent)
            self._fail(cause, refused=error.refused)
        except (L2tpError, ResolveError) as error:
            self._fail(error.cause)
        except (HostError, NetlinkError) as error:
            self._fail(Cause(f"host: {error}"))

    async def clear(self) -> None:
        """See agent.Tunnel."""
        if self._went_down:
            await self._last_words()
        clean, cause = self._heard, self._xl2tpd.cause
        await self._end()
        jitter = random.random()  # noqa: S311 - no secret
        self._post(Closed(time.monotonic(), clean, jitter, cause))

    async def _last_words(self) -> None:
        """Lets pppd and xl2tpd say why the link went, before we make them go."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                while self._xl2tpd.cause is None:
                    self._line.clear()
                    await self._line.wait()

    async def close(self) -> None:
        """See agent.Tunnel."""
        await self._end()
        await self._host.close()

    async def _end(self) -> None:
        """Goodbye at every layer from the top; nothing is left, of whichever life.

        Whoever is still talking when the time is over is ended without a word.
        """
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._xl2tpd.hang_up()
                await self._charon.terminate(force=True)
        except TimeoutError:
            log.warning("saying goodbye: not done in %g s", GOODBYE_S)
        await self._xl2tpd.stop()
        await self._charon.stop()
        await self._host.sweep()
        self._link, self._heard, self._went_down = None, False, False

    # --- steps -----------------------------------------------------------------------

    async def _prepare(self) -> None:
        if missing := await asyncio.to_thread(lacks):
            self._fail(missing)
            return
        server = await resolve(self._secrets.server)
        self._post(Resolved(time.monotonic(), server))

    async def _connect(self, step: Connect) -> None:
        tunnel = IpsecTunnel(
            local=await self._host.pin(step.server),
            server=step.server,
            psk=self._secrets.psk,
            proposals=PRESETS[step.preset],
            remote_id=self._settings.remote_id,
            pfs=self._settings.pfs,
        )
        await self._charon.start(fresh_ports=step.fresh_ports)
        async with asyncio.TaskGroup() as tasks:
            watching = self._told(self._watch_ipsec(step.preset))
            tasks.create_task(watching, name="ipsec")
            await self._told(self._charon.connect(tunnel))

    async def _watch_ipsec(self, preset: str) -> None:
        async with aclosing(self._charon.events()) as events:
            async for event in events:
                match event:
                    case IkeUp():
                        self._heard = True
                        self._post(Reached(time.monotonic(), Stage.IKE))
                    case ChildUp():
                        note(self._preset_file, preset)
                        self._post(Reached(time.monotonic(), Stage.IPSEC))
                    case CharonExited():
                        self._fail(_CHARON_ENDED)
                    case _:
                        self._post(IpsecDown(time.monotonic()))

    async def _dial(self, step: Dial) -> None:
        login = Login(
            username=self._secrets.username.reveal(),
            password=self._secrets.password,
            methods=self._settings.ppp_methods,
            mppe=self._settings.mppe,
            mtu_bytes=self._settings.mtu_bytes,
        )
        await self._xl2tpd.start(step.server, login)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._told(self._watch_call()), name="l2tp")
            tasks.create_task(self._told(self._watch_link()), name="ppp0")
            await self._told(self._xl2tpd.dial())

    async def _watch_call(self) -> None:
        async with aclosing(self._xl2tpd.events()) as events:
            async for event in events:
                match event:
                    case L2tpUp():
                        self._heard = True
                        self._post(Reached(time.monotonic(), Stage.L2TP))
                    case PppNamed():
                        self._up(self._link)
                    case _ as ended:
                        self._heard = not ended.cause.silent
                        self._fail(ended.cause)

    async def _watch_link(self) -> None:
        """Tells of ppp0, and of its end once it was up."""
        async with aclosing(self._host.watch_link()) as links:
            async for link in links:
                if link is not None:
                    self._up(link)
                elif self._link is not None:
                    self._link, self._went_down = None, True
                    self._fail(_WENT_DOWN, vague=True)

    def _up(self, link: PppLink | None) -> None:
        """The link is up, or is known better; nothing before it is up."""
        if link is not None:
            self._link = PppLink(link.address, link.mtu_bytes, self._xl2tpd.dns)
            self._post(PppUp(time.monotonic(), self._link))

    async def _carry(self) -> None:
        try:
            await self._host.carry()
        except NetlinkError as error:  # the link went down in this instant
            self._fail(Cause(f"host: {error}"), vague=True)
            return
        every_s = self._settings.probe_interval_s
        probe = Probe(DEVICE, self._habits, every_s, self._probed)
        try:
            await probe.run()
        except ProbeError as error:
            self._fail(Cause(f"probe: {error}"), vague=True)

    def _probed(self, answered: bool, window: Window) -> None:
        self._heard = answered
        now_s = time.monotonic()
        self._post(Probed(now_s, answered, window.rtt_ms, window.loss_ratio))

    def _fail(
        self, cause: Cause, *, refused: bool = False, vague: bool = False
    ) -> None:
        self._post(Failed(time.monotonic(), cause, refused=refused, vague=vague))


def _ignore(_: str) -> None:
    """A line of a daemon: the log has it already."""
