"""Each entity's class, unit and expiry, and the rules of Home Assistant's lists.

Sources: https://www.home-assistant.io/integrations/sensor/#device-class and
https://developers.home-assistant.io/docs/core/entity/sensor/
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from agents.homeassistant.declare import declarations
from agents.homeassistant.entities import STALE_S, Entity, entities
from agents.homeassistant.model import CHAIN, Kind, Policy, Thing
from bus.discovery import Component

POLICY: Final = Policy()
EXITS: Final = ("exit-a", "exit-b")
THINGS: Final = (
    CHAIN,
    Thing(Kind.EXIT, "exit-a"),
    Thing(Kind.ENTRY, "entry"),
    Thing(Kind.PEER, "phone", "entry"),
)
DIAGNOSTIC: Final = "diagnostic"
MEASURED: Final = "measurement"
COUNTED: Final = "total_increasing"


class Row(NamedTuple):
    """What Home Assistant is told of an entity, besides its topics and templates."""

    component: Component
    name: str | None
    kind: str | None = None  # its device class
    state_class: str | None = None
    unit: str | None = None
    category: str | None = None
    expires: bool = False
    hidden: bool = False  # until a person enables it


def bytes_of(name: str, *, hidden: bool) -> Row:
    kinds = ("data_size", COUNTED, "B", DIAGNOSTIC)
    return Row("sensor", name, *kinds, hidden=hidden)


def figure(name: str, kind: str | None, unit: str) -> Row:
    return Row("sensor", name, kind, MEASURED, unit, expires=True)


def cause(name: str) -> Row:
    return Row("sensor", name, category=DIAGNOSTIC)


def moment(name: str) -> Row:
    return Row("sensor", name, "timestamp", category=DIAGNOSTIC)


TABLE: Final[Mapping[Kind, Mapping[str, Row]]] = {
    Kind.CHAIN: {
        "active-exit": Row("sensor", "Active exit"),
        "public-address": Row("sensor", "Public address"),
        "last-reason": cause("Last reason"),
        "moves-today": Row("sensor", "Moves today", state_class=COUNTED),
        "last-outage": Row("sensor", "Outage of the last move", "duration", unit="ms"),
        "gate": Row("binary_sensor", "Gate", "opening"),
        "kill-switch": Row("binary_sensor", "Kill switch"),
        "problem": Row("binary_sensor", "Problem", "problem"),
        "exit": Row("select", "Exit"),
        "move": Row("button", "Move now"),
        "event": Row("event", "Event"),
    },
    Kind.EXIT: {
        "connectivity": Row("binary_sensor", None, "connectivity"),
        "stage": Row("sensor", "Stage"),
        "cause": cause("Cause"),
        "uptime": moment("Uptime"),
        "enabled": Row("switch", "Enabled"),
        "reconnect": Row("button", "Reconnect", "restart"),
        "rtt": figure("Round trip", "duration", "ms"),
        "loss": figure("Loss", None, "%"),
        "received-rate": figure("Download", "data_rate", "Mbit/s"),
        "sent-rate": figure("Upload", "data_rate", "Mbit/s"),
        "received-bytes": bytes_of("Downloaded", hidden=True),
        "sent-bytes": bytes_of("Uploaded", hidden=True),
    },
    Kind.ENTRY: {
        "gate": Row("binary_sensor", "Gate", "opening"),
        "active-exit": Row("sensor", "Active exit"),
        "peers": Row("sensor", "Peers", state_class=MEASURED),
        "leak": Row("binary_sensor", "Leak", "problem"),
        "cause": cause("Cause"),
    },
    Kind.PEER: {
        "connected": Row("binary_sensor", None, "connectivity"),
        "handshake": moment("Last handshake"),
        "received-bytes": bytes_of("Received", hidden=False),
        "sent-bytes": bytes_of("Sent", hidden=False),
    },
}

# Of Home Assistant's lists what we use: device class -> units, state classes.
UNITS: Final[Mapping[str, frozenset[str | None]]] = {
    "data_rate": frozenset(
        {
            *("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "B/s", "kB/s", "MB/s", "GB/s"),
            *("KiB/s", "MiB/s", "GiB/s"),
        }
    ),
    "data_size": frozenset(
        {
            *("bit", "kbit", "Mbit", "Gbit", "B", "kB", "MB", "GB", "TB", "PB"),
            *("EB", "ZB", "YB", "KiB", "MiB", "GiB", "TiB", "PiB"),
            *("EiB", "ZiB", "YiB"),
        }
    ),
    "duration": frozenset({"d", "h", "min", "s", "ms"}),
    "timestamp": frozenset({None}),
}
ANY_STATE_CLASS: Final = frozenset({None, MEASURED, "total", COUNTED})
STATE_CLASSES: Final[Mapping[str, frozenset[str | None]]] = {
    "data_rate": frozenset({None, MEASURED}),
    "data_size": ANY_STATE_CLASS,
    "duration": ANY_STATE_CLASS,
    "timestamp": frozenset({None}),
}
# Device classes of what is no sensor; who is not here has none at all.
KINDS: Final[Mapping[Component, frozenset[str]]] = {
    "binary_sensor": frozenset({"connectivity", "opening", "problem"}),
    "button": frozenset({"identify", "restart", "update"}),
    "event": frozenset({"button", "doorbell", "motion"}),
    "switch": frozenset({"outlet", "switch"}),
}
SENSORS_ONLY: Final = (
    *("state_class", "unit_of_measurement", "suggested_display_precision"),
)


def row(entity: Entity) -> Row:
    more = entity.more
    return Row(
        entity.component,
        entity.name,
        more.get("device_class"),
        more.get("state_class"),
        more.get("unit_of_measurement"),
        more.get("entity_category"),
        "expire_after" in more,
        more.get("enabled_by_default") is False,
    )


def every() -> Iterator[tuple[str, Entity]]:
    for thing in THINGS:
        for entity in entities(thing, POLICY, EXITS):
            yield f"{thing.kind}-{entity.key}", entity


ENTITIES: Final = dict(every())
EVERY: Final = pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.kind)
def test_each_entity_is_declared_as_the_table_says(thing: Thing) -> None:
    found = {one.key: row(one) for one in entities(thing, POLICY, EXITS)}
    assert found == TABLE[thing.kind]


@EVERY
def test_a_sensor_has_a_unit_and_a_state_class_that_its_device_class_allows(
    entity: Entity,
) -> None:
    told = row(entity)
    if entity.component != "sensor":
        assert told.kind is None or told.kind in KINDS.get(entity.component, ())
        assert not [key for key in SENSORS_ONLY if key in entity.more]
        return
    if told.kind is not None:
        assert told.unit in UNITS[told.kind]
        assert told.state_class in STATE_CLASSES[told.kind]
    assert told.state_class in ANY_STATE_CLASS
    # A unit makes it a number, also to those who draw it.
    assert told.unit is None or told.kind is not None or told.state_class is not None


@EVERY
def test_what_is_measured_in_a_unit_expires_and_nothing_else_does(
    entity: Entity,
) -> None:
    told = row(entity)
    measured = told.state_class == MEASURED and told.unit is not None
    assert told.expires == measured
    assert entity.more.get("expire_after", STALE_S) == STALE_S == 15


@EVERY
def test_who_changes_something_is_no_diagnosis_and_shown_from_the_start(
    entity: Entity,
) -> None:
    told = row(entity)
    assert told.category in (None, DIAGNOSTIC)
    if "command_topic" in entity.more:
        assert (told.category, told.hidden) == (None, False)


@EVERY
def test_a_name_is_a_phrase_with_one_capital_at_its_beginning(entity: Entity) -> None:
    assert entity.name is None or entity.name == entity.name.strip().capitalize()


@pytest.mark.parametrize(
    ("thing", "label"),
    [
        *((CHAIN, label) for label in ("vpnchain", "Vpnchain")),
        *((THINGS[1], label) for label in ("exit-a", "exit")),
        *((THINGS[2], label) for label in ("entry", "Entry")),
        *((THINGS[3], label) for label in ("phone", "Alice's phone", "client")),
    ],
)
def test_a_device_s_name_is_not_in_the_names_of_its_entities(
    thing: Thing, label: str
) -> None:
    declared: list[dict[str, Any]] = list(
        declarations(thing, label, POLICY, EXITS).values()
    )
    for config in declared:
        assert config["device"]["name"] == label
        words = (config["name"] or "").lower()
        assert not words.startswith(label.lower())
        assert thing.kind.lower() not in words.split() or thing.kind is Kind.CHAIN


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.kind)
def test_one_entity_at_most_bears_the_name_of_its_device(thing: Thing) -> None:
    names = [one.name for one in entities(thing, POLICY, EXITS)]
    assert len(set(names)) == len(names)
