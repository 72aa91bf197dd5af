"""wg0 as it is wanted: there or not, and as wg0.conf says. Works beside the loop.

Only the last wish counts: what was overtaken meanwhile is left out.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NoReturn

from agents.entry.configuration import device_is_there
from agents.entry.model import DEVICE, Device
from agents.entry.peer_model import PeerSeen
from agents.entry.wgconf import WgConf
from agents.entry.wireguard import Wireguard, WireguardError
from agents.network import Route

log = logging.getLogger(__name__)


class Gatekeeper:
    """Opens and closes the gate of one entry."""

    def __init__(
        self, wireguard: Wireguard, tell: Callable[[Device | None, str], None]
    ) -> None:
        """`tell`: hears what stands after each wish, and why not what was wanted."""
        self._wireguard = wireguard
        self._tell = tell
        self._device: Device | None = None
        self._open = False
        self._wished = asyncio.Event()

    async def adopt(self) -> Device | None:
        """The wg0 that was left; one that cannot be set as wg0.conf says is closed."""
        try:
            self._device = await self._wireguard.present()
        except WireguardError as error:
            log.warning("taking over %s: %s; closing it", DEVICE, error)
            await self._wireguard.close()
        self._open = self._device is not None
        return self._device

    def want(self, *, open_: bool) -> None:
        """The gate shall be open, or closed."""
        self._open = open_
        self._wished.set()

    def obey(self, conf: WgConf, routes: tuple[Route, ...]) -> None:
        """This is what wg0.conf says now; peers that stay in it are not disturbed."""
        self._wireguard.obey(conf, routes)
        if self._open:
            self._wished.set()

    async def peers(self) -> tuple[PeerSeen, ...] | None:
        """The peers as WireGuard has them; None: it does not say."""
        return await self._wireguard.peers() if device_is_there() else ()

    async def keep(self) -> NoReturn:
        """Does the last wish."""
        while True:
            await self._wished.wait()
            self._wished.clear()
            cause = ""
            try:
                if self._open:
                    self._device = await self._wireguard.open()
                else:
                    await self._wireguard.close()
                    self._device = None
            except WireguardError as error:
                cause = str(error)
                log.warning("gate: %s", cause)
            if not self._wished.is_set():
                self._tell(self._device if device_is_there() else None, cause)
