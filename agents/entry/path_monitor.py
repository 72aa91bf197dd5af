"""The paths through the exits: a lane for each, and probes in it."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, NoReturn

from agents.entry.probe_routes import ProbeRoutes
from agents.entry.prober import Prober
from agents.entry.waiting import wait_within
from agents.netlink_errors import NetlinkError
from bus.messages.orders import Hop
from bus.messages.paths import Health, PathReport

RETRY_S: Final = 5.0
log = logging.getLogger(__name__)


class PathMonitor:
    """Measures through those exits that are wanted, and through no other."""

    def __init__(
        self,
        routes: ProbeRoutes,
        prober: Prober,
        tell: Callable[[str, PathReport], None],
    ) -> None:
        self._routes = routes
        self._prober = prober
        self._tell = tell
        self._hops: tuple[Hop, ...] = ()
        self._failing: dict[str, float] = {}  # since when an exit has no route, Unix s
        self._wished = asyncio.Event()

    def want(self, hops: tuple[Hop, ...]) -> None:
        """Only the last wish counts; asked again, routes that went are set again."""
        self._hops = hops
        self._wished.set()

    async def keep(self) -> NoReturn:
        """Does the last wish, and tries again what failed."""
        retry_s: float | None = None
        while True:
            await wait_within(self._wished, retry_s)
            self._wished.clear()
            retry_s = None if await self._settle(self._hops) else RETRY_S

    async def _settle(self, hops: tuple[Hop, ...]) -> bool:
        """Whether all is as wanted."""
        wanted = {(hop.exit, hop.address) for hop in hops}
        for name, address in self._prober.names():
            if (name, address) not in wanted:
                self._prober.end(name)
        for name in self._failing.keys() - {hop.exit for hop in hops}:
            del self._failing[name]
        well = True
        try:
            await self._routes.receive()
            await self._routes.sweep({hop.address for hop in hops})
        except NetlinkError as error:
            log.warning("%s; trying again", error)
            well = False
        for hop in hops:
            well = await self._begin(hop) and well
        return well

    async def _begin(self, hop: Hop) -> bool:
        try:
            mark = await self._routes.open(hop.address)
            self._prober.begin(hop.exit, hop.address, mark)
        except (NetlinkError, OSError) as error:
            log.warning("measuring through %s: %s", hop.exit, error)
            self._prober.end(hop.exit)
            since = self._failing.setdefault(hop.exit, time.time())
            down = PathReport(health=Health.DOWN, since=since, cause=str(error))
            self._tell(hop.exit, down)
            return False
        self._failing.pop(hop.exit, None)
        return True
