"""Who dies is started again, as a container's restart policy does it."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from lab.chain import Chain
from lab.nodes import Lab
from lab.process import Process
from tests.chain.chaos_bound import RESTART_FIRST_S, RESTART_MOST_S, SETTLED_S
from tests.chain.chaos_plan import Victim


class Restarts:
    """The agents and the broker, kept running.

    Attributes:
        alive: Those that run, or ran last; keys: names.
        surprises: Ends that were no SIGKILL: a name and a status, and how often.
    """

    def __init__(self, chain: Chain, broker: Process) -> None:
        self.alive = {**chain.agents, "mosquitto": broker}
        self.surprises: Counter[str] = Counter()
        self._chain = chain

    async def keep(self, name: str) -> None:
        """Start it again whenever it has ended, for ever."""
        loop, pause_s = asyncio.get_running_loop(), RESTART_FIRST_S
        start = (
            self._chain.spawn_broker
            if name == "mosquitto"
            else partial(self._chain.start_agent, name)
        )
        while True:
            began_s = loop.time()
            status = await self.alive[name].wait()
            if status != -signal.SIGKILL:
                self.surprises[f"{name}: status {status}"] += 1
            if loop.time() - began_s > SETTLED_S:
                pause_s = RESTART_FIRST_S
            await asyncio.sleep(pause_s)
            pause_s = min(RESTART_MOST_S, 2 * pause_s)
            self.alive[name] = await start()

    async def signal(self, lab: Lab, victim: Victim, signum: int) -> bool:
        """Send to a victim; whether it was there."""
        process = self.alive.get(victim.program)
        if process is None:
            return bool(await lab.strike(victim.node, victim.program, signum))
        there = process.status is None
        await process.signal(signum, alone=True)
        return there


@asynccontextmanager
async def restarting(chain: Chain) -> AsyncIterator[Restarts]:
    """Agents and broker are started again while the block runs."""
    await chain.lab.strike("control", "mosquitto", signal.SIGKILL)
    restarts = Restarts(chain, await chain.spawn_broker())
    async with asyncio.TaskGroup() as tasks:
        keeping = [
            tasks.create_task(restarts.keep(name), name=f"keep {name}")
            for name in restarts.alive
        ]
        yield restarts
        for one in keeping:
            one.cancel()
