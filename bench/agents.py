"""What an agent costs: until it is on the bus, in memory, and while nothing happens.

Measured on real processes in an open chain. Which kernel this is matters: a guest is
several times slower than the machine it runs on, so presence and processor time are
measured in both where they differ.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bus.messages.exits import Stage
from lab.chain import Chain
from lab.observer import Observer
from lab.process import Process

PRESENT_S: Final = 60.0
READY_S: Final = 120.0
SETTLE_S: Final = 5.0  # first heartbeats are over, imports are forgotten
IDLE_S: Final = 20.0
TICKS_S: Final = os.sysconf("SC_CLK_TCK")

GOALS: Final = {"present_s": 1.0, "resident_mb": 45.0, "idle_percent": 1.0}


@dataclass(frozen=True, slots=True)
class Cost:
    """One agent, measured.

    Attributes:
        present_s: From its start as a process until the bus heard of it.
        resident_mb: Its resident memory (VmRSS, 10^6 bytes) after the idle time.
        idle_percent: Of one core, over the idle time.
    """

    present_s: float
    resident_mb: float
    idle_percent: float


def missed(costs: Mapping[str, Cost]) -> list[str]:
    """Every goal that an agent is beyond, for a person."""
    return [
        f"{name}: {what} {figure:.2f}, at most {goal:g}"
        for name, cost in costs.items()
        for what, goal in GOALS.items()
        if (figure := getattr(cost, what)) > goal
    ]


async def measure(
    chain: Chain, observer: Observer, *, tunnels: bool
) -> Mapping[str, Cost]:
    """Starts all agents, one after the other, and watches them do nothing.

    `tunnels`: wait until every exit is ready, so that idling includes their probes.
    Keys: names of the agents.
    """
    present_s = {
        name: await _start(chain, observer, name) for name in chain.agent_names
    }
    if tunnels:
        await observer.until(
            lambda: all(
                name in observer.exits and observer.exits[name].stage is Stage.READY
                for name in chain.lab.topology.exits
            ),
            "all exits ready",
            READY_S,
        )
    await asyncio.sleep(SETTLE_S)
    proc, agents = chain.lab.proc, chain.agents
    before = {name: _busy_s(proc, agent) for name, agent in agents.items()}
    began_s = time.monotonic()
    await asyncio.sleep(IDLE_S)
    passed_s = time.monotonic() - began_s
    return {
        name: Cost(
            present_s[name],
            _resident_mb(proc, agent),
            100 * (_busy_s(proc, agent) - before[name]) / passed_s,
        )
        for name, agent in agents.items()
    }


async def _start(chain: Chain, observer: Observer, name: str) -> float:
    began_s = time.monotonic()
    await chain.start_agent(name)
    await observer.until(
        lambda: observer.online(name), f"presence of {name}", PRESENT_S
    )
    return time.monotonic() - began_s


def _resident_mb(proc: Path, agent: Process) -> float:
    status = (proc / str(agent.pid) / "status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def _busy_s(proc: Path, agent: Process) -> float:
    """Processor time so far, its own and the kernel's for it (proc(5), 14 and 15)."""
    fields = (proc / str(agent.pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S
