"""The dashboard's shell: bus in, page out, people's requests onto the bus. No rule.

Nobody waits for it: the chain does not know whether anybody looks.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.dashboard.access import Access
from agents.dashboard.desk import Desk
from agents.dashboard.hub import Hub
from agents.dashboard.picture import Picture
from agents.dashboard.web import Site
from agents.http_server import serve
from agents.lifecycle import Job
from agents.settings import read_secret
from agents.settings_model import Settings
from bus.codec import as_data
from bus.commands import Response
from bus.interface import Bus, Received, Subscription
from bus.messages.peers import PeerTerms
from bus.topics import REQUEST, TOPICS

log = logging.getLogger(__name__)


class Dashboard:
    """One page that shows the chain, and steers it for those who may."""

    role = "dashboard"

    def __init__(self, settings: Settings, name: str = "dashboard") -> None:
        """Reads the token.

        Raises:
            SettingsError: Its file is not as it should be.
        """
        self.name = name
        # Others' wishes are not shown, only what becomes of them.
        self.subscriptions: Sequence[Subscription] = tuple(
            Subscription(topic) for topic in TOPICS if topic is not REQUEST
        )
        self._settings = settings.dashboard
        self._access = Access(
            read_secret(Path(file)) if (file := self._settings.token_file) else None,
            self._settings.proxy_header,
            self._settings.proxies,
        )
        self._desk = Desk()
        self._hub = Hub(Picture())

    async def open(self) -> None:
        """Nothing: the page is served once the bus is known."""

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """What runs as long as the agent lives."""
        return {
            "listen": lambda: self._listen(bus),
            "encode": self._hub.keep_encoding,
            "serve": lambda: self._serve(bus),
        }

    async def close(self) -> None:
        """Nothing: the server goes with its job."""

    async def _listen(self, bus: Bus) -> None:
        async for heard in bus:
            payload = heard.payload if isinstance(heard, Received) else None
            if isinstance(payload, Response):
                self._desk.answered(payload)
                continue
            plain = {} if payload is None else as_data(payload)
            self._hub.picture.take(heard, plain, time.time())
            self._hub.changed()

    async def _serve(self, bus: Bus) -> None:
        async def ask(agent: str, verb: str, exit_: str) -> str:
            return await self._desk.ask(bus, agent, verb, exit_)

        async def add_peer(
            entry: str, name: str, public_key: str
        ) -> tuple[str, PeerTerms | None]:
            return await self._desk.add_peer(bus, entry, name, public_key)

        site = Site(self._hub, self._access, ask, add_peer)
        place = self._settings
        async with serve(site.app(), self.role, place):
            log.info("the page is at http://%s:%d/", place.address, place.port)
            await asyncio.Event().wait()
