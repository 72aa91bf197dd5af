"""What probing costs with more exits: packets, and time of the processors.

Real agents in network namespaces of this kernel, a cable for each ppp0, as in
`bench.failover`; nothing is wrong while it is measured.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Final

from bench.failover import ground
from bench.failover.field import Field
from bench.failover.vpnchain import FAST, NORMAL, Vpnchain
from bus.messages.exits import Stage
from lab import broker
from lab.nodes import open_lab
from lab.observer import Observer, observe

PROFILES: Final = {"normal": NORMAL, "fast": FAST}
READY_S: Final = 120.0
SETTLE_S: Final = 4.0  # every path is measured, nobody starts any more
MEASURED_S: Final = 10.0
_TICKS_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Probing:
    """What a number of exits costs at one profile.

    Attributes:
        probes_per_s: Echo requests of the entry, through all exits.
        entry_percent: Of one core; `coordinator_percent` and `mosquitto_percent` too.
        exits_percent: Of all exits together.
    """

    exits: int
    profile: str
    probes_per_s: float
    entry_percent: float
    coordinator_percent: float
    mosquitto_percent: float
    exits_percent: float


async def measure(exits: int, profile: str) -> Probing:
    """Raises LabError or NotSeenError if the chain does not come up."""
    system = PROFILES[profile]
    topology = ground.build(translating=system.translating, exits=exits)
    async with open_lab(topology) as lab:
        field = Field(lab, translating=system.translating)
        await field.prepare()
        await system.start(field)
        await _ready(field, system)
        await asyncio.sleep(SETTLE_S)
        began_s, busy_s, asked = (
            time.monotonic(),
            await _busy_s(field),
            await _asked(field),
        )
        await asyncio.sleep(MEASURED_S)
        passed_s = time.monotonic() - began_s
        after_s, sent = await _busy_s(field), await _asked(field) - asked
    percent = {
        what: round(100 * (after_s[what] - busy_s[what]) / passed_s, 1)
        for what in after_s
    }
    return Probing(
        exits,
        profile,
        round(sent / passed_s, 1),
        percent["entry"],
        percent["coordinator"],
        percent["mosquitto"],
        percent["exits"],
    )


async def _ready(field: Field, system: Vpnchain) -> None:
    async with observe(broker.observer(field.lab)) as observer:
        what = f"{system.name}: {len(field.exits)} exits ready, and the order"
        await observer.until(lambda: _complete(observer, field), what, READY_S)


def _complete(observer: Observer, field: Field) -> bool:
    order, said = observer.order, observer.exits
    ready = [name for name, one in said.items() if one.stage is Stage.READY]
    usable = sum(hop.usable for hop in order.exits) if order else 0
    return len(ready) == usable == len(field.exits)


async def _busy_s(field: Field) -> dict[str, float]:
    """Processor time so far, by who took it."""
    busy_s = dict.fromkeys(("entry", "coordinator", "mosquitto", "exits"), 0.0)
    for node in ("entry", "control", *field.exits):
        for pid in await field.lab.sweep(node, 0):
            folder = field.lab.proc / str(pid)
            what = "exits" if node in field.exits else node
            if node == "control":
                name = (folder / "comm").read_text().strip()
                what = "mosquitto" if name == "mosquitto" else "coordinator"
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            busy_s[what] += sum(map(int, fields[11:15])) / _TICKS_S
    return busy_s


async def _asked(field: Field) -> int:
    """Echo requests of the entry so far."""
    argv = [f"{field.lab.iptables}-save", "-c", "-t", "raw"]
    said = (await field.lab.exec("entry", argv)).stdout
    lines = [line for line in said.splitlines() if "--icmp-type" in line]
    return sum(int(line[1:].partition(":")[0]) for line in lines)
