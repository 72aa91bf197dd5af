"""What home automation shows of each device, in the words of its discovery. Pure.

One value, one entity. An entity points at the topic that says the value anyway, with a
template that picks it out; topics of our own are there for the rest alone. `None` as a
state means unknown to Home Assistant, but not as a moment: a moment is unavailable
instead. A state that is taken back, as a thing is removed, is empty: that must be no
error of a template.
Source: https://www.home-assistant.io/integrations/mqtt/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agents.homeassistant.model import Config, Kind, Policy, Thing
from bus.commands import Verb
from bus.discovery import Component
from bus.heartbeat import HEARTBEAT_S
from bus.messages.home import HomeEventKind
from bus.topics import (
    ENTRY_STATE,
    EXIT_STATE,
    HOME_CHAIN,
    HOME_ENABLE,
    HOME_EVENT,
    HOME_EXIT,
    ORDER,
    PEER_STATE,
    REQUEST,
)

STALE_S: Final = int(3 * HEARTBEAT_S)  # what is measured is unknown when it is older
STATE_CHARACTERS: Final = 255  # a longer state is refused
AUTO: Final = "auto"

# A press or a choice is a request, and requests are told apart by their transaction.
TRANSACTION: Final = '"transaction": "home-{{ now().timestamp() }}"'
DIAGNOSTIC: Final = {"entity_category": "diagnostic"}
MEASURED: Final = {"state_class": "measurement", "expire_after": STALE_S}
COUNTED: Final = {
    "device_class": "data_size",
    "state_class": "total_increasing",
    "unit_of_measurement": "B",
    "entity_category": "diagnostic",
    "enabled_by_default": False,
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing to see or to press.

    Attributes:
        key: Names it within its device, for ever.
        name: For people; None: it is what its device is about.
        agents: Who must be there, besides our own agent.
        more: What else its declaration says.
        only_if: When it has a value at all, as one more entry of its availability.
    """

    component: Component
    key: str
    name: str | None
    agents: tuple[str, ...]
    more: Mapping[str, Any] = field(default_factory=dict)
    only_if: Config | None = None


def entities(thing: Thing, policy: Policy, exits: Sequence[str]) -> list[Entity]:
    """All of one device; `exits`: what can be chosen."""
    match thing.kind:
        case Kind.CHAIN:
            return [*_chain(policy), *_steering(policy, exits)]
        case Kind.EXIT:
            return [*_exit(thing, policy), *_measured(thing, policy)]
        case Kind.ENTRY:
            return list(_entry(thing, policy))
        case Kind.PEER:
            return list(_peer(thing, policy))


def _chain(policy: Policy) -> Iterator[Entity]:
    base, who = policy.discovery.base, (policy.coordinator,)
    order, home = _at(base, ORDER.name()), _at(base, HOME_CHAIN.name())
    active = order | _value("value_json.active or 'none'")
    yield Entity("sensor", "active-exit", "Active exit", who, active)
    seen = home | _value("value_json.public_address or 'unknown'")
    yield Entity("sensor", "public-address", "Public address", who, seen)
    reason = order | _words("value_json.reason")
    yield Entity("sensor", "last-reason", "Last reason", who, reason | DIAGNOSTIC)
    today = "value_json.moves | select('ge', today_at().timestamp()) | list | count"
    moves = home | _value(today) | {"state_class": "total_increasing"}
    yield Entity("sensor", "moves-today", "Moves today", who, moves)
    outage = home | _figure("value_json.outage_ms", "ms", "duration", 0)
    yield Entity("sensor", "last-outage", "Outage of the last move", who, outage)
    gate = order | _flag("value_json.gate == 'open'") | {"device_class": "opening"}
    yield Entity("binary_sensor", "gate", "Gate", who, gate)
    held = home | _flag("value_json.held")
    # What is ordered does not bear on it, so the coordinator need not be there.
    yield Entity("binary_sensor", "kill-switch", "Kill switch", (), held)
    listed = _template("{'problems': value_json.problems} | tojson")
    problem = (
        home
        | _flag("value_json.problems")
        | {"device_class": "problem", "json_attributes_topic": home["state_topic"]}
        | {"json_attributes_template": listed}
    )
    yield Entity("binary_sensor", "problem", "Problem", who, problem)


def _steering(policy: Policy, exits: Sequence[str]) -> Iterator[Entity]:
    base, who = policy.discovery.base, (policy.coordinator,)
    use = _request(base, policy.agent, Verb.USE)
    state = _at(base, HOME_CHAIN.name()) | _value("value_json.choice")
    choice = state | {
        "options": [AUTO, *exits],
        "command_topic": use,
        "command_template": f'{{{TRANSACTION}, "exit": "{{{{ value }}}}"}}',
    }
    yield Entity("select", "exit", "Exit", who, choice)
    move = _press(_request(base, policy.agent, Verb.MOVE))
    yield Entity("button", "move", "Move now", who, move)
    events = {
        "state_topic": f"{base}/{HOME_EVENT.name()}",
        "event_types": [kind.value for kind in HomeEventKind],
    }
    yield Entity("event", "event", "Event", (), events)


