"""An agent or the broker dies or hangs: the clients' traffic does not notice."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import pytest

from agents.entry.model import NEXT_HOP
from bus.messages.exits import ExitEvent, ExitEventKind
from bus.messages.orders import Decision, DecisionKind
from lab import steps
from lab.client import Stream
from lab.inside import leftovers, pids
from lab.scene import Scene, now_s
from lab.topology import CONTROL_ADDRESS, exit_address, seen_address
from tests.chain.acts import (
    WITHIN_S,
    Leaked,
    dead,
    frozen,
    kill,
    moves,
    restart,
    stand,
    unbroken,
)
from tests.chain.situations import Situation

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

A, B = seen_address("provider-a"), seen_address("provider-b")
AFTER_S = 1.0
LOOK_S: Final = 0.2
BUS: Final = "eth1"  # of the entry: its link to the broker
# Without that link the entry's own words to the broker go by its default route, and the
# router passes them on under its own address. They are no client's.
BUS_TALK: Final = f" > {CONTROL_ADDRESS}, protocol 6: "


async def test_a_killed_entry_agent_is_replaced_without_a_break(
    standing: Scene, stream: Stream
) -> None:
    start_s = now_s()

    await kill(standing, standing.chain.agents["entry"])
    await restart(standing, "entry")
    await stand(standing)
    window = await stream.window(start_s, now_s() + AFTER_S)

    assert unbroken(window, A), window
    assert moves(standing, start_s) == []


async def test_a_killed_coordinator_is_replaced_without_a_move(
    standing: Scene, stream: Stream
) -> None:
    start_s = now_s()

    await kill(standing, standing.chain.agents["coordinator"])
    await restart(standing, "coordinator")
    await steps.decision(standing, DecisionKind.ADOPTED, start_s)
    await stand(standing)
    window = await stream.window(start_s, now_s() + AFTER_S)

    assert unbroken(window, A), window
    assert moves(standing, start_s) == []


# paho leaves a Unix socket that was refused to the garbage collector: have it here.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_killed_broker_is_replaced_without_a_break(
    standing: Scene, stream: Stream
) -> None:
    start_s, observer = now_s(), standing.observer
    lives = {name: observer.presence[name].seq for name in standing.chain.agent_names}

    broker = await pids(standing.lab, "control", "mosquitto")
    await standing.lab.exec("", ["kill", "-KILL", *broker])
    await standing.chain.start_broker()
    await observer.until(
        lambda: all(observer.presence[name].seq > seq for name, seq in lives.items()),
        "all agents are on the new broker",
        WITHIN_S,
    )
    await stand(standing)
    window = await stream.window(start_s, now_s() + AFTER_S)
    gc.collect()

    assert unbroken(window, A), window
    assert moves(standing, start_s) == []


async def test_a_killed_exit_agent_leaves_its_tunnel_to_the_clients(
    standing: Scene, stream: Stream, leaked: Leaked
) -> None:
    start_s, observer = now_s(), standing.observer

    await kill(standing, standing.chain.agents["exit-a"])
    await observer.until(
        lambda: not observer.online("exit-a"), "exit-a is gone", WITHIN_S
    )
    window = await stream.window(start_s, now_s() + AFTER_S)
    again_s = await restart(standing, "exit-a")
    await steps.ready(standing, "exit-a", again_s, WITHIN_S)

    assert unbroken(window, A), window
    assert await leftovers(standing.lab, "exit-a") == []
    assert await leaked() == []


async def test_a_frozen_exit_agent_keeps_the_clients_as_its_tunnel_carries(
    standing: Scene, stream: Stream, leaked: Leaked
) -> None:
    start_s, observer = now_s(), standing.observer

    async with frozen(standing, "exit-a"):
        # The broker's patience is longer than the coordinator's.
        await observer.until(
            lambda: not observer.online("exit-a"), "exit-a is given up", WITHIN_S
        )
    await stand(standing)
    await ordered_anew(standing)
    window = await stream.window(start_s, now_s())

    assert unbroken(window, A), window
    assert moves(standing, start_s) == []
    kinds = {one.kind for one in observer.since(start_s, ExitEvent, "exit-a")}
    assert ExitEventKind.LOST not in kinds
    assert await leaked() == []


async def ordered_anew(scene: Scene) -> None:
    """The coordinator has said its order again, by what it knows now."""
    order = scene.observer.order
    assert order is not None
    said = order.seq
    await scene.observer.until(
        lambda: (now := scene.observer.order) and now.seq > said, "an order", WITHIN_S
    )


@asynccontextmanager
async def they_hang(scene: Scene) -> AsyncIterator[None]:
    """Broker and coordinator say nothing."""
    async with frozen(scene, "mosquitto", "coordinator"):
        yield


@asynccontextmanager
async def they_are_killed(scene: Scene) -> AsyncIterator[None]:
    """There is neither broker nor coordinator; afterwards there are new ones."""
    (broker,) = await pids(scene.lab, "control", "mosquitto")
    await scene.lab.exec("", ["kill", "-KILL", broker])
    await kill(scene, scene.chain.agents["coordinator"])
    yield
    await scene.chain.start_broker()
    await restart(scene, "coordinator")


@asynccontextmanager
async def their_cable_is_pulled(scene: Scene) -> AsyncIterator[None]:
    """The entry hears nobody on the bus, who all go on; the bridge is as it was."""
    await scene.lab.exec("entry", ["ip", "link", "set", BUS, "down"])
    try:
        yield
    finally:
        await scene.lab.exec("entry", ["ip", "link", "set", BUS, "up"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "alone",
    [
        pytest.param(one, id=one.__name__)
        for one in (they_hang, they_are_killed, their_cable_is_pulled)
    ],
)
async def test_without_broker_and_coordinator_the_entry_leaves_a_dead_exit(
    alone: Situation, standing: Scene, stream: Stream, leaked: Leaked
) -> None:
    start_s, observer = now_s(), standing.observer

    async with AsyncExitStack() as provider:
        async with alone(standing):
            await provider.enter_async_context(dead(standing, "provider-a"))
            # The exit's own detour may lead the stream there before.
            await led_to(standing, "exit-b")
            await stream.left_by(B, WITHIN_S)
            led_s = now_s()
        await observer.until(
            lambda: observer.order and observer.order.active == "exit-b",
            "the coordinator wants what is so",
            WITHIN_S,
        )
        await steps.active(standing, "exit-b")
        await ordered_anew(standing)
        window = await stream.window(led_s, now_s())
        decided = observer.since(start_s, Decision)
    gc.collect()

    # Whether it adopts or decides the same depends on how much of it the broker forgot.
    assert {one.after for one in decided} == {"exit-b"}
    assert len([one for one in decided if one.kind is not DecisionKind.ADOPTED]) <= 1
    assert unbroken(window, B), window
    assert [one for one in await leaked() if BUS_TALK not in one] == []
    standing.captured.forgive()


async def led_to(scene: Scene, name: str) -> None:
    """The entry's kernel leads the clients to this exit."""
    look = ["ip", "nexthop", "show", "id", str(NEXT_HOP)]
    via = f"via {exit_address(name)} "
    async with asyncio.timeout(WITHIN_S):
        # Nobody hears of it.
        while via not in (await scene.lab.exec("entry", look)).stdout:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
