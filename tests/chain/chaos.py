"""Everything may die: kills at random, and a chain that has to get over it by itself.

`python -m lab run -- python -m tests.chain.chaos --seed N` replays the blows of a run:
the same ones, at the same times, to the same victims. What they meet there depends on
the machine as well.
"""

import argparse
import asyncio
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from bus.messages.exits import Stage
from bus.messages.orders import Gate
from lab import steps
from lab.client import Stream
from lab.demo import FAILURES, explain, stage
from lab.marked import marked
from lab.nodes import Lab
from lab.scene import Scene, now_s
from lab.story import Story
from lab.talk import LabError
from lab.topology import provider_of, seen_address
from tests.chain.acts import stand
from tests.chain.chaos_bound import bound_s
from tests.chain.chaos_inventory import differences, inventory
from tests.chain.chaos_plan import Blow, Strike, bursts, victims
from tests.chain.chaos_restarts import Restarts, restarting
from tests.chain.vigil import ENTRY_LOOKUP, Vigil

KILLS: Final = 200
STREAM_HZ: Final = 20
LOOK_S: Final = 1.0
LOOKS: Final = 4
FETCH_S: Final = 2.0


REPLAY: Final = "python -m lab run -- python -m tests.chain.chaos --seed"


class ChaosError(Exception):
    """The chain did not get over it."""


@dataclass(slots=True)
class Tally:
    """What was done, and what became of it.

    Attributes:
        hits: Blows that met somebody; keys: the victim, the blow.
        healed_s: From the last blow of each burst until the chain had converged.
        surprises: See `Restarts`.
    """

    seed: int
    hits: Counter[tuple[str, Blow]] = field(default_factory=Counter)
    missed: int = 0
    healed_s: list[float] = field(default_factory=list)
    surprises: dict[str, int] = field(default_factory=dict)

    @property
    def kills(self) -> int:
        """How many processes were ended by SIGKILL, hung ones included."""
        return sum(n for (_, blow), n in self.hits.items() if blow is not Blow.PAUSE)

    def told(self) -> str:
        """For a person."""
        killed: Counter[str] = Counter()
        for (victim, _), count in self.hits.items():
            killed[victim] += count
        each = ", ".join(f"{name} {n}" for name, n in sorted(killed.items()))
        healed = ", ".join(f"{one:.1f}" for one in self.healed_s)
        return (
            f"{REPLAY} {self.seed}\n  {self.kills} kills, {self.hits.total()} blows, "
            f"{self.missed} met nobody\n  {each}\n  healed after {healed} s\n"
            f"  ended by themselves: {self.surprises or 'none'}"
        )


async def unleash(scene: Scene, stream: Stream, tally: Tally, kills: int) -> None:
    """Burst after burst, until there have been enough kills; the chain heals each time.

    A client tries everything meanwhile, and has been seen to leak before.

    Raises:
        ChaosError: It does not, or something is left, or leaked.
        CaptureError: Something may have leaked unseen.
        LabError: Something had leaked before, or no capture sees a leak.
    """
    async with marked(scene.lab, scene.client.node) as course:
        vigil = Vigil(scene, course)
        await vigil.caught("entry", ENTRY_LOOKUP)
        await rage(scene, stream, tally, kills)
        if leaked := await vigil.leaked():
            raise ChaosError(f"{REPLAY} {tally.seed}: leaked: {leaked[:5]}")


async def rage(scene: Scene, stream: Stream, tally: Tally, kills: int) -> None:
    """See `unleash`; whatever leaks meanwhile."""
    lab, chain = scene.lab, scene.chain
    before = await lasting(lab)
    among = victims(lab.topology.exits, chain.wireguard)
    async with restarting(chain) as restarts:
        tally.surprises = restarts.surprises
        for strikes in bursts(tally.seed, among):
            if tally.kills >= kills:
                break
            await burst(scene, restarts, strikes, tally, kills)
            tally.healed_s.append(await healed(scene, stream, before, tally.seed))
            scene.say(tally.told())


async def burst(
    scene: Scene,
    restarts: Restarts,
    strikes: tuple[Strike, ...],
    tally: Tally,
    kills: int,
) -> None:
    """Every strike at its time, until enough are dead; nobody is stopped afterwards."""
    start_s = now_s()
    async with asyncio.TaskGroup() as tasks:
        for strike in strikes:
            if tally.kills >= kills:
                break
            await asyncio.sleep(max(0.0, start_s + strike.at_s - now_s()))
            tasks.create_task(_hit(scene, restarts, strike, tally), name=str(strike))


