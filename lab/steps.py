"""The demo's steps: each makes something happen and holds the chain to what follows.

They wait for facts on the bus and for packets of the client's, never for time, and each
wait has a bound: a step that does not hold says what was expected.
"""

from typing import Final

from bus.messages.entries import EntryEvent, EntryEventKind
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from bus.messages.orders import Decision, DecisionKind, Gate
from lab.client import Stream
from lab.drops import dropped
from lab.inside import encrypted, handshake_at, has_wireguard, leftovers
from lab.scene import Scene, StepError, now_s
from lab.talk import LabError
from lab.topology import seen_address

PRESENT_S: Final = 30.0
READY_S: Final = 60.0
OPEN_S: Final = 20.0
HANDSHAKE_S: Final = 20.0  # WireGuard tries again every 5 s
FETCH_S: Final = 10.0
MOVE_S: Final = 20.0
RETURN_S: Final = 60.0
# How long a client that must not get through keeps trying.
IN_VAIN_S: Final = 1.5
HELD_S: Final = 1.5
# What the stream shows before and after an event, so that its edges are whole.
MARGIN_S: Final = 0.5
# The agents' clocks and ours are one, but words take time.
HASTE_S: Final = 0.3


async def closed(scene: Scene) -> None:
    """All agents are there and the gate is closed: nobody gets in.

    The providers are out of reach meanwhile, so that no exit can be ready yet.
    """
    observer, names = scene.observer, scene.chain.agent_names
    for provider in scene.chain.providers.values():
        await provider.silence()
    await scene.chain.start_agents()

    def present() -> bool:
        for name, agent in scene.chain.agents.items():
            if agent.status is not None:
                raise StepError(f"{name} ended with status {agent.status}")
        return observer.online(*names)

    await scene.until(present, "all agents present", PRESENT_S)
    await scene.until(
        lambda: observer.entries.get("entry"), "the entry reports", PRESENT_S
    )
    order = observer.order
    scene.expect(order is None or order.gate is Gate.CLOSED, "the gate is closed")
    scene.expect(not await has_wireguard(scene.lab), "no wg0 at the entry")
    await scene.chain.connect(scene.client.node)
    refused = False
    try:
        await scene.client.ping(IN_VAIN_S)
    except LabError:
        refused = not await handshake_at(scene.lab)
    scene.expect(refused, "the client's handshake gets no answer")


async def raised(scene: Scene) -> None:
    """The providers are within reach: the exits come up stage by stage."""
    for provider in scene.chain.providers.values():
        await provider.heal()
    for name in scene.lab.topology.exits:
        await ready(scene, name, 0.0, READY_S)
        took_s = scene.observer.exits[name].took_s
        scene.measured.ready_s[name] = round(sum(took_s.values()), 2)
        stages = ", ".join(f"{stage} {took:.2f} s" for stage, took in took_s.items())
        scene.say(f"  {name}: {stages}")


async def opened(scene: Scene) -> None:
    """The gate opens, the client comes in and leaves through the first provider."""
    observer, first = scene.observer, scene.lab.topology.providers[0]

    def opens() -> bool:
        kinds = [one.kind for one in observer.since(0.0, EntryEvent)]
        return EntryEventKind.GATE_OPENED in kinds

    await decision(scene, DecisionKind.GATE_OPENED, 0.0)
    await scene.until(opens, "wg0 starts at the entry", OPEN_S)
    await scene.chain.connect(scene.client.node)
    took_ms = await scene.client.ping(HANDSHAKE_S)
    scene.expect(await handshake_at(scene.lab), "the client shook hands")
    scene.say(f"  its ping takes {took_ms:.1f} ms")
    await active(scene, scene.lab.topology.exits[0])
    seen = await encrypted(scene.lab, first, scene.client, FETCH_S)
    scene.expect(seen == seen_address(first), f"the page saw {first}", seen)
    leaks = scene.captured.leaks()
    scene.expect(not leaks, "between exit and provider only IKE and ESP", leaks[:5])


async def moved(scene: Scene, stream: Stream, name: str) -> None:
    """The first provider dies, in the way of this name: the clients move on.

    A machine that stalls may have driven them off it meanwhile: then they return first.
    """
    first, second = scene.lab.topology.providers[:2]
    await active(scene, scene.lab.topology.exits[0])
    start_s = now_s()
    if name == "provider_killed":
        scene.say(f"killing the daemons of {first}")
        await scene.chain.providers[first].kill()
    else:
        scene.say(f"dropping every packet of {first}, silently")
        await scene.chain.providers[first].silence()
    moved_s = await stream.left_by(seen_address(second), MOVE_S)
    await decision(scene, DecisionKind.FAILOVER, start_s)
    await scene.outage(stream, name, start_s - MARGIN_S, moved_s + MARGIN_S)
    seen = await scene.client.fetch(FETCH_S)
    scene.expect(seen == seen_address(second), f"the page saw {second}", seen)


