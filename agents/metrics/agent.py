"""The metrics' shell: bus in, samples out over HTTP. No rule.

Nobody waits for it: the chain does not know whether anybody measures it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from agents.http_server import serve
from agents.lifecycle import Job
from agents.metrics.exposition import Exposition
from agents.metrics.pages import app
from agents.metrics.readings import Readings
from agents.settings_model import Settings
from bus.interface import Bus, Subscription
from bus.topics import (
    DECISION,
    ENTRY_EVENT,
    ENTRY_STATE,
    EXIT_STATE,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    TELEMETRY,
)

log = logging.getLogger(__name__)


class Metrics:
    """Serves /metrics, /healthz and /readyz."""

    role = "metrics"

    def __init__(self, settings: Settings, name: str = "metrics") -> None:
        self.name = name
        self.subscriptions: Sequence[Subscription] = tuple(
            Subscription(topic)
            for topic in (
                *(PRESENCE, TELEMETRY, EXIT_STATE, ENTRY_STATE, PATH_STATE),
                *(PEER_STATE, ENTRY_EVENT, DECISION),
            )
        )
        self._settings = settings.metrics
        self.readings = Readings(settings.metrics.peers)

    async def open(self) -> None:
        """Nothing: this agent touches no host."""

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """What runs as long as the agent lives."""
        return {"listen": lambda: self._listen(bus), "serve": self._serve}

    async def close(self) -> None:
        """Nothing: the server goes with its job."""

    async def _listen(self, bus: Bus) -> None:
        async for heard in bus:
            self.readings.take(heard)

    async def _serve(self) -> None:
        place = self._settings
        pages = app(Exposition(self.readings), self.readings)
        async with serve(pages, self.role, place):
            log.info("metrics are at http://%s:%d/metrics", place.address, place.port)
            await asyncio.Event().wait()
