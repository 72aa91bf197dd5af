"""How soon an order follows what an exit's path does, with few exits and with many.

A real coordinator on a real mosquitto on the loopback. Here stand the exits and the
entry: their reports are the broker's before the coordinator starts, and each is said
again at every heartbeat. Beside it, what the rules alone take in this process.
"""

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agents.coordinator.agent import policy_of
from agents.coordinator.decide import decide
from agents.coordinator.events import BusConnected, ExitReported, PathReported, Tick
from agents.coordinator.model import State
from agents.settings import load
from bench.loopback import mosquitto
from bus.heartbeat import HEARTBEAT_S
from bus.interface import Bus, Received, Subscription
from bus.link import open_link
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health, PathReport
from bus.topics import EXIT_STATE, ORDER, PATH_STATE
from bus.wire import Broker

ENTRY: Final = "entry"
ROUNDS: Final = 100
READY_S: Final = 60.0
ORDER_S: Final = 10.0
STOP_S: Final = 5.0
BEAT_S: Final = 0.05
PAUSE_S: Final = (0.05, 0.1)  # between two changes: what follows of the last is over
GRACE_S: Final = 1.0

# Nothing here calms down or ages: what is measured is the way there and back.
SETTINGS: Final = f"""\
[broker]
host = "127.0.0.1"
port = {{port}}

[coordinator]
settle_s = 1e6
stale_s = 1e6
cooldown_s = 0
damp_limit = 1e9
start_grace_s = {GRACE_S}
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Of many rounds, milliseconds."""

    median_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Decisions:
    """What one number of exits costs.

    Attributes:
        failover: The active exit's path goes down: until the order for another one.
        ranked: A standby's path comes up: until the order that calls it usable.
        pure: The rules alone, of the same reports.
    """

    exits: int
    rounds: int
    failover: Span
    ranked: Span
    pure: Span


def names(exits: int) -> tuple[str, ...]:
    """So many exits, best first."""
    return tuple(f"exit-{number:04d}" for number in range(exits))


def address(name: str) -> str:
    """Of one of them on the bridge."""
    number = 256 + int(name.removeprefix("exit-"))
    return f"172.20.{number // 256}.{number % 256}"


def exit_report(name: str, seq: int = 0) -> ExitReport:
    """A ready exit's; the link fills in the stamp."""
    return ExitReport(stage=Stage.READY, since=1.0, address=address(name), seq=seq)


def path_report(health: Health, seq: int = 0) -> PathReport:
    """The entry's; the link fills in the stamp."""
    return PathReport(health=health, since=1.0, rtt_ms=20.0, seq=seq)