async def returned(scene: Scene, stream: Stream) -> None:
    """The first provider serves again; its exit settles, then the clients go back."""
    first = scene.lab.topology.providers[0]
    best, standby = scene.lab.topology.exits[:2]
    start_s, before = now_s(), await dropped(scene.lab)
    back = await restored(scene)
    left = await leftovers(scene.lab, best)
    scene.expect(not left, f"{best} came back from a clean state", left)
    order = scene.observer.order
    scene.expect(order and order.active == standby, f"{best} is a standby at first")
    settled = await decision(scene, DecisionKind.FAILBACK, start_s)
    settle_s = scene.chain.tuning.settle_s
    good_s = settled.at - back.at
    what = f"it had been good for {settle_s:g} s before the clients went back"
    scene.expect(good_s >= settle_s - HASTE_S, what, f"{good_s:.1f} s")
    moved_s = await stream.left_by(seen_address(first), MOVE_S)
    await scene.outage(stream, "failback", moved_s - MARGIN_S, moved_s + MARGIN_S)
    lost, overrun = scene.measured.lost["failback"], await dropped(scene.lab) - before
    scene.expect(
        lost <= overrun,
        "no packet was lost on the way back",
        f"{lost} lost, {overrun} of them by this busy machine itself",
    )


async def restored(scene: Scene) -> ExitEvent:
    """The first provider serves again, and its exit is ready."""
    first, best = scene.lab.topology.providers[0], scene.lab.topology.exits[0]
    start_s = now_s()
    scene.say(f"{first} serves again")
    provider = scene.chain.providers[first]
    await (provider.heal() if provider.silent else provider.restart())
    return await ready(scene, best, start_s, RETURN_S)


async def held(scene: Scene, stream: Stream) -> None:
    """Every provider dies: the clients are held, and nothing of theirs gets out."""
    observer, start_s = scene.observer, now_s()
    for provider in scene.chain.providers.values():
        scene.say(f"killing the daemons of {provider.name}")
        await provider.kill()
    await decision(scene, DecisionKind.EXHAUSTED, start_s)
    await active(scene, None)
    held_s = now_s()
    order = observer.order
    scene.expect(order and order.gate is Gate.OPEN, "the policy is hold: wg0 stays")
    scene.expect(await has_wireguard(scene.lab), "wg0 is there")
    try:
        await scene.client.fetch(IN_VAIN_S)
    except LabError:
        window = await stream.window(held_s, held_s + HELD_S)
        scene.expect(not window.seen, f"none of {window.sent} packets came through")
    else:
        scene.expect(False, "no page comes through")
    scene.expect(not (leaks := scene.captured.leaks()), "nothing leaked", leaks[:5])


async def resumed(scene: Scene, stream: Stream) -> None:
    """One provider returns, and traffic flows again."""
    second, start_s = scene.lab.topology.providers[1], now_s()
    scene.say(f"{second} serves again")
    await scene.chain.providers[second].restart()
    await decision(scene, DecisionKind.RESUMED, start_s)
    await stream.flows(start_s, MOVE_S)
    seen = await scene.client.fetch(FETCH_S)
    scene.expect(seen == seen_address(second), f"the page saw {second}", seen)


async def active(scene: Scene, name: str | None) -> None:
    """The entry sends through this exit, settled if it has to be; None: nowhere."""
    observer = scene.observer

    def obeyed() -> bool:
        return "entry" in observer.entries and observer.entries["entry"].active == name

    await scene.until(obeyed, f"the entry sends through {name or 'nobody'}", RETURN_S)


async def ready(scene: Scene, name: str, since_s: float, within_s: float) -> ExitEvent:
    """The event by which this exit became ready."""

    def readied() -> list[ExitEvent]:
        return [
            one
            for one in scene.observer.since(since_s, ExitEvent, name)
            if one.kind is ExitEventKind.STAGE and one.after is Stage.READY
        ]

    return (await scene.until(readied, f"{name} is ready", within_s))[-1]


async def decision(scene: Scene, kind: DecisionKind, since_s: float) -> Decision:
    """The coordinator's decision of this kind."""

    def decided() -> list[Decision]:
        found = scene.observer.since(since_s, Decision)
        return [one for one in found if one.kind is kind]

    what = f"the coordinator decides: {kind.value}"
    return (await scene.until(decided, what, RETURN_S))[-1]
