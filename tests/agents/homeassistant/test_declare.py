"""Declarations keep Home Assistant's rules, and point at topics that are there."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from agents.homeassistant.declare import declarations, ranked
from agents.homeassistant.model import CHAIN, Kind, Place, Policy, Thing
from bus.codec import decode, encode
from bus.commands import Enable
from bus.discovery import Discovery
from bus.names import ID
from bus.topics import topic_of

POLICY: Final = Policy(discovery=Discovery(base="lab/vpn_chain"), version="1.2.3")
THINGS: Final = (
    CHAIN,
    Thing(Kind.EXIT, "exit-a"),
    Thing(Kind.ENTRY, "entry"),
    Thing(Kind.PEER, "phone", "entry"),
)


def every() -> Iterator[tuple[Place, dict[str, Any]]]:
    for thing in THINGS:
        yield from declarations(thing, "label", POLICY, ("exit-a",)).items()


EVERY: Final = pytest.mark.parametrize(
    ("place", "config"), list(every()), ids=lambda one: one[1] if len(one) == 2 else ""
)


@EVERY
def test_each_topic_is_one_of_the_chains(place: Place, config: dict[str, Any]) -> None:
    named = {key: name for key, name in config.items() if key.endswith("_topic")}
    assert named, place
    for key, name in named.items():
        topic = topic_of(name.removeprefix("lab/vpn_chain/"))
        assert topic is not None, name
        assert (topic.writer == "operator") == (key == "command_topic")


@EVERY
def test_a_place_can_be_published_to(place: Place, config: dict[str, Any]) -> None:
    component, name = place
    topic = POLICY.discovery.topic(component)
    full = topic.name(node=POLICY.discovery.node, object=name)
    assert re.fullmatch(
        r"/homeassistant/\w+/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", full
    )
    assert decode(dict, encode(config)) == config


@EVERY
def test_it_is_there_while_all_who_say_it_are(
    place: Place, config: dict[str, Any]
) -> None:
    component, name = place
    topics = [one["topic"] for one in config["availability"]]
    assert topics[0] == "lab/vpn_chain/agent/homeassistant/presence"
    assert config["availability_mode"] == "all"
    moment = config.get("device_class") == "timestamp"
    ours_alone = component == "event" or name == "chain-kill-switch"
    assert len(topics) == (1 if ours_alone else 3 if moment else 2)


@EVERY
def test_a_name_does_not_repeat_that_of_the_device(
    place: Place, config: dict[str, Any]
) -> None:
    del place
    assert config["name"] is None or config["device"]["name"] not in config["name"]
    assert config["default_entity_id"].endswith(f".{config['object_id']}")
    assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", config["default_entity_id"])


def test_no_two_entities_share_an_id() -> None:
    configs = [config for _, config in every()]
    for key in ("unique_id", "default_entity_id"):
        ids = [config[key] for config in configs]
        assert len(set(ids)) == len(ids)


def test_a_client_shows_its_handshake_and_traffic_both_ways() -> None:
    names = {name for _, name in declarations(THINGS[-1], "label", POLICY, ())}
    parts = ("connected", "handshake", "received-bytes", "sent-bytes")
    assert names == {f"peer-entry-phone-{part}" for part in parts}


def test_no_two_entities_show_the_same() -> None:
    shown = [
        (config["state_topic"], config.get("value_template"))
        for _, config in every()
        if "state_topic" in config
    ]
    assert len(set(shown)) == len(shown)


def test_each_device_hangs_on_another_up_to_the_chain() -> None:
    above = {
        config["device"]["identifiers"][0]: config["device"].get("via_device")
        for _, config in every()
    }
    node = POLICY.discovery.node
    assert above == {
        f"{node}-chain": None,
        f"{node}-exit-exit-a": f"{node}-chain",
        f"{node}-entry-entry": f"{node}-chain",
        f"{node}-peer-entry-phone": f"{node}-entry-entry",
    }


def test_long_names_that_begin_alike_are_still_two() -> None:
    one, other = ("x" * 63 + letter for letter in "ab")
    places = [
        set(declarations(Thing(Kind.EXIT, name), name, POLICY, ()))
        for name in (one, other)
    ]
    assert not places[0] & places[1]
    assert all(ID.fullmatch(name) for _, name in places[0] | places[1])


def test_what_a_switch_sends_is_understood() -> None:
    config = dict(every())["switch", "exit-exit-a-enabled"]
    for key, enabled in (("payload_on", True), ("payload_off", False)):
        wish = decode(Enable, config[key].encode(), strict=True)
        assert wish == Enable(enabled=enabled)


def test_exits_that_nobody_ranked_follow_by_name() -> None:
    assert ranked(["c", "a", "b"], ["b", "z"]) == ("b", "a", "c")
