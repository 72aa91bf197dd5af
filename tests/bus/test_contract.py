"""What every bus does, the real one over mosquitto and the fake one alike."""

import asyncio
from dataclasses import replace
from typing import Final

import pytest

from bus.commands import Request
from bus.interface import BusDown, BusUp, Forgotten, Received, Subscription
from bus.messages.entries import PeerReport
from bus.messages.exits import ExitEvent, ExitEventKind, ExitReport, Stage
from bus.messages.orders import Gate, Order
from bus.messages.presence import Status
from bus.topics import (
    EXIT_EVENT,
    EXIT_STATE,
    ORDER,
    PEER_STATE,
    PRESENCE,
    REQUEST,
    USUAL_BYTES,
)
from tests.bus.hearing import PATIENCE_S, anything, message, sign
from tests.bus.worlds import FakeWorld, RealWorld, World

STATES: Final = Subscription(EXIT_STATE)
EVENTS: Final = Subscription(EXIT_EVENT)
PEERS: Final = Subscription(PEER_STATE)
REPORT: Final = ExitReport(stage=Stage.IKE, since=1.0)
LOST: Final = ExitEvent(
    kind=ExitEventKind.LOST, at=1.0, before=Stage.READY, after=Stage.DOWN
)
PEER: Final = PeerReport(name="phone", connected=True)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.broker)])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return FakeWorld()
    return RealWorld(
        request.getfixturevalue("mosquitto"), request.getfixturevalue("broker")
    )


async def test_the_link_is_up_before_anything_is_heard(world: World) -> None:
    async with world.open("exit-a", STATES) as bus:
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        assert await anything(bus) == BusUp()
        assert bus.connected


async def test_an_agent_is_present_while_its_link_lives(world: World) -> None:
    async with world.open(
        "watcher", Subscription(PRESENCE, {"agent": "exit-a"})
    ) as bus:
        async with world.open("exit-a"):
            assert (await message(bus, PRESENCE)).payload.status is Status.ONLINE
        assert (await message(bus, PRESENCE)).payload.status is Status.STOPPED


async def test_an_agent_that_crashes_is_offline_not_stopped(world: World) -> None:
    async with world.open(
        "watcher", Subscription(PRESENCE, {"agent": "exit-a"})
    ) as bus:
        with pytest.raises((ZeroDivisionError, ExceptionGroup)):  # noqa: PT012
            async with world.open("exit-a") as crashing:
                await sign(crashing, BusUp)
                raise ZeroDivisionError
        assert (await message(bus, PRESENCE)).payload.status is Status.ONLINE
        assert (await message(bus, PRESENCE)).payload.status is Status.OFFLINE


async def test_nobody_is_told_of_a_listener_without_a_role(world: World) -> None:
    async with world.open("watcher", Subscription(PRESENCE)) as bus:
        assert (await message(bus, PRESENCE)).levels == {"agent": "watcher"}
        async with world.open("ghost", role="") as ghost:
            await sign(ghost, BusUp)
        async with world.open("exit-a"):
            assert (await message(bus, PRESENCE)).levels == {"agent": "exit-a"}


async def test_a_late_listener_hears_the_present_as_retained(world: World) -> None:
    async with world.open("exit-a", STATES) as speaker:
        await speaker.publish(EXIT_STATE, REPORT, exit="exit-a")
        assert not (await message(speaker, EXIT_STATE)).retained
        async with world.open("watcher", STATES) as bus:
            heard = await message(bus, EXIT_STATE)
            assert heard.retained
            assert heard.levels == {"exit": "exit-a"}
            assert heard.payload.stage is Stage.IKE


async def test_an_agent_hears_what_it_said_in_a_former_life(world: World) -> None:
    mine = Subscription(ORDER)
    async with world.open("coordinator", mine) as bus:
        await bus.publish(ORDER, Order(epoch=7, gate=Gate.OPEN))
        assert (await message(bus, ORDER)).payload.epoch == 7
    async with world.open("coordinator", mine) as bus:
        heard = await message(bus, ORDER)
        assert (heard.payload.epoch, heard.retained) == (7, True)


async def test_an_old_event_is_never_heard(world: World) -> None:
    async with world.open("exit-a", EVENTS) as speaker:
        await sign(speaker, BusUp)
        await speaker.publish(EXIT_EVENT, LOST, exit="exit-a")
        await message(speaker, EXIT_EVENT)
        async with world.open("watcher", EVENTS, STATES) as bus:
            await sign(bus, BusUp)
            await speaker.publish(EXIT_STATE, REPORT, exit="exit-a")
            assert isinstance(await anything(bus), Received)
            assert bus.counters.received == 1


