"""A chain without tunnels on a real bus: it says what real agents say, and obeys.

For whatever shows the chain or steers it. The coordinator is the real one; exits and
the entry stand in: an exit is in the state that a test puts it in, the entry obeys each
order at once and measures what the exits say of themselves.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from agents.coordinator.agent import Coordinator
from agents.settings_model import CoordinatorSettings, Settings
from bus.commands import Request, Response
from bus.interface import Bus, Received, Subscription
from bus.link import open_link
from bus.messages.entries import EntryEvent, EntryEventKind, EntryReport, PeerReport
from bus.messages.exits import ExitEvent, ExitEventKind, ExitReport, Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health, PathReport
from bus.topics import (
    ENTRY_EVENT,
    ENTRY_STATE,
    EXIT_EVENT,
    EXIT_STATE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    REQUEST,
    RESPONSE,
)
from bus.wire import Broker

# Nothing here waits for a time: grace and settling are over at once.
SETTINGS: Final = Settings(
    coordinator=CoordinatorSettings(
        settle_s=0.0, stale_s=600.0, start_grace_s=0.0, cooldown_s=0.0
    )
)


class StandInExit:
    """An exit whose tunnel is whatever the test says."""

    def __init__(self, bus: Bus, name: str, number: int) -> None:
        self.bus = bus
        self.name = name
        self.report = ExitReport(
            stage=Stage.DOWN, since=time.time(), address=f"172.20.0.{10 + number}"
        )
        self.reconnects = 0

    async def be(self, stage: Stage, cause: str = "") -> None:
        """From now on the tunnel is at this stage."""
        before, now = self.report.stage, time.time()
        ready = stage is Stage.READY
        self.report = replace(
            self.report,
            stage=stage,
            since=now,
            cause=cause,
            server=f"203.0.113.{self.report.address.rpartition('.')[2]}",
            received_bytes=0 if ready else None,
            sent_bytes=0 if ready else None,
        )
        kind = ExitEventKind.STAGE if ready else ExitEventKind.LOST
        event = ExitEvent(kind=kind, at=now, before=before, after=stage, cause=cause)
        await self.bus.publish(EXIT_STATE, self.report, exit=self.name)
        await self.bus.publish(EXIT_EVENT, event, exit=self.name)

    async def carry(self, received_bytes: int, sent_bytes: int) -> None:
        """So much has gone through the tunnel."""
        self.report = replace(
            self.report, received_bytes=received_bytes, sent_bytes=sent_bytes
        )
        await self.bus.publish(EXIT_STATE, self.report, exit=self.name)

    async def answer(self) -> None:
        """Grants every request to reconnect, for ever."""
        async for heard in self.bus:
            if isinstance(heard, Received) and isinstance(heard.payload, Request):
                self.reconnects += 1
                granted = Response(transaction=heard.payload.transaction, ok=True)
                verb = heard.levels["verb"]
                await self.bus.publish(RESPONSE, granted, agent=self.name, verb=verb)


class StandInEntry:
    """An entry that obeys, and whose paths are as the test says."""

    def __init__(self, bus: Bus, name: str) -> None:
        self.bus = bus
        self.name = name
        self.report = EntryReport(epoch=0, gate=Gate.CLOSED)
        self._obeyed = asyncio.Event()

    async def sends_through(self, exit_: str) -> None:
        """Returns once it does."""
        while self.report.active != exit_:
            await self._obeyed.wait()
            self._obeyed.clear()

    async def obey(self) -> None:
        """Does as each newer order says, for ever."""
        async for heard in self.bus:
            if isinstance(heard, Received) and isinstance(heard.payload, Order):
                await self._obey(heard.payload)

    async def _obey(self, order: Order) -> None:
        if order.epoch <= self.report.epoch:
            return
        before = self.report
        is_open = order.gate is Gate.OPEN
        self.report = replace(
            before,
            epoch=order.epoch,
            gate=order.gate,
            active=order.active,
            wireguard="kernel" if is_open else "",
        )
        self._obeyed.set()
        await self.bus.publish(ENTRY_STATE, self.report, entry=self.name)
        if before.active != order.active:
            moved = EntryEvent(
                kind=EntryEventKind.MOVED,
                at=time.time(),
                before=before.active,
                after=order.active,
                epoch=order.epoch,
                outage_ms=31.0 if before.active else None,
            )
            await self.bus.publish(ENTRY_EVENT, moved, entry=self.name)

    async def measure(self, exit_: str, health: Health, **figures: float) -> None:
        """The path through this exit is so from now on."""
        cause = "no answer" if health is Health.DOWN else ""
        said = PathReport(health=health, since=time.time(), cause=cause, **figures)  # type: ignore[arg-type]
        levels = {"entry": self.name, "exit": exit_}
        await self.bus.publish(PATH_STATE, said, **levels)

    async def meet(self, peer: str, report: PeerReport) -> None:
        """A client as the entry knows it."""
        levels = {"entry": self.name, "peer": peer}
        await self.bus.publish(PEER_STATE, report, **levels)


class StandIns:
    """The chain: the real coordinator, and who stands in for the rest."""

    def __init__(self, entry: StandInEntry, exits: Sequence[StandInExit]) -> None:
        self.entry = entry
        self.exits = {exit_.name: exit_ for exit_ in exits}

    async def ready(self, name: str, rtt_ms: float = 20.0) -> None:
        """The exit's tunnel stands, and its path carries."""
        await self.exits[name].be(Stage.READY)
        await self.entry.measure(
            name, Health.UP, rtt_ms=rtt_ms, jitter_ms=1.0, loss_ratio=0.0
        )

    async def fail(self, name: str, cause: str = "ppp: hung up by the server") -> None:
        """Its tunnel is gone, and its path with it."""
        await self.exits[name].be(Stage.DOWN, cause)
        await self.entry.measure(name, Health.DOWN)


@asynccontextmanager
async def stand_ins(
    broker: Broker, exits: Sequence[str] = ("exit-a", "exit-b")
) -> AsyncIterator[StandIns]:
    """A chain at work on this broker; its exits are down."""
    async with AsyncExitStack() as links, asyncio.TaskGroup() as tasks:
        entry_bus = await links.enter_async_context(
            open_link("entry", "entry", broker, [Subscription(ORDER)])
        )
        entry = StandInEntry(entry_bus, "entry")
        running = [tasks.create_task(entry.obey())]
        stands: list[StandInExit] = []
        for number, name in enumerate(exits):
            asked = Subscription(REQUEST, {"agent": name})
            bus = await links.enter_async_context(
                open_link(name, "exit", broker, [asked])
            )
            stands.append(StandInExit(bus, name, number))
            running.append(tasks.create_task(stands[-1].answer()))
        coordinator = Coordinator(SETTINGS)
        heard = coordinator.subscriptions
        bus = await links.enter_async_context(
            open_link(coordinator.name, coordinator.role, broker, heard)
        )
        running += [tasks.create_task(job()) for job in coordinator.jobs(bus).values()]
        try:
            yield StandIns(entry, stands)
        finally:
            for task in running:
                task.cancel()
