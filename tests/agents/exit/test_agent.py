"""The exit's shell: bus in, rules, tunnel and bus out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agents.exit.agent import Exit
from agents.exit.model import Cause, Failed, StopAsked
from agents.settings_model import ExitSettings, Settings, SettingsError
from bus.commands import Request
from bus.messages.exits import ExitEventKind, ExitReport, Stage
from bus.messages.orders import Gate, Hop, Order
from bus.topics import EXIT_EVENT, EXIT_STATE, ORDER, REQUEST, RESPONSE
from tests.agents.exit.tunnels import FakeTunnel
from tests.fakes.bus import FakeBroker

NAME = "exit-a"
SETTINGS = Settings(
    exit=ExitSettings(
        presets=("modern", "compat"),
        probe_misses=3,
        backoff_min_s=0.01,
        backoff_max_s=0.02,
        permanent_backoff_s=1000,
    )
)


@asynccontextmanager
async def living(
    tunnel: FakeTunnel, broker: FakeBroker, heartbeat_s: float = 5.0
) -> AsyncIterator[Exit]:
    """An exit at work, and stopped in good order at the end."""
    agent = Exit(SETTINGS, NAME, tunnel, heartbeat_s)
    tunnel.post = agent.post
    async with broker.open_link(NAME, agent.role, agent.subscriptions) as bus:
        await agent.open()
        async with asyncio.TaskGroup() as tasks:
            jobs = [tasks.create_task(job()) for job in agent.jobs(bus).values()]
            try:
                yield agent
            finally:
                for job in jobs:
                    job.cancel()
                await asyncio.wait(jobs)
                await agent.close()


async def until_stage(broker: FakeBroker, stage: Stage) -> ExitReport:
    return await broker.until(EXIT_STATE, lambda said: said.stage is stage, exit=NAME)


async def test_a_fresh_exit_becomes_ready_and_says_each_stage() -> None:
    broker = FakeBroker()
    async with living(FakeTunnel(), broker):
        said = await until_stage(broker, Stage.READY)

    assert said.address == "172.20.0.11"
    assert said.tunnel_address == "10.201.0.10"
    assert said.rtt_ms == 1.5
    events = broker.all(EXIT_EVENT, exit=NAME)
    *climbed, end = events
    assert [one.after for one in climbed] == list(Stage)[1:]
    assert {one.kind for one in climbed} == {ExitEventKind.STAGE}
    assert (end.kind, end.cause) == (ExitEventKind.LOST, "stopping")


async def test_a_refused_preset_is_followed_by_the_next() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel(accepts="compat")
    async with living(tunnel, broker):
        said = await until_stage(broker, Stage.READY)

    assert said.preset == "compat"
    assert said.attempt == 2


async def test_the_preset_of_an_earlier_life_is_tried_first() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel(accepts="compat", accepted="compat")
    async with living(tunnel, broker):
        said = await until_stage(broker, Stage.READY)

    assert said.attempt == 1


async def test_a_tunnel_that_falls_silent_is_not_ready_until_it_answers_again() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker):
        await until_stage(broker, Stage.READY)
        tunnel.answers = False
        said = await until_stage(broker, Stage.PPP)
        assert said.cause == "probe: no answer through ppp0 (3 probes)"
        tunnel.answers = True
        await until_stage(broker, Stage.READY)

    assert tunnel.attempts == 1


async def test_a_broken_tunnel_is_cleared_and_dialled_again() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker) as agent:
        await until_stage(broker, Stage.READY)
        agent.post(Failed(asyncio.get_running_loop().time(), Cause("ppp: gone")))
        said = await until_stage(broker, Stage.DOWN)
        assert (said.cause, said.planned) == ("ppp: gone", False)
        await until_stage(broker, Stage.READY)

    assert tunnel.attempts == 2
    lost = [
        one for one in broker.all(EXIT_EVENT, exit=NAME) if one.cause == "ppp: gone"
    ]
    assert [one.kind for one in lost] == [ExitEventKind.LOST]


async def test_a_request_to_reconnect_is_granted_and_done() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker):
        await until_stage(broker, Stage.READY)
        broker.say(REQUEST, Request(transaction="t1"), agent=NAME, verb="reconnect")
        answer = await broker.until(
            RESPONSE,
            lambda said: said.transaction == "t1",
            agent=NAME,
            verb="reconnect",
        )
        down = await broker.until(EXIT_STATE, lambda said: said.attempt == 1, exit=NAME)
        await until_stage(broker, Stage.READY)

    assert answer.ok
    assert tunnel.attempts == 2
    assert (down.cause, down.planned) == ("reconnect asked for", True)


async def test_an_unknown_request_is_refused_with_a_reason() -> None:
    broker = FakeBroker()
    async with living(FakeTunnel(), broker):
        broker.say(REQUEST, Request(transaction="t2"), agent=NAME, verb="sing")
        answer = await broker.until(RESPONSE, lambda _: True, agent=NAME, verb="sing")

    assert not answer.ok
    assert answer.error == "unknown to an exit: sing"


async def test_a_step_that_hangs_is_ended_with_the_agent() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel(hangs=True)
    async with living(tunnel, broker):
        await broker.until(
            EXIT_STATE, lambda said: said.server == "203.0.113.2", exit=NAME
        )

    assert tunnel.closed


async def test_each_heartbeat_says_what_went_through_the_link_while_there_is_one() -> (
    None
):
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker, heartbeat_s=0.01):
        said = await broker.until(
            EXIT_STATE, lambda said: (said.received_bytes or 0) > 0, exit=NAME
        )
        later = await broker.until(
            EXIT_STATE,
            lambda now: (now.received_bytes or 0) > (said.received_bytes or 0),
            exit=NAME,
        )

    assert said.tunnel_address
    assert later.sent_bytes == 1000 + (later.received_bytes or 0)
    end = broker.last(EXIT_STATE, exit=NAME)
    assert end is not None
    assert (end.received_bytes, end.sent_bytes) == (None, None)
    downs = [one for one in broker.all(EXIT_STATE, exit=NAME) if not one.tunnel_address]
    assert {one.received_bytes for one in downs} == {None}


async def test_a_new_link_does_not_inherit_what_went_through_the_old_one() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker, heartbeat_s=0.3) as agent:
        old = await broker.until(
            EXIT_STATE, lambda said: said.received_bytes is not None, exit=NAME
        )
        agent.post(Failed(asyncio.get_running_loop().time(), Cause("ppp: gone")))
        await until_stage(broker, Stage.DOWN)
        new = await until_stage(broker, Stage.READY)

    assert new.received_bytes is None or new.received_bytes > (old.received_bytes or 0)


async def test_what_does_not_change_is_said_alike_at_each_heartbeat() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker, heartbeat_s=0.001):
        await until_stage(broker, Stage.READY)
        await broker.until(
            EXIT_STATE, lambda now: (now.received_bytes or 0) > 50, exit=NAME
        )

    said = broker.all(EXIT_STATE, exit=NAME)
    ready = [one.since for one in said if one.stage is Stage.READY]
    assert len(ready) > 20
    assert len(set(ready)) == 1


async def test_a_change_is_said_without_asking_the_link_anew() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker, heartbeat_s=1000):
        said = await until_stage(broker, Stage.READY)

    assert tunnel.traffic_asked == 1
    assert said.received_bytes is None


async def test_a_stopped_exit_says_down_before_it_takes_the_tunnel_down() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker):
        await until_stage(broker, Stage.READY)

    said = broker.last(EXIT_STATE, exit=NAME)
    assert said is not None
    assert (said.stage, said.cause, said.planned) == (Stage.DOWN, "stopped", True)
    assert tunnel.closed


# --- orders ---------------------------------------------------------------------------

A = Hop(exit=NAME, address="172.20.0.11")
B = Hop(exit="exit-b", address="172.20.0.12")


def order(active: str | None, *hops: Hop) -> Order:
    return Order(epoch=1, gate=Gate.OPEN, active=active, exits=hops)


async def move_away(broker: FakeBroker) -> None:
    """A coordinator that hears an exit say that it goes, and leads its clients off."""
    await broker.until(EXIT_STATE, lambda said: said.cause == "stopping", exit=NAME)
    broker.say(ORDER, order("exit-b", B, A))


async def test_impossible_orders_are_ignored_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    async with living(tunnel, broker):
        for epoch in (0, -1, 2**53):
            broker.say(ORDER, replace(order(NAME, A, B), epoch=epoch))
        await until_stage(broker, Stage.READY)

    assert tunnel.detours == []
    assert caplog.text.count("beyond all counting") == 1


async def test_clients_are_led_round_as_ordered() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    broker.say(ORDER, order(NAME, A, B))
    async with living(tunnel, broker):
        await until_stage(broker, Stage.READY)
        broker.say(ORDER, order(NAME, A))
        broker.say(REQUEST, Request(transaction="t1"), agent=NAME, verb="reconnect")
        await broker.until(RESPONSE, lambda _: True, agent=NAME, verb="reconnect")
        async with asyncio.timeout(5):
            while len(tunnel.detours) < 2:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

    assert tunnel.detours == [B.address, ""]


async def test_a_stopped_exit_waits_until_its_clients_have_moved() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    broker.say(ORDER, order(NAME, A, B))
    async with asyncio.TaskGroup() as tasks:
        async with living(tunnel, broker):
            await until_stage(broker, Stage.READY)
            tasks.create_task(move_away(broker))
        assert tunnel.closed
        assert broker.last(ORDER) == order("exit-b", B, A)

    said = [one.cause for one in broker.all(EXIT_STATE, exit=NAME)]
    assert said[-2:] == ["stopping", "stopped"]


async def test_a_stopped_exit_is_gone_soon_if_nobody_moves_its_clients() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    broker.say(ORDER, order(NAME, A, B))
    async with asyncio.timeout(5), living(tunnel, broker):
        await until_stage(broker, Stage.READY)

    assert tunnel.closed


async def test_a_stopped_exit_does_not_wait_for_a_broker_that_goes() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel()
    broker.say(ORDER, order(NAME, A, B))
    async with living(tunnel, broker) as agent:
        await until_stage(broker, Stage.READY)
        broker.stop()
        agent.post(StopAsked(asyncio.get_running_loop().time()))

    assert tunnel.closed


async def test_a_predecessors_tunnel_stays_until_its_clients_have_moved() -> None:
    broker, tunnel = FakeBroker(), FakeTunnel(left=True)
    broker.say(ORDER, order(NAME, A, B))
    async with living(tunnel, broker):
        said = await until_stage(broker, Stage.DOWN)
        assert said.cause == "starting anew"
        assert tunnel.stands
        broker.say(ORDER, order("exit-b", B, A))
        await until_stage(broker, Stage.READY)

    assert tunnel.attempts == 1


async def test_a_broker_that_comes_late_hears_the_present() -> None:
    broker, tunnel = FakeBroker(up=False), FakeTunnel()
    async with living(tunnel, broker):
        async with asyncio.timeout(5):
            await tunnel.carrying.wait()
        broker.start()
        await until_stage(broker, Stage.READY)


def test_a_missing_secret_ends_the_agent_before_it_touches_anything(
    tmp_path: Path,
) -> None:
    settings = Settings(exit=ExitSettings(secrets=tmp_path, run_dir=tmp_path / "run"))

    with pytest.raises(SettingsError, match="vpn_server_ip"):
        Exit(settings, NAME)

    assert not (tmp_path / "run").exists()