def _exit(thing: Thing, policy: Policy) -> Iterator[Entity]:
    base, name = policy.discovery.base, thing.name
    state = _at(base, EXIT_STATE.name(exit=name))
    ready = state | _flag("value_json.stage == 'ready'")
    carries = ready | {"device_class": "connectivity"}
    yield Entity("binary_sensor", "connectivity", None, (name,), carries)
    stage = state | _value("value_json.stage")
    yield Entity("sensor", "stage", "Stage", (name,), stage)
    cause = state | _words("value_json.cause or 'none'")
    yield Entity("sensor", "cause", "Cause", (name,), cause | DIAGNOSTIC)
    since = state | _moment("value_json.since") | DIAGNOSTIC
    up = _only_if(state, "value_json.stage == 'ready'")
    yield Entity("sensor", "uptime", "Uptime", (name,), since, up)
    home = _at(base, HOME_EXIT.name(exit=name)) | _flag("value_json.enabled")
    enabled = home | {
        "state_on": "ON",
        "state_off": "OFF",
        "command_topic": f"{base}/{HOME_ENABLE.name(exit=name)}",
        "payload_on": '{"enabled": true}',
        "payload_off": '{"enabled": false}',
    }
    who = (policy.coordinator,)  # who can drain an exit whose own agent is away
    yield Entity("switch", "enabled", "Enabled", who, enabled)
    press = _press(_request(base, name, Verb.RECONNECT)) | {"device_class": "restart"}
    yield Entity("button", "reconnect", "Reconnect", (name,), press)


def _measured(thing: Thing, policy: Policy) -> Iterator[Entity]:
    base, who = policy.discovery.base, (thing.name,)
    state = _at(base, EXIT_STATE.name(exit=thing.name))
    home = _at(base, HOME_EXIT.name(exit=thing.name))
    rtt = state | _figure("value_json.rtt_ms", "ms", "duration", 1) | MEASURED
    yield Entity("sensor", "rtt", "Round trip", who, rtt)
    share = "value_json.loss_ratio * 100 if value_json.loss_ratio is not none else none"
    loss = state | _figure(share, "%", None, 1) | MEASURED
    yield Entity("sensor", "loss", "Loss", who, loss)
    for key, name in (("received", "Download"), ("sent", "Upload")):
        rate = _figure(f"value_json.{key}_mbit_s", "Mbit/s", "data_rate", 1)
        yield Entity("sensor", f"{key}-rate", name, who, home | rate | MEASURED)
        count = state | _value(f"value_json.{key}_bytes") | COUNTED
        yield Entity("sensor", f"{key}-bytes", f"{name}ed", who, count)


def _entry(thing: Thing, policy: Policy) -> Iterator[Entity]:
    base, who = policy.discovery.base, (thing.name,)
    state = _at(base, ENTRY_STATE.name(entry=thing.name))
    gate = state | _flag("value_json.gate == 'open'") | {"device_class": "opening"}
    yield Entity("binary_sensor", "gate", "Gate", who, gate)
    active = state | _value("value_json.active or 'none'")
    yield Entity("sensor", "active-exit", "Active exit", who, active)
    peers = state | _value("value_json.peers") | {"state_class": "measurement"}
    yield Entity("sensor", "peers", "Peers", who, peers)
    leak = state | _flag("value_json.leak") | {"device_class": "problem"}
    yield Entity("binary_sensor", "leak", "Leak", who, leak)
    cause = state | _words("value_json.leak or value_json.cause or 'none'")
    yield Entity("sensor", "cause", "Cause", who, cause | DIAGNOSTIC)


def _peer(thing: Thing, policy: Policy) -> Iterator[Entity]:
    base, who = policy.discovery.base, (thing.entry,)
    topic = PEER_STATE.name(entry=thing.entry, peer=thing.name)
    state = _at(base, topic)
    there = state | _flag("value_json.connected") | {"device_class": "connectivity"}
    yield Entity("binary_sensor", "connected", None, who, there)
    shaken = state | _moment("value_json.handshake_at or 0") | DIAGNOSTIC
    ever = _only_if(state, "value_json.handshake_at")
    yield Entity("sensor", "handshake", "Last handshake", who, shaken, ever)
    for key, name in (("received", "Received"), ("sent", "Sent")):
        count = COUNTED | {"enabled_by_default": True}
        more = state | _value(f"value_json.{key}_bytes") | count
        yield Entity("sensor", f"{key}-bytes", name, who, more)


# --- words of templates -----------------------------------------------------------


def _at(base: str, name: str) -> Config:
    return {"state_topic": f"{base}/{name}"}


def _request(base: str, agent: str, verb: Verb) -> str:
    return f"{base}/{REQUEST.name(agent=agent, verb=verb)}"


def _press(topic: str) -> Config:
    return {"command_topic": topic, "command_template": f"{{{TRANSACTION}}}"}


def _template(expression: str, otherwise: str = "''") -> str:
    return f"{{{{ ({expression}) if value_json is defined else {otherwise} }}}}"


def _value(expression: str) -> Config:
    return {"value_template": _template(expression)}


def _words(expression: str) -> Config:
    return _value(f"({expression})[:{STATE_CHARACTERS}]")


def _flag(expression: str) -> Config:
    return _value(f"'ON' if {expression} else 'OFF'")


def _moment(expression: str) -> Config:
    """Unix seconds, as Home Assistant wants moments."""
    template = _template(f"({expression}) | as_datetime", "0 | as_datetime")
    return {"value_template": template, "device_class": "timestamp"}


def _only_if(state: Config, expression: str) -> Config:
    holds = f"'online' if {expression} else 'offline'"
    template = _template(holds, "'offline'")
    return {"topic": state["state_topic"], "value_template": template}


def _figure(expression: str, unit: str, kind: str | None, digits: int) -> Config:
    named = {"device_class": kind} if kind else {}
    shown = {"unit_of_measurement": unit, "suggested_display_precision": digits}
    return _value(expression) | named | shown
