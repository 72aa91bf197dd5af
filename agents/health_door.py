"""Where a living agent tells how it is: its side of `agents/health.py`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from agents.health import HEALTHY, address
from agents.health_rules import Record, ailment
from bus.interface import Bus, Counters, Heard, Received
from bus.topics import P, Topic

log = logging.getLogger(__name__)


class Overheard:
    """The bus as the agent sees it; what passes is noted for its health."""

    def __init__(self, bus: Bus) -> None:
        self.record = Record()
        self._bus = bus
        self._source = aiter(bus)

    @property
    def connected(self) -> bool:
        """See Bus."""
        return self._bus.connected

    @property
    def counters(self) -> Counters:
        """See Bus."""
        return self._bus.counters

    async def publish(self, topic: Topic[P], payload: P, **levels: str) -> None:
        """See Bus."""
        self.record = self.record.said(payload)
        await self._bus.publish(topic, payload, **levels)

    async def forget(self, topic: Topic[Any], **levels: str) -> None:
        """See Bus."""
        await self._bus.forget(topic, **levels)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        heard = await anext(self._source)
        if isinstance(heard, Received):
            self.record = self.record.heard(heard.payload)
        return heard


@asynccontextmanager
async def overheard(name: str, role: str, bus: Bus) -> AsyncIterator[Overheard]:
    """The bus for the agent; whoever asks is told how it is until the block is left.

    An agent that cannot be asked (another one of its name is here) lives all the same.
    """
    noted = Overheard(bus)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = ailment(role, noted.record, connected=noted.connected) or HEALTHY
        writer.write(f"{words}\n".encode())
        writer.close()

    try:
        server = await asyncio.start_unix_server(answer, address(name))
    except OSError as error:
        log.warning("nobody can ask how %s is: %s", name, error.strerror)
        yield noted
        return
    async with server:
        yield noted
