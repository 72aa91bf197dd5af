"""The chain in a real Home Assistant, with a real coordinator on a real broker."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from bus.discovery import Discovery
from bus.interface import Received, Subscription
from bus.link import open_link
from bus.messages.presence import Presence, Status
from bus.topics import EXIT_STATE, PRESENCE
from tests.homeassistant.house import LOOK_S, PATIENCE_S, home_assistant
from tests.homeassistant.world import World

pytestmark = [pytest.mark.home, pytest.mark.broker]

EVENT: Final = "event.vpnchain_event"


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
    named = ("sensor.vpnchain_exit_a_stage", "binary_sensor.vpnchain_gate")
    names = {states[one]["attributes"]["friendly_name"] for one in named}
    assert names == {"exit-a Stage", "vpnchain Gate"}
    await world.house.tells(
        "select.vpnchain_exit", options=["auto", "exit-a", "exit-b"]
    )
    for entity, name in (("exit_a_connectivity", "exit-a"), ("p1_connected", "phone")):
        await world.house.tells(f"binary_sensor.vpnchain_{entity}", friendly_name=name)
    rate = "sensor.vpnchain_exit_a_received_rate"
    await world.house.until(rate, lambda state: float(state) >= 0)


async def test_its_select_moves_the_chain_and_back(world: World) -> None:
    await world.house.do(
        "select/select_option", "select.vpnchain_exit", option="exit-b"
    )
    await world.house.shows(
        select__vpnchain_exit="exit-b",
        sensor__vpnchain_active_exit="exit-b",
        sensor__vpnchain_moves_today="1",
        sensor__vpnchain_last_outage="31.0",
    )
    await world.house.tells(EVENT, event_type="moved", after="exit-b")
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
    async with asyncio.timeout(PATIENCE_S):
        while world.chain.exits["exit-b"].reconnects != 1:  # noqa: ASYNC110 - a number
            await asyncio.sleep(LOOK_S)


async def test_it_hears_of_a_failover_and_of_the_end_of_all_exits(world: World) -> None:
    await world.chain.fail("exit-a")
    await world.house.shows(
        sensor__vpnchain_active_exit="exit-b",
        sensor__vpnchain_exit_a_stage="down",
        sensor__vpnchain_exit_a_uptime="unavailable",
    )
    await world.house.tells(EVENT, event_type="failover", before="exit-a")
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
    await world.house.forgets("exit_b")
    await world.house.shows(sensor__vpnchain_exit_a_stage="ready")
    await world.house.tells("select.vpnchain_exit", options=["auto", "exit-a"])


async def test_a_house_that_starts_is_told_all_again(
    world: World, tmp_path: Path
) -> None:
    discovery = Discovery()
    topic = discovery.topic("select")
    levels = {"node": discovery.node}
    async with (
        open_link("ear", "", world.broker, [Subscription(topic, levels)]) as bus,
        home_assistant(tmp_path / "another", world.broker, {}) as other,
    ):
        async with asyncio.timeout(PATIENCE_S):
            async for heard in bus:
                if isinstance(heard, Received) and not heard.retained:
                    break
        await other.shows(sensor__vpnchain_active_exit="exit-a")
