"""Who may say and hear what, and the broker's access list that holds them to it. Pure.

What a user may say follows from `writer` of each topic. What an agent hears is declared
here, and a test compares it with what the agents subscribe to. No secret is ever on the
bus, so people may hear everything.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bus.commands import Verb
from bus.discovery import PREFIX, Discovery
from bus.names import ID, placed
from bus.topics import (
    DECISION,
    ENTRY_EVENT,
    ENTRY_LEAK,
    ENTRY_STATE,
    EXIT_STATE,
    HISTORY,
    HOME_ENABLE,
    MODE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    REQUEST,
    RESPONSE,
    TELEMETRY,
    TOPICS,
    Topic,
)

_OWNED: Final = re.compile(r"\{([a-z]+)\}")


class Role(StrEnum):
    """What a user of the broker is there for."""

    COORDINATOR = "coordinator"
    ENTRY = "entry"
    EXIT = "exit"
    CONTAINERS = "containers"
    METRICS = "metrics"  # measures what others say
    DASHBOARD = "dashboard"  # shows all, and asks in the name of people
    HOMEASSISTANT = "homeassistant"  # declares the chain to home automation
    OPERATOR = "operator"  # a person or a program that hears all and asks
    HOME = "home"  # home automation itself: hears all, steers the chain
    WATCHER = "watcher"  # one that only hears


AGENTS: Final = (
    *(Role.COORDINATOR, Role.ENTRY, Role.EXIT, Role.CONTAINERS),
    *(Role.METRICS, Role.DASHBOARD, Role.HOMEASSISTANT),
)
OPERATORS: Final = (Role.OPERATOR, Role.DASHBOARD)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may come in; an agent's name is the one it has on the bus."""

    name: str
    role: Role

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.name):
            raise ValueError(f"user {self.name!r} is not [a-z0-9-]")


# A part of a family of topics: levels not named are free, `_SELF` is the user's name.
Part = tuple[Topic[Any], Mapping[str, str]]

_SELF: Final = ""
DISCOVERY: Final = Discovery()
_ADDRESSED: Final[tuple[Part, ...]] = (
    (PRESENCE, {"agent": _SELF}),  # a second agent of the same name is noticed by it
    (REQUEST, {"agent": _SELF}),
)

# What agents hear; the rest is not their business.
HEARS: Final[Mapping[Role, tuple[Part, ...]]] = {
    Role.COORDINATOR: (
        (ORDER, {}),
        (MODE, {}),
        (HISTORY, {}),
        (PRESENCE, {}),
        (ENTRY_STATE, {}),
        (PATH_STATE, {}),
        (EXIT_STATE, {}),
        (ENTRY_EVENT, {}),
        (REQUEST, {"agent": _SELF}),
    ),
    Role.ENTRY: (
        (ORDER, {}),
        (MODE, {}),
        (PRESENCE, {"agent": ORDER.writer}),
        (PEER_STATE, {"entry": _SELF}),
        (PATH_STATE, {"entry": _SELF}),
        (EXIT_STATE, {}),  # by its leak check only
        (ENTRY_LEAK, {"entry": _SELF}),  # and what it said itself before a restart
        *_ADDRESSED,
    ),
    Role.EXIT: ((ORDER, {}), *_ADDRESSED),
    Role.CONTAINERS: _ADDRESSED,
    Role.METRICS: (
        (PRESENCE, {}),
        (TELEMETRY, {}),
        (EXIT_STATE, {}),
        (ENTRY_STATE, {}),
        (PATH_STATE, {}),
        (PEER_STATE, {}),
        (ENTRY_EVENT, {}),
        (DECISION, {}),
    ),
    Role.HOMEASSISTANT: (
        (PRESENCE, {}),
        (EXIT_STATE, {}),
        (ORDER, {}),
        (DECISION, {}),
        (MODE, {}),
        (HISTORY, {}),
        (ENTRY_STATE, {}),
        (ENTRY_EVENT, {}),
        (PATH_STATE, {}),
        (PEER_STATE, {}),
        (HOME_ENABLE, {}),
        (REQUEST, {"agent": _SELF}),
        (RESPONSE, {"agent": ORDER.writer}),
    ),
    Role.DASHBOARD: tuple((topic, {}) for topic in TOPICS if topic is not REQUEST),
    **{
        role: tuple((topic, {}) for topic in TOPICS)
        for role in (Role.OPERATOR, Role.HOME, Role.WATCHER)
    },
}


