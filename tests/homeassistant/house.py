"""A real Home Assistant, headless, with nothing but its MQTT integration."""

import asyncio
import json
import os
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession

from bus.wire import Broker
from tests.mosquitto import free_port
from tests.needs import HASS

# Bounds, not waits: a machine that has other things to do takes its time.
START_S: Final = 180.0
STOP_S: Final = 30.0
LOOK_S: Final = 0.1
PATIENCE_S: Final = 60.0
LAST_CHARACTERS: Final = 2000
NO_VALUE: Final = ("unknown", "unavailable", None)
LEVELS: Final = (" WARNING ", " ERROR ")
# Words of its log that are about the machine, not about us.
NOT_OURS: Final = (
    *("pip installation", "IPv4 addresses", "Python version"),
    *("is taking over", "is taking longer than"),
)
States = Mapping[str, Mapping[str, Any]]

CONFIGURATION: Final = """\
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
onboarding:
homeassistant:
  name: Home
  time_zone: UTC
  packages: !include_dir_named packages
logger:
  default: warning
"""


class House:
    """What a person in front of it would see and press."""

    def __init__(self, session: ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def states(self) -> States:
        """All of it; keys: entity ids."""
        answer = await self._asked("states")
        return {one["entity_id"]: one for one in answer}

    async def starts(self) -> None:
        """Waits until it has: no automation is at work before. TimeoutError: never."""
        async with asyncio.timeout(START_S):
            while (await self._asked("config"))["state"] != "RUNNING":  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)

    async def shows(self, **wanted: str) -> States:
        """Waits until entities are as wanted; `__` stands for the dot in their ids.

        Raises:
            AssertionError: They are not in time.
        """
        names = {name.replace("__", "."): state for name, state in wanted.items()}
        return await self._see(
            lambda states: {name: _state(states, name) for name in names}, names
        )

    async def tells(self, entity: str, **wanted: object) -> None:
        """Waits until these attributes are as wanted; AssertionError: they are not."""

        def look(states: States) -> object:
            told = states.get(entity, {}).get("attributes", {})
            return {key: told.get(key) for key in wanted}

        await self._see(look, wanted)

    async def until(self, entity: str, holds: Callable[[str], bool]) -> None:
        """Waits until an entity's state is a value, and such a one."""

        def look(states: States) -> object:
            state = _state(states, entity)
            return True if state not in NO_VALUE and holds(state) else state

        await self._see(look, wanted=True)

    async def knows(self, entities: Sequence[str]) -> None:
        """Waits until each is there, and somebody says its state."""
        nobody = (None, "unavailable")
        await self._see(
            lambda states: [one for one in entities if _state(states, one) in nobody],
            [],
        )

    async def forgets(self, words: str) -> None:
        """Waits until no entity has these words in its id."""
        await self._see(lambda states: [name for name in states if words in name], [])

    async def do(self, service: str, entity: str, **data: str) -> None:
        """Presses, chooses, switches."""
        async with self._session.post(
            f"{self._url}/api/services/{service}",
            headers=self._headers,
            json={"entity_id": entity, **data},
        ) as answer:
            assert answer.status == 200, await answer.text()

    async def _asked(self, what: str) -> Any:
        async with self._session.get(
            f"{self._url}/api/{what}", headers=self._headers
        ) as answer:
            return await answer.json()

    async def _see(self, look: Callable[[States], object], wanted: object) -> States:
        """Waits until a look at all states finds what is wanted."""
        seen: object = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    states = await self.states()
                    if (seen := look(states)) == wanted:
                        return states
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"wanted {wanted}, seen {seen}") from None


@asynccontextmanager
async def home_assistant(
    folder: Path, broker: Broker, packages: Mapping[str, str]
) -> AsyncIterator[House]:
    """A house whose onboarding is done and that is connected to the broker.

    `packages`: what else it is configured with, as YAML by any name.
    """
    port = free_port()
    _furnish(folder, broker, port, packages)
    process = await asyncio.create_subprocess_exec(
        *(HASS, "-m", "homeassistant", "-c", folder, "--skip-pip"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        async with ClientSession() as session:
            url = f"http://127.0.0.1:{port}"
            try:
                house = House(session, url, await _move_in(session, url, process))
                await house.starts()
            except TimeoutError:
                last = _log_of(folder)[-LAST_CHARACTERS:]
                raise AssertionError(
                    f"Home Assistant does not start:\n{last}"
                ) from None
            yield house
    finally:
        await end(process)


async def end(process: Process) -> None:
    """In good order if it can."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def complaints_of(folder: Path) -> list[str]:
    """What the house has complained of so far, line by line."""
    return [
        line
        for line in _log_of(folder).splitlines()
        if any(level in line for level in LEVELS)
        and not any(words in line for words in NOT_OURS)
    ]


def _log_of(folder: Path) -> str:
    log = folder / "home-assistant.log"
    return log.read_text() if log.exists() else ""


def _state(states: States, entity: str) -> Any:
    return states.get(entity, {}).get("state")


def _furnish(
    folder: Path, broker: Broker, port: int, packages: Mapping[str, str]
) -> None:
    storage = folder / ".storage"
    storage.mkdir(parents=True)
    (folder / "packages").mkdir()
    for name, text in packages.items():
        (folder / "packages" / f"{name}.yaml").write_text(text)
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


async def _move_in(session: ClientSession, url: str, process: Process) -> str:
    """A token, as the first person gets it; TimeoutError: nobody opens."""
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
            if process.returncode is not None:
                raise TimeoutError
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
