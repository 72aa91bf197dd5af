"""One agent that reconnects without rest, and keeps telling what it holds.

Runs in the agent's node in its place. The samples are lines of JSON on standard output:
what grows with every reconnect is a leak. What only waits for the collector of garbage
is none: Python lets it come to a quarter of all objects before it looks through the old
ones, megabytes that would pass for a leak. So it is made to look before each sample.
"""

import argparse
import asyncio
import dataclasses
import gc
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from agents.lifecycle import Agent, Job, live
from agents.run import load_agent
from agents.settings import broker_of, load
from bench.soak_verdict import Sample
from bus.interface import Bus, Subscription

SAMPLE_S: Final = 0.25
PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024


class Soaked:
    """An agent as it is, with one more job: to be looked at."""

    def __init__(self, agent: Agent) -> None:
        self.name = agent.name
        self.role = agent.role
        self.subscriptions: Sequence[Subscription] = agent.subscriptions
        self._agent = agent

    async def open(self) -> None:
        """See Agent."""
        await self._agent.open()

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """See Agent."""
        return {**self._agent.jobs(bus), "sample": lambda: sample(bus)}

    async def close(self) -> None:
        """See Agent."""
        await self._agent.close()


async def sample(bus: Bus) -> None:
    """Tell, for ever."""
    while True:
        gc.collect()
        sys._clear_type_cache()  # noqa: SLF001 - documented; thousands of names fill it
        held = Sample(
            reconnects=bus.counters.connects,
            files=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - no need of paths
            tasks=len(asyncio.all_tasks()),
            blocks=sys.getallocatedblocks(),
            resident_kib=_resident_kib(),
        )
        sys.stdout.write(f"{json.dumps(dataclasses.asdict(held))}\n")
        sys.stdout.flush()
        await asyncio.sleep(SAMPLE_S)


def _resident_kib() -> int:
    """Resident memory, KiB. Source: proc(5), statm."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB


def main() -> None:
    """Be the agent until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role")
    parser.add_argument("--name", required=True)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--port", type=int, help="of the broker, or before it")
    parser.add_argument("--pause", type=float, help="between attempts, seconds")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    settings = load(wanted.settings, os.environ, exit_name=wanted.name)
    broker = broker_of(settings.broker, wanted.name)
    if wanted.port is not None:
        broker = dataclasses.replace(broker, port=wanted.port)
    if wanted.pause is not None:
        broker = dataclasses.replace(broker, pause_s=lambda _: wanted.pause)
    agent = load_agent(wanted.role)(settings, wanted.name)
    gc.freeze()  # as agents/run.py does: what was imported is not looked through again
    asyncio.run(live(Soaked(agent), broker))


if __name__ == "__main__":
    main()
