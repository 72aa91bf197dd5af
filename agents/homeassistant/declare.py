"""From a device to what is declared of it: where, and as what. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from agents.homeassistant.entities import Entity, entities
from agents.homeassistant.model import CHAIN, Config, Kind, Place, Policy, Thing
from bus.names import ID
from bus.topics import PRESENCE

LEVEL_CHARACTERS: Final = 64
DIGEST_CHARACTERS: Final = 10
MODELS: Final[Mapping[Kind, str]] = {
    Kind.CHAIN: "Chain",
    Kind.EXIT: "L2TP/IPsec exit",
    Kind.ENTRY: "WireGuard entry",
    Kind.PEER: "WireGuard client",
}
# What is neither "online" nor "offline" would be ignored: "stopped" is away too.
HERE: Final = (
    "{{ 'online' if value_json is defined and value_json.status == 'online' "
    "else 'offline' }}"
)


def declarations(
    thing: Thing, label: str, policy: Policy, exits: Sequence[str]
) -> dict[Place, Config]:
    """All that is declared of one device, by place.

    `label`: what people call it; `exits`: what can be chosen, best first.
    """
    return {
        (entity.component, _object(thing, entity)): _config(
            thing, label, entity, policy
        )
        for entity in entities(thing, policy, exits)
    }


def ranked(exits: Iterable[str], ranking: Sequence[str]) -> tuple[str, ...]:
    """Best first; those that nobody ranked follow by name."""
    names = set(exits)
    listed = [name for name in ranking if name in names]
    return (*listed, *sorted(names - set(listed)))


def _config(thing: Thing, label: str, entity: Entity, policy: Policy) -> Config:
    node = policy.discovery.node
    parts = (node, thing.name, entity.key)
    object_id = re.sub(r"-+", "_", "_".join(part for part in parts if part))
    return {
        "name": entity.name,
        "unique_id": f"{node}-{_object(thing, entity)}",
        "object_id": object_id,  # until Home Assistant 2026.3
        "default_entity_id": f"{entity.component}.{object_id}",  # since 2025.10
        "qos": 1,
        **entity.more,
        "availability": [
            *(_presence(policy, agent) for agent in (policy.agent, *entity.agents)),
            *((entity.only_if,) if entity.only_if else ()),
        ],
        "availability_mode": "all",
        "device": _device(thing, label, policy),
        "origin": {"name": "vpnchain", "sw_version": policy.version},
    }


def _presence(policy: Policy, agent: str) -> Config:
    name = PRESENCE.name(agent=agent)
    return {"topic": f"{policy.discovery.base}/{name}", "value_template": HERE}


def _device(thing: Thing, label: str, policy: Policy) -> Config:
    node = policy.discovery.node
    device = {
        "identifiers": [f"{node}-{_of(thing)}"],
        "name": label,
        "manufacturer": "vpnchain",
        "model": MODELS[thing.kind],
        "sw_version": policy.version,
    }
    match thing.kind:
        case Kind.CHAIN:
            return device
        case Kind.PEER:
            entry = Thing(Kind.ENTRY, thing.entry)
            return device | {"via_device": f"{node}-{_of(entry)}"}
        case _:
            return device | {"via_device": f"{node}-{_of(CHAIN)}"}


def _of(thing: Thing) -> str:
    """Tells the device from all others of the chain."""
    parts = (thing.kind, thing.entry, thing.name)
    return "-".join(part for part in parts if part)


def _object(thing: Thing, entity: Entity) -> str:
    """Its level of the topic; what would be too long ends in a digest of itself.

    Two names that are long and begin alike are still two.
    """
    name = f"{_of(thing)}-{entity.key}"
    if ID.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST_CHARACTERS]
    return f"{name[: LEVEL_CHARACTERS - DIGEST_CHARACTERS - 1]}-{digest}"
