"""Asks now and then where clients are seen, through the exit that carries them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from agents.entry.address_answer import AddressError, address_in
from agents.entry.events import AddressSeen
from agents.entry.probe_routes import ProbeRoutes
from agents.entry.public_address import Inquiry
from agents.entry.waiting import wait_within
from agents.netlink_errors import NetlinkError
from agents.settings_model import EntrySettings
from bus.complaints import Complaints

RETRY_S: Final = 10.0  # after no answer, and while a leak stands
log = logging.getLogger(__name__)

Ask = Callable[[str, int], Awaitable[bytes]]


class Inquirer:
    """Asks one service, as it is wished."""

    def __init__(
        self,
        routes: ProbeRoutes,
        entry: EntrySettings,
        tell: Callable[[AddressSeen], None],
    ) -> None:
        """`tell` hears of each answer; if no service is set there will be none."""
        self._routes = routes
        self._url = entry.public_address_url
        self._every_s = entry.public_address_interval_s
        self._soon_s = min(RETRY_S, self._every_s)
        self._ask = _loaded() if self._url else _nobody
        self._tell = tell
        self._wish: Inquiry | None = None
        self._wished = asyncio.Event()
        self._complaints = Complaints(log)

    def want(self, wish: Inquiry | None) -> None:
        """This is asked at once and then again and again; None: nothing is."""
        self._wish = wish
        self._wished.set()

    async def keep(self) -> NoReturn:
        """Asks what was wished last."""
        pause_s: float | None = None
        while True:
            await wait_within(self._wished, pause_s)
            self._wished.clear()
            pause_s = await self._turn(self._wish) if self._wish else None

    async def _turn(self, wish: Inquiry) -> float:
        """How long to wait until it is asked again."""
        try:
            mark = await self._routes.open(wish.address)
            address = address_in(await self._ask(self._url, mark))
        except (NetlinkError, AddressError) as error:
            self._complaints.say(type(error).__name__, str(error))
            return self._soon_s
        self._tell(AddressSeen(time.monotonic(), wish, address))
        return self._soon_s if wish.urgent else self._every_s


def _loaded() -> Ask:
    """Imported only where it is wanted: its library takes 12 MB."""
    from agents.entry.address_service import ask  # noqa: PLC0415

    return ask


async def _nobody(url: str, _mark: int) -> bytes:
    raise AddressError(f"asking {url!r}: no service is set")
