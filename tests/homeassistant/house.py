"""A real Home Assistant, headless, with nothing but its MQTT integration."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession

from bus.wire import Broker
from tests.mosquitto import free_port
from tests.needs import HASS

START_S: Final = 60.0
STOP_S: Final = 20.0
LOOK_S: Final = 0.1
PATIENCE_S: Final = 20.0
NO_VALUE: Final = ("unknown", "unavailable")

CONFIGURATION: Final = """\
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
onboarding:
homeassistant:
  name: Home
  time_zone: UTC
logger:
  default: warning
"""


class House:
    """What a person in front of it would see and press."""

    def __init__(self, session: ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def states(self) -> dict[str, dict[str, Any]]:
        """All of it; keys: entity ids."""
        async with self._session.get(
            f"{self._url}/api/states", headers=self._headers
        ) as answer:
            return {one["entity_id"]: one for one in await answer.json()}

    async def shows(self, **wanted: str) -> dict[str, dict[str, Any]]:
        """Waits until entities are as wanted; `__` stands for the dot in their ids.

        Raises:
            AssertionError: They are not in time.
        """
        names = {name.replace("__", "."): state for name, state in wanted.items()}
        seen: dict[str, Any] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    states = await self.states()
                    seen = {name: states.get(name, {}).get("state") for name in names}
                    if seen == names:
                        return states
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"wanted {names}, seen {seen}") from None

    async def until(self, entity: str, holds: Callable[[str], bool]) -> None:
        """Waits until an entity's state is a value, and such a one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                state = (await self.states())[entity]["state"]
                if state not in NO_VALUE and holds(state):
                    break
                await asyncio.sleep(LOOK_S)

    async def vanishes(self, entity: str) -> None:
        """Waits until there is no such entity; TimeoutError if it stays."""
        async with asyncio.timeout(PATIENCE_S):
            while entity in await self.states():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(LOOK_S)

    async def do(self, service: str, entity: str, **data: str) -> None:
        """Presses, chooses, switches."""
        async with self._session.post(
            f"{self._url}/api/services/{service}",
            headers=self._headers,
            json={"entity_id": entity, **data},
        ) as answer:
            assert answer.status == 200, await answer.text()


@asynccontextmanager
async def home_assistant(folder: Path, broker: Broker) -> AsyncIterator[House]:
    """A house whose onboarding is done and that is connected to the broker."""
    port = free_port()
    _furnish(folder, broker, port)
    process = await asyncio.create_subprocess_exec(
        *(HASS, "-m", "homeassistant", "-c", folder, "--skip-pip"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        async with ClientSession() as session:
            url = f"http://127.0.0.1:{port}"
            yield House(session, url, await _move_in(session, url))
    finally:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def log_of(folder: Path) -> str:
    """What the house complained of."""
    return (folder / "home-assistant.log").read_text()


def _furnish(folder: Path, broker: Broker, port: int) -> None:
    storage = folder / ".storage"
    storage.mkdir(parents=True)
    (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=port))
    entry = {
        "entry_id": "0123456789abcdef0123456789abcdef",
        "version": 1,
        "minor_version": 2,
        "domain": "mqtt",
        "title": "broker",
        "data": {
            "broker": broker.host,
            "port": broker.port,
            "discovery": True,
            "discovery_prefix": "homeassistant",
        },
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "unique_id": None,
        "disabled_by": None,
    }
    stored = {
        "version": 1,
        "minor_version": 2,
        "key": "core.config_entries",
        "data": {"entries": [entry]},
    }
    (storage / "core.config_entries").write_text(json.dumps(stored))


async def _move_in(session: ClientSession, url: str) -> str:
    """A token, as the first person gets it."""
    person = {
        "client_id": f"{url}/",
        "name": "Test",
        "username": "test",
        "password": "test",
        "language": "en",
    }
    code = ""
    async with asyncio.timeout(START_S):
        while not code:
            try:
                async with session.post(
                    f"{url}/api/onboarding/users", json=person
                ) as answer:
                    if answer.status == 200:
                        code = (await answer.json())["auth_code"]
            except ClientError:
                pass
            await asyncio.sleep(LOOK_S)
    grant = {"grant_type": "authorization_code", "code": code, "client_id": f"{url}/"}
    async with session.post(f"{url}/auth/token", data=grant) as answer:
        token: str = (await answer.json())["access_token"]
        return token
