"""The chain in a house, for every test here that wants it."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from bus.wire import Broker
from tests.homeassistant.world import World, open_world
from tests.mosquitto import Mosquitto


@pytest.fixture
def packages() -> Mapping[str, str]:
    """What the house is configured with, besides the least."""
    return {}


@pytest.fixture
async def world(
    mosquitto: Mosquitto, tmp_path: Path, packages: Mapping[str, str]
) -> AsyncIterator[World]:
    """A house that has found the chain."""
    broker = Broker(mosquitto.host, mosquitto.port)
    async with open_world(broker, tmp_path / "house", packages) as world:
        yield world