async def _hit(scene: Scene, restarts: Restarts, strike: Strike, tally: Tally) -> None:
    first = signal.SIGKILL if strike.blow is Blow.KILL else signal.SIGSTOP
    if not await restarts.signal(scene.lab, strike.victim, first):
        tally.missed += 1
        return
    tally.hits[str(strike.victim), strike.blow] += 1
    if strike.blow is not Blow.KILL:
        await asyncio.sleep(strike.for_s)
        last = signal.SIGCONT if strike.blow is Blow.PAUSE else signal.SIGKILL
        await restarts.signal(scene.lab, strike.victim, last)


async def lasting(lab: Lab) -> Counter[str]:
    """What is there whenever one looks: no child that bears its parent's name yet."""
    there = await inventory(lab)
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_S)
        there &= await inventory(lab)
    return there


async def healed(
    scene: Scene, stream: Stream, before: Counter[str], seed: int
) -> float:
    """How long it took until all was as before, and traffic flows, in seconds.

    Raises:
        ChaosError: It is not within the bound; says what is missing or left.
    """
    start_s, at = now_s(), time.time()
    limit_s = bound_s(scene.chain.tuning)
    wrong = ["nobody has looked"]
    try:
        async with asyncio.timeout(limit_s):
            while wrong := await wrongs(scene, at, before):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
            healed_s = now_s() - start_s
            await stream.flows(now_s(), limit_s)
    except TimeoutError:
        words = "\n  ".join(wrong or ["nothing is wrong, but no traffic flows"])
        what = f"{REPLAY} {seed}: not healed after {limit_s:g} s"
        raise ChaosError(f"{what}:\n  {words}") from None
    return healed_s


async def wrongs(scene: Scene, at: float, before: Counter[str]) -> list[str]:
    """What is not yet as it was; asks for more only once the cheaper things are so."""
    if wrong := unsaid(scene, at):
        return wrong
    best = scene.lab.topology.exits[0]
    try:
        seen = await scene.client.fetch(FETCH_S)
    except LabError as error:
        return [str(error)]
    if seen != (wanted := seen_address(provider_of(best))):
        return [f"the page saw {seen}, not {wanted}"]
    return differences(before, await inventory(scene.lab))


def unsaid(scene: Scene, at: float) -> list[str]:
    """What the agents have not said since then (Unix seconds)."""
    observer, exits, wrong = scene.observer, scene.lab.topology.exits, []
    for name in exits:
        report = observer.exits.get(name)
        if report is None or report.at < at:
            wrong.append(f"{name}: no report")
        elif report.stage is not Stage.READY:
            wrong.append(f"{name}: {report.stage}, {report.cause}")
    order, entry = observer.order, observer.entries.get("entry")
    if order is None or order.at < at:
        wrong.append("coordinator: no order")
    elif order.gate is not Gate.OPEN or order.active != exits[0]:
        wrong.append(f"coordinator: {order.gate}, {order.active}: {order.reason}")
    if entry is None or entry.at < at:
        wrong.append("entry: no report")
    elif entry.active != exits[0]:
        wrong.append(f"entry: through {entry.active}, {entry.cause}")
    return wrong


async def replay(seed: int, kills: int) -> int:
    """A run in a chain of its own, freshly started; the exit status."""
    tally, ok = Tally(seed), True
    async with stage(Story()) as scene:
        try:
            await scene.chain.start_agents()
            await scene.chain.connect(scene.client.node)
            await steps.active(scene, scene.lab.topology.exits[0])
            await stand(scene)
            async with scene.client.stream(rate_hz=STREAM_HZ) as stream:
                await unleash(scene, stream, tally, kills)
        except* (ChaosError, *FAILURES) as group:
            explain(scene, _first(group))
            ok = False
        scene.say(tally.told())
        await scene.chain.stop_agents()
    return 0 if ok else 1


def _first(error: BaseException) -> BaseException:
    """What went wrong in the first task that failed."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chain.chaos")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))  # noqa: S311
    parser.add_argument("--kills", type=int, default=KILLS)
    wanted = parser.parse_args()
    return asyncio.run(replay(wanted.seed, wanted.kills))


if __name__ == "__main__":
    sys.exit(main())
