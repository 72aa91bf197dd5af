"""A real broker with its two doors, set up by the product for a chain of two exits."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from bus.acl import Role, User, access_list
from bus.mosquitto import Door, configuration, password_file
from bus.outbox import Parcel
from bus.secret import Secret
from bus.wire import Broker, Wire, open_wire
from tests.mosquitto import Mosquitto, free_port

BASE: Final = "chain"
AGENTS: Final = (
    User("coordinator", Role.COORDINATOR),
    User("entry", Role.ENTRY),
    User("exit-a", Role.EXIT),
    User("exit-b", Role.EXIT),
    User("containers", Role.CONTAINERS),
    User("metrics", Role.METRICS),
    User("dashboard", Role.DASHBOARD),
    User("homeassistant", Role.HOMEASSISTANT),
)
PEOPLE: Final = (
    User("operator", Role.OPERATOR),
    User("home", Role.HOME),
    User("guest", Role.WATCHER),
)
EVERYBODY: Final = tuple(user.name for user in (*AGENTS, *PEOPLE))


class Doors:
    """How everybody comes in; keys: names."""

    def __init__(self, folder: Path, exits: Sequence[str]) -> None:
        self._folder = folder
        agents = (*AGENTS, *(User(name, Role.EXIT) for name in exits))
        everybody = (*agents, *PEOPLE)
        self.words = {one.name: Secret(secrets.token_hex(8)) for one in everybody}
        self.agents = self._door(agents, one_each=True)
        self.people = self._door(PEOPLE, one_each=False)

    def text(self) -> str:
        """mosquitto.conf."""
        return configuration((self.agents, self.people), user="root")

    def broker(self, name: str, *, door: Door | None = None) -> Broker:
        """The broker as this user knows it; `door`: instead of the user's own."""
        people = {user.name for user in PEOPLE}
        door = door or (self.people if name in people else self.agents)
        return Broker(
            door.address,
            door.port,
            username=name,
            password=self.words[name],
            base=BASE,
        )

    def _door(self, users: tuple[User, ...], *, one_each: bool) -> Door:
        place = f"{self._folder}/{'agents' if one_each else 'people'}"
        door = Door(
            address="127.0.0.1",
            port=free_port(),
            passwords=Path(f"{place}.passwords"),
            rights=Path(f"{place}.rights"),
            one_each=one_each,
        )
        known = password_file((user.name, self.words[user.name]) for user in users)
        door.passwords.write_text(known)
        door.rights.write_text(access_list(users, BASE))
        return door


@contextmanager
def open_doors(folder: Path, exits: Sequence[str] = ()) -> Iterator[Doors]:
    """The broker runs; `exits`: more of them."""
    doors = Doors(folder, exits)
    mosquitto = Mosquitto(folder, text=doors.text(), port=doors.agents.port)
    mosquitto.start()
    try:
        yield doors
    finally:
        mosquitto.stop()


@asynccontextmanager
async def enter(
    broker: Broker, identifier: str, will: Parcel | None = None
) -> AsyncIterator[Wire]:
    """A bare connection, which may say and ask for anything."""
    async with open_wire(broker, identifier, will, asyncio.Lock()) as wire:
        yield wire
