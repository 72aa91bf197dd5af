"""The files of a chain as compose.yaml mounts them: names, owners, contents.

Nothing is written here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from agents.files import PRIVATE, PUBLIC
from bus.acl import Role, User, access_list
from bus.discovery import Discovery
from bus.mosquitto import Door, Tls, configuration, password_file
from bus.secret import Secret

SETTINGS: Final = Path("config/vpnchain.toml")
WG_CONF: Final = Path("config/wg0.conf")
BROKER: Final = Path("config/broker")
SECRETS: Final = Path("secrets")
BACKUP: Final = Path("backup")  # which no agent's container sees

ROOT: Final = 0
SERVICE: Final = 10001  # whom containers run as that need not be root

FIRST: Final = "exit-a"  # whose secrets have the short names
OF_AN_EXIT: Final = ("vpn_server_ip", "vpn_ipsec_psk", "vpn_username", "vpn_password")
# Who comes in by the people's door.
PEOPLE: Final = (User("operator", Role.OPERATOR), User("home", Role.HOME))
OTHERS: Final = (
    User("containers", Role.CONTAINERS),
    User("dashboard", Role.DASHBOARD),
    User("homeassistant", Role.HOMEASSISTANT),
    User("metrics", Role.METRICS),
)

WITHIN: Final = Path("/etc/vpnchain")  # where the broker's container sees BROKER
AGENTS_PORT: Final = 1883
PEOPLE_PORT: Final = 1884
WG_PORT: Final = 51820
CA: Final = BROKER / "ca.crt"
CERTIFICATE: Final = BROKER / "broker.crt"
KEY: Final = BROKER / "broker.key"
CA_KEY: Final = SECRETS / "broker_ca.key"
DASHBOARD_TOKEN: Final = SECRETS / "dashboard_token.txt"  # of who may press buttons


@dataclass(frozen=True, slots=True)
class Made:
    """A file to be: where, what, whose; without data it is there already."""

    path: Path
    data: bytes
    owner: int = ROOT
    mode: int = PRIVATE


def agents_of(exits: Sequence[str]) -> tuple[User, ...]:
    """Who comes in by the agents' door of the broker."""
    return (
        User("coordinator", Role.COORDINATOR),
        User("entry", Role.ENTRY),
        *(User(name, Role.EXIT) for name in exits),
        *OTHERS,
    )


def exit_secret(exit_: str, name: str) -> Path:
    """The file of one of the four secrets of an exit."""
    return SECRETS / (f"{name}.txt" if exit_ == FIRST else f"{exit_}_{name}.txt")


def broker_secret(user: str) -> Path:
    """The file of a user's password for the broker."""
    return SECRETS / f"broker_{user}.txt"


def known_exits(folder: Path) -> tuple[str, ...]:
    """The exits that the secrets know: a password for the bus, and one to dial with."""
    others = {user.name for user in (*agents_of(()), *PEOPLE)}
    found = []
    for path in sorted((folder / SECRETS).glob("broker_*.txt")):
        name = path.stem.removeprefix("broker_")
        own = [folder / exit_secret(name, key) for key in OF_AN_EXIT]
        if name not in others and any(one.exists() for one in own):
            found.append(name)
    return tuple(found)


def secret_file(path: Path, secret: Secret, role: Role = Role.EXIT) -> Made:
    """A secret in its file, of whoever has this role."""
    owner = ROOT if role in (Role.EXIT, Role.ENTRY) else SERVICE
    return Made(path, f"{secret.reveal()}\n".encode(), owner)


def wg_conf(private_key: Secret, clients: IPv4Network, port: int) -> Made:
    """WireGuard at the entry, without clients; its address is the network's first."""
    own = clients[1]
    text = (
        "# WireGuard at the entry. `vpnchain peer add NAME` adds a client.\n\n"
        "[Interface]\n"
        f"Address = {own}/{clients.prefixlen}\n"
        f"ListenPort = {port}\n"
        f"PrivateKey = {private_key.reveal()}\n"
    )
    return Made(WG_CONF, text.encode())


def settings(exits: Sequence[str], endpoint: str, *, tls: bool) -> Made:
    """The settings, as far as they are no defaults."""
    names = ", ".join(f'"{name}"' for name in exits)
    lines = ["# config/vpnchain.example.toml shows every key with its default."]
    if tls:
        lines += ["", "[broker]", f'tls_ca = "{CA}"']
    lines += ["", "[coordinator]", "# Best first.", f"exits = [{names}]"]
    lines += ["", "[entry]", f'endpoint = "{endpoint}"', ""]
    return Made(SETTINGS, "\n".join(lines).encode(), mode=PUBLIC)


def doors(*, tls: bool) -> Made:
    """The broker's configuration; the paths in it are those of its container."""
    identity = Tls(_within(CERTIFICATE), _within(KEY)) if tls else None

    def door(who: str, port: int, *, one_each: bool) -> Door:
        return Door(
            address="0.0.0.0",  # noqa: S104 - of its container, on the bus network only
            port=port,
            passwords=WITHIN / f"{who}.passwords",
            rights=WITHIN / f"{who}.rights",
            one_each=one_each,
            tls=identity,
        )

    both = (
        door("agents", AGENTS_PORT, one_each=True),
        door("people", PEOPLE_PORT, one_each=False),
    )
    return Made(BROKER / "mosquitto.conf", configuration(both).encode(), SERVICE)


def rights(
    exits: Sequence[str], passwords: Mapping[str, Secret], topics: Discovery
) -> tuple[Made, ...]:
    """Who may come in to the broker, and do what; `passwords`: keys are users."""
    made = []
    for who, users in (("agents", agents_of(exits)), ("people", PEOPLE)):
        credentials = [(user.name, passwords[user.name]) for user in users]
        for suffix, text in (
            ("passwords", password_file(credentials)),
            ("rights", access_list(users, topics.base, topics.prefix)),
        ):
            made.append(Made(BROKER / f"{who}.{suffix}", text.encode(), SERVICE))
    return tuple(made)


def _within(path: Path) -> Path:
    return WITHIN / path.relative_to(BROKER)