def _within(topic: Topic[Any], levels: Mapping[str, str]) -> Iterator[str]:
    """Filters of that part of the family: every verb by its name.

    `+` would be topics without end, in which one agent's password fills the broker's
    memory with retained answers. Whatever can be asked can be answered, if only to
    refuse it: mosquitto ends the connection of who says what he may not.
    """
    if "{verb}" in topic.pattern and "verb" not in levels:
        yield from (topic.within({**levels, "verb": verb}) for verb in Verb)
    else:
        yield topic.within(levels)


# What is said beside what `writer` tells: wishes that a role may have.
_TO_COORDINATOR: Final = tuple(_within(REQUEST, {"agent": ORDER.writer}))
ASKS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.HOMEASSISTANT: _TO_COORDINATOR,
    Role.HOME: (
        *_TO_COORDINATOR,
        *_within(REQUEST, {"agent": Role.HOMEASSISTANT}),
        REQUEST.within({"verb": Verb.RECONNECT}),
        HOME_ENABLE.filter,
    ),
}


def says(
    user: User, users: Sequence[User], discovery: Discovery = DISCOVERY
) -> tuple[str, ...]:
    """Filters of all that the user may say, below the base; `/`: elsewhere.

    `users`: everybody; the coordinator may ask the containers agents among them.
    """
    own = tuple(
        name
        for topic in TOPICS
        if (levels := _owned(topic, user)) is not None
        for name in _within(topic, levels)
    )
    match user.role:
        case Role.COORDINATOR:
            asked = (one.name for one in users if one.role is Role.CONTAINERS)
            places = ({"agent": name, "verb": Verb.RESTART} for name in asked)
            return (*own, *(REQUEST.within(one) for one in places))
        case Role.HOMEASSISTANT:
            return (*own, *ASKS[user.role], *discovery.declarations())
        case Role.HOME:
            return (*own, *ASKS[user.role], discovery.birth.filter)
        case _:
            return own


def hears(user: User, discovery: Discovery = DISCOVERY) -> tuple[str, ...]:
    """Filters of all that the user may hear, below the base; `/`: elsewhere."""
    parts = HEARS[user.role]
    own = tuple(topic.within(_resolved(levels, user)) for topic, levels in parts)
    match user.role:
        case Role.HOMEASSISTANT:
            return (*own, *discovery.declarations(), discovery.birth.filter)
        case Role.HOME:  # of all chains, and of others' things
            return (*own, f"/{discovery.prefix}/#")
        case _:
            return own


def access_list(users: Sequence[User], base: str, prefix: str = PREFIX) -> str:
    """The text of mosquitto's `acl_file`; nobody else may do anything.

    `prefix`: of the topics by which home automation discovers things.

    Raises:
        ValueError: Two users have one name.
    """
    names = [user.name for user in users]
    if len(set(names)) != len(names):
        raise ValueError("two users of one name")
    discovery = Discovery(prefix, base)
    blocks = ("\n".join(_block(user, users, discovery)) for user in users)
    return "\n".join(f"{block}\n" for block in blocks)


def _block(user: User, users: Sequence[User], discovery: Discovery) -> Iterator[str]:
    yield f"# {user.role}"
    yield f"user {user.name}"
    for name in says(user, users, discovery):
        yield f"topic write {placed(discovery.base, name)}"
    for name in hears(user, discovery):
        yield f"topic read {placed(discovery.base, name)}"


def _owned(topic: Topic[Any], user: User) -> Mapping[str, str] | None:
    """The levels by which the user writes in the family; None: it does not.

    `{agent}` is an agent of any role; `{exit}` is one of that role, not any user who
    happens to have the name.
    """
    owned = _OWNED.fullmatch(topic.writer)
    if owned is None:
        as_operator = topic.writer == Role.OPERATOR and user.role in OPERATORS
        return {} if as_operator or topic.writer == user.role else None
    level = owned[1]
    fits = user.role in AGENTS if level == "agent" else level == user.role
    return {level: user.name} if fits else None


def _resolved(levels: Mapping[str, str], user: User) -> Mapping[str, str]:
    return {level: name or user.name for level, name in levels.items()}