@dataclass
class Crowd:
    """All exits and the entry, as the bus hears them."""

    bus: Bus
    names: Sequence[str]
    order: Order | None = None
    heard_s: float = 0.0
    down: set[str] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Takes in every order, for ever."""
        async for heard in self.bus:
            if isinstance(heard, Received) and isinstance(heard.payload, Order):
                self.order, self.heard_s = heard.payload, time.perf_counter()
                self._news.set()

    async def until(self, fact: Callable[[Order], bool], within_s: float) -> float:
        """When the first order arrived that fits."""
        async with asyncio.timeout(within_s):
            while self.order is None or not fact(self.order):
                self._news.clear()
                await self._news.wait()
        return self.heard_s

    async def say(self, name: str) -> None:
        """Both reports about one exit, as they are now."""
        health = Health.DOWN if name in self.down else Health.UP
        await self.bus.publish(EXIT_STATE, exit_report(name), exit=name)
        await self.say_path(name, health)

    async def say_path(self, name: str, health: Health) -> None:
        """One report about its path, and from now on."""
        (self.down.add if health is Health.DOWN else self.down.discard)(name)
        await self.bus.publish(PATH_STATE, path_report(health), entry=ENTRY, exit=name)

    async def beat(self) -> None:
        """Everything is said again once a heartbeat, a few exits at a time."""
        share = len(self.names) * BEAT_S / HEARTBEAT_S
        due, at = 0.0, 0
        while True:
            await asyncio.sleep(BEAT_S)
            due += share
            while due >= 1:
                await self.say(self.names[at])
                due, at = due - 1, (at + 1) % len(self.names)


async def measure(exits: int, rounds: int = ROUNDS) -> Decisions:
    """Lets the active exit fail so often; TimeoutError if no order follows."""
    with TemporaryDirectory() as folder:
        async with mosquitto(Path(folder)) as port:
            file = Path(folder) / "vpnchain.toml"
            file.write_text(SETTINGS.format(port=port))
            failover, ranked = await _rounds(port, file, names(exits), rounds)
        pure = _pure(file, names(exits), rounds)
    return Decisions(exits, rounds, _span(failover), _span(ranked), _span(pure))


async def _rounds(
    port: int, file: Path, exits: Sequence[str], rounds: int
) -> tuple[list[float], list[float]]:
    broker = Broker("127.0.0.1", port)
    failover, ranked = [], []
    async with (
        open_link("bench", "", broker, [Subscription(ORDER)]) as bus,
        asyncio.TaskGroup() as tasks,
    ):
        crowd = Crowd(bus, exits)
        jobs = [tasks.create_task(crowd.listen())]
        for name in exits:
            await crowd.say(name)
        async with coordinator(file):
            await crowd.until(lambda order: _complete(order, len(exits)), READY_S)
            jobs.append(tasks.create_task(crowd.beat()))
            for number in range(rounds):
                failed = exits[number % 2]  # the other one carries meanwhile
                failover.append(await _change(crowd, failed, Health.DOWN))
                ranked.append(await _change(crowd, failed, Health.UP))
        for job in jobs:
            job.cancel()
    return failover, ranked


async def _change(crowd: Crowd, name: str, health: Health) -> float:
    """Seconds until an order says what follows from it; begun from rest."""
    await asyncio.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - no secret
    usable = health is Health.UP

    def follows(order: Order) -> bool:
        hop = next(hop for hop in order.exits if hop.exit == name)
        return hop.usable is usable and order.active != name

    began_s = time.perf_counter()
    await crowd.say_path(name, health)
    return await crowd.until(follows, ORDER_S) - began_s


def _complete(order: Order, exits: int) -> bool:
    usable = sum(hop.usable for hop in order.exits)
    return order.gate is Gate.OPEN and usable == exits


@asynccontextmanager
async def coordinator(settings: Path) -> AsyncIterator[None]:
    """The agent as an operator would start it."""
    words = ["-m", "agents", "coordinator", "--settings", str(settings)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        async with asyncio.timeout(STOP_S):
            await process.wait()


# --- the rules alone ------------------------------------------------------------------


def _pure(settings: Path, exits: Sequence[str], rounds: int) -> list[float]:
    policy = policy_of(load(settings, os.environ))
    state, at_s = State(), 1.0
    state, _ = decide(state, BusConnected(at_s), policy)
    for name in exits:
        state, _ = decide(state, ExitReported(at_s, name, exit_report(name)), policy)
        up = PathReported(at_s, ENTRY, name, path_report(Health.UP))
        state, _ = decide(state, up, policy)
    state, _ = decide(state, Tick(at_s := at_s + 2 * GRACE_S), policy)
    took = []
    for number in range(rounds):
        failed = exits[number % 2]
        for health in (Health.DOWN, Health.UP):
            at_s += 0.1
            said = path_report(health, seq=number)
            event = PathReported(at_s, ENTRY, failed, said)
            began_s = time.perf_counter()
            state, _ = decide(state, event, policy)
            took.append(time.perf_counter() - began_s)
    return took


def _span(took_s: Sequence[float]) -> Span:
    p99 = statistics.quantiles(took_s, n=100)[98]
    return Span(round(statistics.median(took_s) * 1e3, 3), round(p99 * 1e3, 3))
