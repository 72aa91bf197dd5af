"""The words of home automation's agent: what it knows, hears and does. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bus.commands import Mode, Verb
from bus.discovery import Component, Discovery
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport
from bus.messages.home import HomeChain, HomeEvent, HomeExit
from bus.messages.orders import Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence


class Kind(StrEnum):
    """What is a device at home."""

    CHAIN = "chain"
    EXIT = "exit"
    ENTRY = "entry"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Thing:
    """A device at home; `entry`: where a peer comes in."""

    kind: Kind
    name: str = ""
    entry: str = ""


CHAIN = Thing(Kind.CHAIN)

# What a declaration is about, and the declaration; keys of what HA calls a config.
Place = tuple[Component, str]
Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Policy:
    """How the chain is shown.

    Attributes:
        agent: Our own name on the bus.
        exits: Best first; others follow by name.
        version: Of this software, for people.
    """

    discovery: Discovery = field(default_factory=Discovery)
    agent: str = "homeassistant"
    coordinator: str = "coordinator"
    exits: tuple[str, ...] = ()
    enabled: bool = True
    peers: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """What is known of an exit; its throughput is None until two reports tell it."""

    report: ExitReport
    at_s: float
    received_mbit_s: float | None = None
    sent_mbit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A move; `at` in Unix seconds, `outage_ms` None: unknown."""

    at: float
    epoch: int
    outage_ms: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the agent knows.

    Attributes:
        things: Devices that are there; values: what people call them.
        declared: Places of all that we have declared.
        paths: Keys: `entry/exit`.
        moves: The last ones, oldest first.
        asked: Wishes handed on and not answered yet; keys: transactions.
    """

    things: Mapping[Thing, str] = field(default_factory=dict)
    declared: frozenset[Place] = frozenset()
    exits: Mapping[str, Exit] = field(default_factory=dict)
    entries: Mapping[str, EntryReport] = field(default_factory=dict)
    paths: Mapping[str, PathReport] = field(default_factory=dict)
    presences: Mapping[str, Presence] = field(default_factory=dict)
    order: Order | None = None
    mode: Mode = field(default_factory=Mode)
    moves: tuple[Moved, ...] = ()
    asked: Mapping[str, Verb] = field(default_factory=dict)


# --- what is heard ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody of the chain said this, at a time of the monotonic clock."""

    at_s: float
    levels: Mapping[str, str]
    payload: object


@dataclass(frozen=True, slots=True)
class Gone:
    """A thing is there no more."""

    thing: Thing


@dataclass(frozen=True, slots=True)
class PathGone:
    """An entry measures the path through this exit no more."""

    entry: str
    exit: str


@dataclass(frozen=True, slots=True)
class Declared:
    """The broker has this declaration of this chain; an earlier life's, maybe."""

    place: Place


@dataclass(frozen=True, slots=True)
class Due:
    """It is time to declare everything: we have begun, or home automation has."""


@dataclass(frozen=True, slots=True)
class Beat:
    """It is time to say all states again."""


Event = Said | Gone | PathGone | Declared | Due | Beat


# --- what is done -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declare:
    """Home automation shall show this."""

    place: Place
    config: Config


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Home automation shall not show this any longer."""

    place: Place


@dataclass(frozen=True, slots=True)
class SayChain:
    """The chain's state has changed, or is due."""

    present: HomeChain


@dataclass(frozen=True, slots=True)
class SayExit:
    """An exit's state has changed, or is due."""

    exit: str
    present: HomeExit


@dataclass(frozen=True, slots=True)
class ForgetExit:
    """An exit is there no more."""

    exit: str


@dataclass(frozen=True, slots=True)
class SayEvent:
    """Something happened."""

    event: HomeEvent


@dataclass(frozen=True, slots=True)
class Ask:
    """The coordinator is to do this; without a transaction nobody waits for it."""

    verb: Verb
    exit: str = ""
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a wish; `error` is empty if it was granted."""

    verb: Verb
    transaction: str
    error: str = ""


Action = Declare | Withdraw | SayChain | SayExit | ForgetExit | SayEvent | Ask | Answer
