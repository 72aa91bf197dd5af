"""What tests of the chain do to it, and how it gets over it."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from bus.messages.exits import Stage
from bus.messages.orders import Decision, DecisionKind, Gate
from lab.process import Process
from lab.scene import Scene, now_s
from lab.stream import Window

Leaked = Callable[[], Awaitable[list[str]]]
Overrun = Callable[[], Awaitable[int]]

WITHIN_S: Final = 60.0
FETCH_S: Final = 20.0
# A busy guest drops a packet now and then; who is cut off loses them in a row.
STRAY: Final = 0.02


async def stand(scene: Scene) -> None:
    """Return once all agents are there and the first exit has the clients.

    Agents that a test left dead are started again.
    """
    for name, agent in tuple(scene.chain.agents.items()):
        if agent.status is not None:
            await restart(scene, name)
    observer, exits = scene.observer, scene.lab.topology.exits

    def stands() -> bool:
        order, entry = observer.order, observer.entries.get("entry")
        ready = all(observer.exits[name].stage is Stage.READY for name in exits)
        led = order is not None and order.gate is Gate.OPEN and order.active == exits[0]
        obeyed = entry is not None and entry.active == exits[0]
        return ready and led and obeyed and observer.online(*scene.chain.agent_names)

    await observer.until(stands, "the chain stands", WITHIN_S)
    await scene.client.fetch(FETCH_S)


@asynccontextmanager
async def dead(scene: Scene, *providers: str) -> AsyncIterator[None]:
    """The daemons of these providers are killed; afterwards they serve again."""
    for name in providers:
        await scene.chain.providers[name].kill()
    try:
        yield
    finally:
        for name in providers:
            await scene.chain.providers[name].restart()


@asynccontextmanager
async def silent(scene: Scene, provider: str) -> AsyncIterator[None]:
    """The packets of this provider vanish; afterwards they pass again."""
    await scene.chain.providers[provider].silence()
    try:
        yield
    finally:
        await scene.chain.providers[provider].heal()


async def kill(scene: Scene, process: Process) -> None:
    """SIGKILL to this one process; its children live on."""
    await scene.lab.exec("", ["kill", "-KILL", str(process.pid)])
    assert await process.wait() == -signal.SIGKILL


@asynccontextmanager
async def frozen(scene: Scene, *names: str) -> AsyncIterator[None]:
    """These agents, or the broker ("mosquitto"), say nothing; afterwards they go on.

    What an agent has started goes on all the time.
    """
    await _signal(scene, names, signal.SIGSTOP)
    try:
        yield
    finally:
        await _signal(scene, names, signal.SIGCONT)


async def _signal(scene: Scene, names: Sequence[str], signum: int) -> None:
    for name in names:
        if name in scene.chain.agents:
            await scene.chain.agents[name].signal(signum, alone=True)
        else:
            assert await scene.lab.strike("control", name, signum)


async def restart(scene: Scene, name: str) -> float:
    """Start an agent again; returns when it works, with when it was started.

    It is on the bus before it has set what stands at its node; what it reports follows.
    """
    observer, start_s = scene.observer, now_s()
    life = observer.presence[name].boot
    await scene.chain.start_agent(name)

    def back() -> bool:
        return observer.online(name) and observer.presence[name].boot != life

    await observer.until(back, f"{name} is back", WITHIN_S)
    await observer.until(lambda: reports(scene, name), f"{name} reports", WITHIN_S)
    return start_s


def reports(scene: Scene, name: str) -> bool:
    """Whether an agent has told what stands in its present life."""
    observer = scene.observer
    told = {**observer.exits, **observer.entries}.get(name)
    return told is None or told.boot == observer.presence[name].boot


def moves(scene: Scene, since_s: float) -> list[DecisionKind]:
    """The decisions that moved clients."""
    still = (DecisionKind.ADOPTED, DecisionKind.RANKED)
    decided = scene.observer.since(since_s, Decision)
    return [one.kind for one in decided if one.kind not in still]


def unbroken(window: Window, address: str) -> bool:
    """Whether traffic went on all the time, and by this address only."""
    return window.lost <= STRAY * window.sent and set(window.seen) == {address}
