"""A chain, our agent, and a real house that has found both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents.settings_model import HomeAssistantSettings, Settings
from bus.messages.entries import PeerReport
from bus.wire import Broker
from tests.homeassistant.house import House, complaints_of, home_assistant
from tests.homeassistant.life import living
from tests.standin import StandIns, stand_ins

SETTINGS: Final = Settings(
    homeassistant=HomeAssistantSettings(peers=True, jitter_s=0.0)
)


@dataclass
class World:
    """All who are there; `agent` can be ended, and another life of it begun."""

    house: House
    chain: StandIns
    broker: Broker
    folder: Path
    agent: AsyncExitStack

    async def begin(self) -> None:
        """The agent's life."""
        await self.agent.enter_async_context(living(self.broker, SETTINGS))


@asynccontextmanager
async def open_world(
    broker: Broker, folder: Path, packages: Mapping[str, str]
) -> AsyncIterator[World]:
    """Two exits that are ready, a client, and a house that does not complain."""
    async with (
        AsyncExitStack() as agent,
        stand_ins(broker) as chain,
        home_assistant(folder, broker, packages) as house,
    ):
        world = World(house, chain, broker, folder, agent)
        await world.begin()
        await chain.ready("exit-a")
        await chain.ready("exit-b")
        phone = PeerReport(name="phone", connected=True, handshake_at=1767225558.0)
        await chain.entry.meet("p1", phone)
        await house.shows(
            sensor__vpnchain_active_exit="exit-a",
            binary_sensor__vpnchain_exit_b_connectivity="on",
            sensor__vpnchain_p1_handshake="2025-12-31T23:59:18+00:00",
        )
        yield world
        assert complaints_of(folder) == []
