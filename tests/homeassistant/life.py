"""The agent as a life of its own, beside the chain of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.homeassistant.agent import HomeAssistant
from agents.settings_model import Settings
from bus.link import open_link
from bus.wire import Broker


@asynccontextmanager
async def living(broker: Broker, settings: Settings) -> AsyncIterator[None]:
    """It is at work, and says farewell at the end."""
    agent = HomeAssistant(settings)
    link = open_link(agent.name, agent.role, broker, agent.subscriptions)
    async with link as bus, asyncio.TaskGroup() as tasks:
        jobs = [tasks.create_task(job()) for job in agent.jobs(bus).values()]
        try:
            yield
        finally:
            for job in jobs:
                job.cancel()
