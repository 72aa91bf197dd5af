"""Waiting for what a bus hears."""

import asyncio
from typing import Final, TypeVar

from bus.interface import Bus, BusDown, BusUp, Forgotten, Heard, Received
from bus.topics import Topic

P = TypeVar("P")
Sign = TypeVar("Sign", BusUp, BusDown, Forgotten)

PATIENCE_S: Final = 15.0


async def anything(bus: Bus) -> Heard:
    """The next thing heard."""
    async with asyncio.timeout(PATIENCE_S):
        return await anext(aiter(bus))


async def message(bus: Bus, topic: Topic[P]) -> Received[P]:
    """The next message of this family; what else is heard is passed over."""
    while True:
        heard = await anything(bus)
        if isinstance(heard, Received) and heard.topic is topic:
            return heard


async def sign(bus: Bus, kind: type[Sign]) -> Sign:
    """The next of this kind; what else is heard is passed over."""
    while True:
        heard = await anything(bus)
        if isinstance(heard, kind):
            return heard
