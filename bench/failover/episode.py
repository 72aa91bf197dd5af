"""One fault, one planned move, one quiet minute: what happens to the flow."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final

from bench.failover.field import Field
from bench.failover.flow import MS, Passage
from bench.failover.ground import ppp_address
from bench.failover.system import System
from lab.talk import LabError

FIRST: Final = "exit-a"
SECOND: Final = "exit-b"
STEADY_MS: Final = 500
CALM_MS: Final = 200  # just before the fault
ELSEWHERE_MS: Final = 150  # so long all packets came back by another way
BACK_MS: Final = 300
AFTER_S: Final = 0.5  # after a failover: does it stay?
LEAD_NS: Final = 50 * MS
TAIL_NS: Final = 20 * MS  # packets that may still be on their way


@dataclass(frozen=True, slots=True)
class Round:
    """One fault and its healing.

    Attributes:
        noticed: Another way was found in time.
        back: The way back; None: the first exit was not returned to.
        back_s: From the start of the healing to the first packet by the first exit.
    """

    fault: str
    noticed: bool
    out: Passage
    back: Passage | None
    back_s: float | None


@dataclass(frozen=True, slots=True)
class Quiet:
    """A time with nothing wrong."""

    flow: Passage
    seconds: float
    asked: int
    busy_s: float


async def steady(field: Field, system: System, within_s: float) -> None:
    """Returns once the flow goes by the first exit.

    Raises:
        LabError: It does not.
    """
    if not await _goes_by(field, FIRST, STEADY_MS, within_s):
        raise LabError(f"{system.name}: the flow does not go by {FIRST}")


async def warm(system: System) -> None:
    """Lets the standbys come up too."""
    await asyncio.sleep(system.pace.warm_s)


async def fault(field: Field, system: System, kind: str) -> Round:
    """Breaks the first exit, waits for another way, heals it, waits for the return.

    Raises:
        LabError: The flow was not steady before.
    """
    pace, flow = system.pace, field.flow
    await steady(field, system, pace.back_s)
    # Drawn, so that a polling system is met anywhere in its period.
    await asyncio.sleep(pace.settle_s + pace.phase_s * random.random())  # noqa: S311
    if not await _goes_by(field, FIRST, CALM_MS, pace.back_s):
        raise LabError(f"{system.name}: the flow does not stay with {FIRST}")
    start_ns = time.time_ns()
    await field.fault(kind)
    first = ppp_address(FIRST)
    noticed = await flow.until(
        lambda: flow.way(ELSEWHERE_MS) not in ("", first), pace.fail_s
    )
    await asyncio.sleep(AFTER_S if noticed else 0)
    healing_ns = time.time_ns()
    out = flow.passage(start_ns - LEAD_NS, healing_ns - TAIL_NS)
    await field.heal(kind)
    if kind == "F3":
        await system.start_exit(field, FIRST)
    returned = await _goes_by(field, FIRST, BACK_MS, pace.back_s)
    back = flow.passage(healing_ns, time.time_ns() - TAIL_NS)
    back_ms = back.first_ms.get(first)
    return Round(
        fault=kind,
        noticed=noticed,
        out=out,
        back=back if returned and noticed else None,
        back_s=back_ms / 1000 if returned and noticed and back_ms else None,
    )


async def planned(field: Field, system: System, to: str) -> Passage:
    """Has the clients moved while both exits are well.

    Raises:
        LabError: They were not moved.
    """
    await asyncio.sleep(system.pace.settle_s)
    start_ns = time.time_ns()
    await system.move(field, to)
    if not await _goes_by(field, to, BACK_MS, system.pace.back_s):
        raise LabError(f"{system.name}: the flow was not moved to {to}")
    return field.flow.passage(start_ns - LEAD_NS, time.time_ns() - TAIL_NS)


async def quiet(field: Field, system: System, seconds: float) -> Quiet:
    """Lets it be."""
    await steady(field, system, system.pace.back_s)
    await asyncio.sleep(system.pace.settle_s)
    start_ns, asked, busy_s = time.time_ns(), await field.asked(), await field.busy_s()
    await asyncio.sleep(seconds)
    asked, busy_s = await field.asked() - asked, await field.busy_s() - busy_s
    took_s = (time.time_ns() - start_ns) / 1e9
    passage = field.flow.passage(start_ns, time.time_ns() - TAIL_NS)
    return Quiet(passage, took_s, asked, busy_s)


async def _goes_by(field: Field, name: str, for_ms: float, within_s: float) -> bool:
    flow, wanted = field.flow, ppp_address(name)
    return await flow.until(lambda: flow.way(for_ms) == wanted, within_s)
