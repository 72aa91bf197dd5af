"""Topics of others: named from the root, and what is said there is not JSON."""

from typing import Final

import pytest

from bus.discovery import COMPONENTS, Discovery
from bus.interface import Forgotten, Subscription
from bus.link import open_link
from bus.names import ID, found, placed
from bus.outbox import Parcel
from bus.topics import EXIT_STATE
from bus.wire import Broker
from tests.bus.doors import enter
from tests.bus.hearing import message, sign

DISCOVERY: Final = Discovery()


@pytest.mark.parametrize("name", ["exit/a/state", "/homeassistant/status", "//x"])
def test_a_name_is_placed_and_found_again(name: str) -> None:
    assert found("a/b", placed("a/b", name)) == name


def test_what_begins_with_a_slash_is_not_below_the_base() -> None:
    assert placed("a/b", "exit/x/state") == "a/b/exit/x/state"
    assert placed("a/b", "/homeassistant/status") == "homeassistant/status"
    assert EXIT_STATE.levels(found("a/b", "a/exit/x/state")) is None


@pytest.mark.parametrize("base", ["vpnchain", "Lab/vpn_chain", "x" * 80, "Ü"])
def test_a_chain_is_one_level_among_those_who_are_discovered(base: str) -> None:
    assert ID.fullmatch(Discovery(base=base).node)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_declaration_leads_back_to_its_node_and_object(component: str) -> None:
    topic = next(DISCOVERY.topic(one) for one in COMPONENTS if one == component)
    levels = {"node": "vpnchain", "object": "x"}
    assert topic.levels(topic.name(**levels)) == levels


@pytest.mark.broker
async def test_declarations_and_births_cross_a_real_broker(broker: Broker) -> None:
    birth, declaration = DISCOVERY.birth, DISCOVERY.topic("sensor")
    wanted = [Subscription(birth), Subscription(declaration, {"node": broker.base})]
    levels = {"node": broker.base, "object": "x"}
    async with open_link("home", "", broker, wanted) as bus:
        await bus.publish(declaration, {"name": "X"}, **levels)
        heard = await message(bus, declaration)
        assert (heard.levels, heard.payload) == (levels, {"name": "X"})
        await bus.forget(declaration, **levels)
        assert await sign(bus, Forgotten) == Forgotten(declaration, levels)

        async with enter(broker, "house") as wire:
            for raw in (b"\xff", b"online"):  # the first is no text
                await wire.say(Parcel("homeassistant/status", raw, 1, retain=False))
        assert (await message(bus, birth)).payload == "online"
        assert bus.counters.malformed == 1
