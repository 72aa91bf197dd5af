"""The chain in a real Home Assistant, with a real coordinator on a real broker."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from agents.settings_model import HomeAssistantSettings, Settings
from bus.discovery import Discovery
from bus.interface import Received, Subscription
from bus.link import open_link
from bus.messages.entries import PeerReport
from bus.messages.presence import Presence, Status
from bus.topics import EXIT_STATE, PRESENCE
from bus.wire import Broker
from tests.homeassistant.house import House, home_assistant, log_of
from tests.homeassistant.life import living
from tests.mosquitto import Mosquitto
from tests.standin import StandIns, stand_ins

pytestmark = [pytest.mark.home, pytest.mark.broker]

SETTINGS: Final = Settings(
    homeassistant=HomeAssistantSettings(peers=True, jitter_s=0.0)
)
# Words of its log that are about the machine, not about us.
NOT_OURS: Final = ("pip installation", "IPv4 addresses", "Python version")


@dataclass
class World:
    house: House
    chain: StandIns
    broker: Broker
    folder: Path
    agent: AsyncExitStack


@pytest.fixture
async def world(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[World]:
    """Two exits that are ready, a client, and a house that has found them."""
    broker = Broker(mosquitto.host, mosquitto.port)
    folder = tmp_path / "house"
    async with (
        AsyncExitStack() as agent,
        stand_ins(broker) as chain,
        home_assistant(folder, broker) as house,
    ):
        await agent.enter_async_context(living(broker, SETTINGS))
        await chain.ready("exit-a")
        await chain.ready("exit-b")
        phone = PeerReport(name="phone", connected=True, handshake_at=1767225558.0)
        await chain.entry.meet("p1", phone)
        await house.shows(
            sensor__vpnchain_active_exit="exit-a",
            binary_sensor__vpnchain_exit_b_connectivity="on",
            sensor__vpnchain_p1_handshake="2025-12-31T23:59:18+00:00",
        )
        yield World(house, chain, broker, folder, agent)
        complaints = [
            line
            for line in log_of(folder).splitlines()
            if (" WARNING " in line or " ERROR " in line)
            and not any(words in line for words in NOT_OURS)
        ]
        assert complaints == []


async def test_it_sees_the_chain_as_it_is(world: World) -> None:
    await world.chain.exits["exit-a"].carry(1_000_000, 0)
    states = await world.house.shows(
        select__vpnchain_exit="auto",
        binary_sensor__vpnchain_gate="on",
        binary_sensor__vpnchain_kill_switch="off",
        sensor__vpnchain_moves_today="0",
        sensor__vpnchain_exit_a_stage="ready",
        sensor__vpnchain_exit_a_cause="none",
        switch__vpnchain_exit_a_enabled="on",
        sensor__vpnchain_entry_active_exit="exit-a",
        binary_sensor__vpnchain_p1_connected="on",
    )
    assert states["select.vpnchain_exit"]["attributes"]["options"] == [
        *("auto", "exit-a", "exit-b")
    ]
    names = {one["attributes"].get("friendly_name") for one in states.values()}
    assert {"exit-a", "exit-a Stage", "vpnchain Gate", "phone"} <= names
    rate = "sensor.vpnchain_exit_a_received_rate"
    await world.house.until(rate, lambda state: float(state) >= 0)


async def test_its_select_moves_the_chain_and_back(world: World) -> None:
    await world.house.do(
        "select/select_option", "select.vpnchain_exit", option="exit-b"
    )
    states = await world.house.shows(
        select__vpnchain_exit="exit-b",
        sensor__vpnchain_active_exit="exit-b",
        sensor__vpnchain_moves_today="1",
        sensor__vpnchain_last_outage="31.0",
    )
    event = states["event.vpnchain_event"]["attributes"]
    assert (event["event_type"], event["after"]) == ("moved", "exit-b")
    await world.house.do("select/select_option", "select.vpnchain_exit", option="auto")
    await world.house.shows(
        select__vpnchain_exit="auto", sensor__vpnchain_active_exit="exit-a"
    )


async def test_its_button_and_switch_move_the_chain_too(world: World) -> None:
    await world.house.do("button/press", "button.vpnchain_move")
    await world.house.shows(sensor__vpnchain_active_exit="exit-b")
    await world.house.do("switch/turn_off", "switch.vpnchain_exit_b_enabled")
    await world.house.shows(
        sensor__vpnchain_active_exit="exit-a", switch__vpnchain_exit_b_enabled="off"
    )
    await world.house.do("button/press", "button.vpnchain_exit_b_reconnect")
    await world.house.do("switch/turn_on", "switch.vpnchain_exit_b_enabled")
    await world.house.shows(switch__vpnchain_exit_b_enabled="on")
    assert world.chain.exits["exit-b"].reconnects == 1


async def test_it_hears_of_a_failover_and_of_the_end_of_all_exits(world: World) -> None:
    await world.chain.fail("exit-a")
    states = await world.house.shows(
        sensor__vpnchain_active_exit="exit-b",
        sensor__vpnchain_exit_a_stage="down",
        sensor__vpnchain_exit_a_uptime="unavailable",
    )
    event = states["event.vpnchain_event"]["attributes"]
    assert (event["event_type"], event["before"]) == ("failover", "exit-a")
    await world.chain.fail("exit-b")
    states = await world.house.shows(
        sensor__vpnchain_active_exit="none",
        binary_sensor__vpnchain_kill_switch="on",
        binary_sensor__vpnchain_problem="on",
    )
    (told,) = states["binary_sensor.vpnchain_problem"]["attributes"]["problems"]
    assert told.startswith("no exit carries: ")


async def test_what_nobody_says_any_more_is_unavailable(world: World) -> None:
    bus, will = world.chain.exits["exit-a"].bus, Presence(status=Status.OFFLINE)
    await bus.publish(PRESENCE, will, agent="exit-a")
    await world.house.shows(
        sensor__vpnchain_exit_a_stage="unavailable",
        sensor__vpnchain_exit_b_stage="ready",
    )
    await world.agent.aclose()
    await world.house.shows(
        sensor__vpnchain_exit_b_stage="unavailable",
        select__vpnchain_exit="unavailable",
        event__vpnchain_event="unavailable",
    )


async def test_an_exit_that_was_removed_vanishes(world: World) -> None:
    await world.chain.exits["exit-b"].bus.forget(EXIT_STATE, exit="exit-b")
    await world.house.vanishes("sensor.vpnchain_exit_b_stage")
    states = await world.house.shows(sensor__vpnchain_exit_a_stage="ready")
    assert not [name for name in states if "exit_b" in name]
    options = states["select.vpnchain_exit"]["attributes"]["options"]
    assert options == ["auto", "exit-a"]


async def test_a_house_that_starts_is_told_all_again(
    world: World, tmp_path: Path
) -> None:
    discovery = Discovery()
    topic = discovery.topic("select")
    levels = {"node": discovery.node}
    async with (
        open_link("ear", "", world.broker, [Subscription(topic, levels)]) as bus,
        home_assistant(tmp_path / "another", world.broker) as other,
    ):
        async for heard in bus:
            if isinstance(heard, Received) and not heard.retained:
                break
        await other.shows(sensor__vpnchain_active_exit="exit-a")
