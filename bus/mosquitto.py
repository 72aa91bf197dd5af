"""What mosquitto is told, as text: its configuration, and its users' passwords.

The one rule: nobody comes in without a name and a password, and nobody can make the
broker hold more than it should. With `bus.acl` this is all that a broker needs.

Source: mosquitto.conf(5) of 2.0.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bus.names import ID
from bus.secret import Secret
from bus.topics import LARGEST_BYTES

# A new reader of 1,000 exits is told some 5,000 states at once.
QUEUED_MESSAGES: Final = 20_000
QUEUED_BYTES: Final = 16 * 2**20
IN_FLIGHT: Final = 1_000  # 20, the default, halves the rate
TOPIC_BYTES: Final = 1_024  # what a packet holds besides its payload
CONNECTIONS: Final = 4_096

# Ours are random and long, so a guess costs enough; 1,000 exits that come back at once
# must not keep the broker for seconds.
ROUNDS: Final = 1_000
SALT_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Tls:
    """The broker's own certificate, with its chain, and the key of it."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where some of the users come in: the agents at one, people at another.

    Attributes:
        address: What to listen on; a path is a Unix socket's, and needs no port.
        passwords: File of those who may come in here, and of nobody else.
        rights: File of what they may do.
        one_each: Every user has one connection, known by the user's name, so that
            nobody can throw another out by his client id. For agents; people have
            several.
    """

    address: str
    port: int = 1883
    passwords: Path
    rights: Path
    one_each: bool
    tls: Tls | None = None


def configuration(doors: Sequence[Door], *, user: str = "mosquitto") -> str:
    """The text of mosquitto.conf; `user` is whom a mosquitto of root becomes.

    Nothing is kept over a restart: the links say their present again, whereas a broker
    that remembers would say that agents are there which died meanwhile.
    """
    lines = [
        "per_listener_settings true",
        f"user {user}",
        "persistence false",
        "set_tcp_nodelay true",
        "sys_interval 0",
        f"message_size_limit {LARGEST_BYTES}",
        f"max_packet_size {LARGEST_BYTES + TOPIC_BYTES}",
        f"max_queued_messages {QUEUED_MESSAGES}",
        f"max_queued_bytes {QUEUED_BYTES}",
        f"max_inflight_messages {IN_FLIGHT}",
    ]
    for door in doors:
        lines += ["", *_door(door)]
    return "\n".join((*lines, ""))


def _door(door: Door) -> Iterator[str]:
    port = 0 if door.address.startswith("/") else door.port
    yield f"listener {port} {door.address}"
    yield "allow_anonymous false"
    yield "allow_zero_length_clientid false"
    yield f"use_username_as_clientid {'true' if door.one_each else 'false'}"
    yield f"password_file {door.passwords}"
    yield f"acl_file {door.rights}"
    yield f"max_connections {CONNECTIONS}"
    if door.tls is not None:
        yield f"certfile {door.tls.certificate}"
        yield f"keyfile {door.tls.key}"
        yield "tls_version tlsv1.2"


def password_file(credentials: Iterable[tuple[str, Secret]]) -> str:
    """The text of mosquitto's `password_file`: users, and hashes of their passwords.

    Raises:
        ValueError: A name is not `[a-z0-9-]`.
    """
    lines: list[str] = []
    for name, password in credentials:
        if not ID.fullmatch(name):
            raise ValueError(f"user {name!r} is not [a-z0-9-]")
        lines.append(f"{name}:{hashed(password, secrets.token_bytes(SALT_BYTES))}\n")
    return "".join(lines)


def hashed(password: Secret, salt: bytes, rounds: int = ROUNDS) -> str:
    """The password as mosquitto 2.0 keeps it: PBKDF2 with SHA-512.

    Not by `mosquitto_passwd`: it wants the password as an argument, for all to see.
    """
    raw = password.reveal().encode()
    digest = hashlib.pbkdf2_hmac("sha512", raw, salt, rounds)
    coded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(("", "7", str(rounds), *coded))