async def test_only_fixed_levels_are_heard(world: World) -> None:
    async with (
        world.open("exit-a") as a,
        world.open("exit-b") as b,
        world.open("watcher", Subscription(EXIT_STATE, {"exit": "exit-b"})) as bus,
    ):
        await a.publish(EXIT_STATE, REPORT, exit="exit-a")
        await b.publish(EXIT_STATE, REPORT, exit="exit-b")
        assert (await message(bus, EXIT_STATE)).levels == {"exit": "exit-b"}
        await a.publish(EXIT_STATE, REPORT, exit="exit-a")
        await b.publish(EXIT_STATE, REPORT, exit="exit-b")
        assert (await message(bus, EXIT_STATE)).levels == {"exit": "exit-b"}


async def test_states_are_stamped_in_order(world: World) -> None:
    async with world.open("exit-a", STATES) as bus:
        await sign(bus, BusUp)
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        first = (await message(bus, EXIT_STATE)).payload
        second = (await message(bus, EXIT_STATE)).payload
        assert first.at > 0
        assert first.boot
        assert first.boot == second.boot
        assert first.seq < second.seq


async def test_each_life_has_a_boot_of_its_own(world: World) -> None:
    boots = set()
    for _ in range(2):
        async with world.open("exit-a", STATES) as bus:
            await sign(bus, BusUp)
            await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
            heard = await message(bus, EXIT_STATE)
            while heard.retained:
                heard = await message(bus, EXIT_STATE)
            boots.add(heard.payload.boot)
    assert len(boots) == 2


async def test_a_broker_that_forgot_everything_is_told_again(world: World) -> None:
    async with world.open("exit-a") as speaker, world.open("watcher", STATES) as bus:
        await speaker.publish(EXIT_STATE, REPORT, exit="exit-a")
        await message(bus, EXIT_STATE)
        world.kill()
        await sign(bus, BusDown)
        world.revive()
        await sign(bus, BusUp)
        assert (await message(bus, EXIT_STATE)).payload.stage is Stage.IKE


async def test_a_state_said_while_the_broker_is_away_is_said_later(
    world: World,
) -> None:
    async with world.open("exit-a", STATES) as bus:
        await sign(bus, BusUp)
        world.kill()
        await sign(bus, BusDown)
        assert not bus.connected
        async with asyncio.timeout(PATIENCE_S):
            await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
            ready = replace(REPORT, stage=Stage.READY)
            await bus.publish(EXIT_STATE, ready, exit="exit-a")
        world.revive()
        assert (await message(bus, EXIT_STATE)).payload.stage is Stage.READY
        assert bus.counters.dropped == 0


async def test_an_event_while_the_broker_is_away_is_dropped_and_counted(
    world: World,
) -> None:
    async with world.open("exit-a", EVENTS, STATES) as bus:
        await sign(bus, BusUp)
        world.kill()
        await sign(bus, BusDown)
        await bus.publish(EXIT_EVENT, LOST, exit="exit-a")
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        assert bus.counters.dropped == 1
        world.revive()
        await sign(bus, BusUp)
        heard = await anything(bus)
        assert isinstance(heard, Received)
        assert heard.topic is EXIT_STATE


async def test_what_is_gone_is_forgotten(world: World) -> None:
    async with world.open("entry", PEERS) as speaker:
        await speaker.publish(PEER_STATE, PEER, entry="entry", peer="phone")
        await message(speaker, PEER_STATE)
        await speaker.forget(PEER_STATE, entry="entry", peer="phone")
        levels = {"entry": "entry", "peer": "phone"}
        assert await sign(speaker, Forgotten) == Forgotten(PEER_STATE, levels)
        await speaker.publish(PEER_STATE, PEER, entry="entry", peer="laptop")
        await message(speaker, PEER_STATE)
        async with world.open("watcher", PEERS) as bus:
            assert (await message(bus, PEER_STATE)).levels["peer"] == "laptop"


