"""The lab's broker, set up as an operator's: users, passwords, rights, two doors.

Agents come in over the network, each as itself; who watches from outside comes in by a
socket, as an operator. So every test of the chain shows that no right is missing.
"""

import secrets
from pathlib import Path
from typing import Final

from bus.acl import Role, User, access_list
from bus.mosquitto import Door, configuration, password_file
from bus.secret import Secret
from bus.wire import Broker
from lab.nodes import FOLDER, Lab
from lab.topology import CONTROL_ADDRESS

PORT: Final = 1883
PASSWORD: Final = Path("/run/broker_password")  # each agent's, in its node's own /run
# May come in as well, if somebody starts them; named as their roles, all at `control`.
ONLOOKERS: Final = (Role.HOMEASSISTANT, Role.METRICS, Role.DASHBOARD, Role.CONTAINERS)
_FILE: Final = FOLDER / "mosquitto.conf"
ARGV: Final = ("mosquitto", "-c", str(_FILE))

_BASE: Final = "vpnchain"
_OBSERVER: Final = User("observer", Role.OPERATOR)
_AGENTS_DOOR: Final = Door(
    address=CONTROL_ADDRESS,
    port=PORT,
    passwords=FOLDER / "agents.passwords",
    rights=FOLDER / "agents.rights",
    one_each=True,
)
_PEOPLES_DOOR: Final = Door(
    address=str(FOLDER / "mqtt.sock"),
    passwords=FOLDER / "people.passwords",
    rights=FOLDER / "people.rights",
    one_each=False,
)


def prepare(lab: Lab) -> None:
    """Writes every file of the broker and of its users."""
    nodes = {
        User("coordinator", Role.COORDINATOR): "control",
        User("entry", Role.ENTRY): "entry",
        **{User(name, Role.EXIT): name for name in lab.topology.exits},
    }
    agents = {user: lab.run_of(node) / PASSWORD.name for user, node in nodes.items()}
    for role in ONLOOKERS:
        agents[User(role, role)] = lab.run_of("control") / password_of(role).name
    _let_in(lab, _AGENTS_DOOR, agents)
    _let_in(lab, _PEOPLES_DOOR, {_OBSERVER: lab.folder / PASSWORD.name})
    text = configuration((_AGENTS_DOOR, _PEOPLES_DOOR), user="root")
    _write_private(_outside(lab, _FILE), text)


def password_of(role: Role) -> Path:
    """Where an onlooker's password is, as it finds it."""
    return PASSWORD.with_name(f"{PASSWORD.name}_{role}")


def observer(lab: Lab) -> Broker:
    """The broker as an observer out here reaches it, once it is prepared."""
    return Broker(
        host=str(_outside(lab, Path(_PEOPLES_DOOR.address))),
        port=1,  # has no meaning
        username=_OBSERVER.name,
        password=Secret((lab.folder / PASSWORD.name).read_text().strip()),
        base=_BASE,
    )


def _let_in(lab: Lab, door: Door, users: dict[User, Path]) -> None:
    """Gives the door its two files, and every user a new password in a file."""
    words = {user: Secret(secrets.token_urlsafe(24)) for user in users}
    for user, path in users.items():
        _write_private(path, f"{words[user].reveal()}\n")
    known = password_file((user.name, words[user]) for user in users)
    _write_private(_outside(lab, door.passwords), known)
    _write_private(_outside(lab, door.rights), access_list(tuple(users), _BASE))


def _outside(lab: Lab, path: Path) -> Path:
    """A file of the lab's folder as seen from here."""
    return lab.folder / path.relative_to(FOLDER)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
