"""What may happen to the chain while a client is about, each with its way back.

A situation is entered when it has begun, and left when it is over; the chain may still
be on its way back then.
"""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from bus.commands import Verb
from bus.messages.orders import DecisionKind
from lab import steps
from lab.inside import pids
from lab.scene import Scene, now_s
from lab.topology import BRIDGE_GATEWAY
from tests.chain.acts import WITHIN_S, dead, kill, restart, silent

Situation = Callable[[Scene], AbstractAsyncContextManager[None]]

FLAPS: Final = 100
ORDERS: Final = 10
# As the agent leads clients' traffic through ppp0.
CARRIED: Final = "route add default dev ppp0 table 100 metric 100"


@asynccontextmanager
async def a_provider_is_killed(scene: Scene) -> AsyncIterator[None]:
    """The clients move to the other exit, and go back."""
    start_s = now_s()
    async with dead(scene, "provider-a"):
        await steps.decision(scene, DecisionKind.FAILOVER, start_s)
        yield


@asynccontextmanager
async def a_provider_falls_silent(scene: Scene) -> AsyncIterator[None]:
    """The clients move to the other exit, and go back."""
    start_s = now_s()
    async with silent(scene, "provider-a"):
        await steps.decision(scene, DecisionKind.FAILOVER, start_s)
        yield


@asynccontextmanager
async def both_exits_are_dead(scene: Scene) -> AsyncIterator[None]:
    """The clients are held."""
    async with dead(scene, "provider-a", "provider-b"):
        await steps.active(scene, None)
        yield


@asynccontextmanager
async def the_coordinator_is_killed(scene: Scene) -> AsyncIterator[None]:
    """Nobody gives orders."""
    async with killed(scene, "coordinator"):
        yield


@asynccontextmanager
async def the_entry_agent_is_killed(scene: Scene) -> AsyncIterator[None]:
    """Its rules and routes are on their own."""
    async with killed(scene, "entry"):
        yield


@asynccontextmanager
async def the_exit_agents_are_killed(scene: Scene) -> AsyncIterator[None]:
    """Their rules, routes and tunnels are on their own."""
    async with killed(scene, "exit-a"), killed(scene, "exit-b"):
        yield


@asynccontextmanager
async def the_coordinator_is_upgraded(scene: Scene) -> AsyncIterator[None]:
    """It ends in order, and another process comes."""
    async with stopped(scene, "coordinator"):
        yield


@asynccontextmanager
async def the_entry_agent_is_upgraded(scene: Scene) -> AsyncIterator[None]:
    """It ends in order, and another process comes."""
    async with stopped(scene, "entry"):
        yield


@asynccontextmanager
async def an_exit_agent_is_upgraded(scene: Scene) -> AsyncIterator[None]:
    """The active one ends in order, and another process comes."""
    async with stopped(scene, "exit-a"):
        yield


@asynccontextmanager
async def charon_is_killed(scene: Scene) -> AsyncIterator[None]:
    """The kernel's SAs and L2TP session are on their own for a moment."""
    async with struck(scene, "exit-b", "charon"):
        yield


@asynccontextmanager
async def xl2tpd_is_killed(scene: Scene) -> AsyncIterator[None]:
    """Its kernel session goes with it."""
    async with struck(scene, "exit-b", "xl2tpd"):
        yield


@asynccontextmanager
async def pppd_is_killed(scene: Scene) -> AsyncIterator[None]:
    """ppp0 vanishes at the active exit, whose kernel takes the detour."""
    async with struck(scene, "exit-a", "pppd"):
        yield


@asynccontextmanager
async def wireguard_is_killed(scene: Scene) -> AsyncIterator[None]:
    """wg0 vanishes: with its process, or by itself where the kernel makes it."""
    if scene.chain.wireguard == "kernel":
        await scene.lab.exec("entry", ["ip", "link", "del", "wg0"])
    else:
        (pid,) = await pids(scene.lab, "entry", "wireguard-go")
        await scene.lab.exec("", ["kill", "-KILL", pid])
    await scene.client.ping(WITHIN_S)
    yield


@asynccontextmanager
async def ppp0_flaps(scene: Scene) -> AsyncIterator[None]:
    """A hundred times at the active exit, faster than its agent looks."""
    agent = scene.chain.agents["exit-a"]
    lines = ["link set ppp0 down", "link set ppp0 up", CARRIED]
    await agent.signal(signal.SIGSTOP, alone=True)
    try:
        batch = "\n".join(FLAPS * [*lines, ""])
        await scene.lab.exec("exit-a", ["ip", "-batch", "-"], stdin=batch)
        yield
    finally:
        await agent.signal(signal.SIGCONT, alone=True)


@asynccontextmanager
async def the_order_is_replaced(scene: Scene) -> AsyncIterator[None]:
    """Again and again, while packets flow."""
    observer = scene.observer
    for number in range(ORDERS):
        wanted = scene.lab.topology.exits[(number + 1) % 2]
        answer = await observer.ask("coordinator", Verb.PREFER, WITHIN_S, about=wanted)
        assert answer.ok, answer.error
        await steps.active(scene, wanted)
    yield
    assert (await observer.ask("coordinator", Verb.AUTO, WITHIN_S)).ok


@asynccontextmanager
async def the_entry_is_reconnected(scene: Scene) -> AsyncIterator[None]:
    """Its network on the bridge goes and comes back; Docker then sets its route."""
    await reconnect(scene, "entry")
    yield


@asynccontextmanager
async def an_exit_is_reconnected(scene: Scene) -> AsyncIterator[None]:
    """The same of the active one."""
    await reconnect(scene, "exit-a")
    yield


async def reconnect(scene: Scene, node: str) -> None:
    """Its link to the bridge goes down and up, its default route is set again."""
    lines = ("link set eth0 down", "link set eth0 up")
    route = f"route add default via {BRIDGE_GATEWAY}"
    batch = "\n".join((*lines, route, ""))
    await scene.lab.exec(node, ["ip", "-batch", "-"], stdin=batch)


@asynccontextmanager
async def killed(scene: Scene, name: str) -> AsyncIterator[None]:
    """An agent is killed; afterwards there is another."""
    await kill(scene, scene.chain.agents[name])
    yield
    await restart(scene, name)


@asynccontextmanager
async def stopped(scene: Scene, name: str) -> AsyncIterator[None]:
    """An agent has ended in order; afterwards there is another."""
    assert await scene.chain.agents[name].end() == 0
    yield
    await restart(scene, name)


@asynccontextmanager
async def struck(scene: Scene, node: str, daemon: str) -> AsyncIterator[None]:
    """A daemon is killed; afterwards its exit is ready."""
    start_s = now_s()
    for pid in await pids(scene.lab, node, daemon):
        await scene.lab.exec("", ["kill", "-KILL", pid])
    yield
    await steps.ready(scene, node, start_s, WITHIN_S)