async def test_what_went_while_the_broker_was_away_is_forgotten(world: World) -> None:
    async with world.open("entry", PEERS) as bus:
        await bus.publish(PEER_STATE, PEER, entry="entry", peer="phone")
        await message(bus, PEER_STATE)
        world.kill()
        await sign(bus, BusDown)
        await bus.forget(PEER_STATE, entry="entry", peer="phone")
        world.revive()
        assert (await sign(bus, Forgotten)).levels["peer"] == "phone"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"stage": "moon", "since": 1.0}',
        b'{"stage": "ike", "since": "1"}',
        b'{"stage": "ike"}',
        b'{"stage": "ike", "since": 1.0, "stage": "ready"}',
        b'{"stage": "ike", "since": NaN}',
        b'{"stage": "ike", "since": 1.0, "attempt": 18446744073709551616}',
        b'{"stage": "ike", "since": 1.0, "cause": "\\ud800"}',
        b'{"stage": %s, "since": 1.0}' % (b"[" * 1_000 + b"]" * 1_000),
        b'{"stage": "ike", "since": 1.0, "cause": "%s"}' % (b"x" * USUAL_BYTES),
    ],
    ids=range(13),
)
async def test_a_misfit_is_counted_and_the_next_one_heard(
    world: World, raw: bytes
) -> None:
    async with world.open("exit-a") as a, world.open("watcher", STATES) as bus:
        await sign(bus, BusUp)
        await a.publish(EXIT_STATE, REPORT, exit="exit-a")
        await message(bus, EXIT_STATE)
        await world.nonsense("exit/exit-b/state", raw)
        await a.publish(EXIT_STATE, replace(REPORT, stage=Stage.PPP), exit="exit-a")
        assert (await message(bus, EXIT_STATE)).payload.stage is Stage.PPP
        assert bus.counters.malformed == 1


async def test_an_unknown_field_is_ignored_in_a_state(world: World) -> None:
    async with world.open("exit-a") as a, world.open("watcher", STATES) as bus:
        await a.publish(EXIT_STATE, REPORT, exit="exit-a")
        await message(bus, EXIT_STATE)
        raw = b'{"stage": "ppp", "since": 1.0, "colour": "blue"}'
        await world.nonsense("exit/exit-b/state", raw)
        assert (await message(bus, EXIT_STATE)).payload.stage is Stage.PPP


async def test_an_unknown_field_is_refused_in_a_command(world: World) -> None:
    wanted = Subscription(REQUEST, {"agent": "exit-a"})
    async with world.open("exit-a", wanted, STATES) as bus:
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        await message(bus, EXIT_STATE)
        raw = b'{"transaction": "1", "force": true}'
        await world.nonsense("request/exit-a/reconnect", raw)
        await world.nonsense("request/exit-a/reconnect", b'{"transaction": "2"}')
        heard = await message(bus, REQUEST)
        assert heard.payload == Request(transaction="2")
        assert heard.levels == {"agent": "exit-a", "verb": "reconnect"}
        assert bus.counters.malformed == 1


async def test_a_request_is_heard_once_however_often_it_is_said(world: World) -> None:
    wanted = Subscription(REQUEST, {"agent": "exit-a"})
    async with world.open("exit-a", wanted, STATES) as bus:
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        await message(bus, EXIT_STATE)
        for transaction in (b"1", b"1", b"1", b"2"):
            raw = b'{"transaction": "%s"}' % transaction
            await world.nonsense("request/exit-a/reconnect", raw)
        heard = [(await message(bus, REQUEST)).payload.transaction for _ in range(2)]
        assert heard == ["1", "2"]
        assert bus.counters.repeated == 2


async def test_a_request_that_a_broker_remembers_is_void(world: World) -> None:
    raw = b'{"transaction": "1"}'
    await world.nonsense("request/exit-a/reconnect", raw, retain=True)
    wanted = Subscription(REQUEST, {"agent": "exit-a"})
    async with world.open("exit-a", wanted, STATES) as bus:
        await sign(bus, BusUp)
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        assert isinstance(await anything(bus), Received)
        assert bus.counters.malformed == 1


async def test_an_empty_event_is_no_event(world: World) -> None:
    events = Subscription(EXIT_EVENT)
    async with world.open("watcher", events, STATES) as bus, world.open("exit-a") as a:
        await sign(bus, BusUp)
        await a.publish(EXIT_STATE, REPORT, exit="exit-a")
        await message(bus, EXIT_STATE)
        await world.nonsense("exit/exit-a/event", b"")
        await a.publish(EXIT_STATE, REPORT, exit="exit-a")
        assert isinstance(await anything(bus), Received)
        assert bus.counters.malformed == 1


async def test_what_cannot_be_written_down_is_refused_and_counted(world: World) -> None:
    async with world.open("exit-a", STATES) as bus:
        await sign(bus, BusUp)
        half_a_letter = replace(REPORT, cause="\ud800")
        await bus.publish(EXIT_STATE, half_a_letter, exit="exit-a")
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        assert (await message(bus, EXIT_STATE)).payload.cause == ""
        assert bus.counters.refused == 1


async def test_a_topic_level_that_is_no_id_is_a_mistake_of_ours(world: World) -> None:
    async with world.open("exit-a") as bus:
        with pytest.raises(ValueError, match="is not"):
            await bus.publish(EXIT_STATE, REPORT, exit="+/x")
