"""The coordinator's shell: bus in, decide, bus out. No rule."""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from agents.coordinator.decide import decide, standing
from agents.coordinator.events import (
    Action,
    Answer,
    Asked,
    BusConnected,
    BusLost,
    EntryReported,
    Event,
    ExitForgotten,
    ExitReported,
    ModeHeard,
    OrderHeard,
    Overslept,
    PathForgotten,
    PathReported,
    PresenceSaid,
    SayDecision,
    SayMode,
    SayOrder,
    Tick,
)
from agents.coordinator.history import Moves, extended, remembered
from agents.coordinator.model import Policy, State, WhenNone
from agents.coordinator.stuck import Others, noted, stuck
from agents.lifecycle import Job
from agents.neighbours import Neighbours
from agents.settings_model import Settings
from bus.commands import Mode, Request, Response, Verb
from bus.heartbeat import HEARTBEAT_S
from bus.interface import (
    Bus,
    BusDown,
    BusUp,
    Forgotten,
    Heard,
    Received,
    Subscription,
)
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport
from bus.messages.orders import Decision, History, Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence
from bus.topics import (
    DECISION,
    ENTRY_EVENT,
    ENTRY_STATE,
    EXIT_STATE,
    HISTORY,
    MODE,
    ORDER,
    PATH_STATE,
    PRESENCE,
    REQUEST,
    RESPONSE,
)

OVERSLEPT_S: Final = 2.0  # no load delays us that long
# The queue is short: a coordinator that cannot follow leaves the rest to the link.
QUEUE_LIMIT: Final = 100

CONTAINERS: Final = "containers"  # the agent that restarts containers

log = logging.getLogger(__name__)


class Coordinator:
    """Opens the gate and says which exit carries the clients' traffic."""

    role = "coordinator"

    def __init__(
        self,
        settings: Settings,
        name: str = "coordinator",
        heartbeat_s: float = HEARTBEAT_S,
        overslept_s: float = OVERSLEPT_S,
    ) -> None:
        self.name = name
        # The past before the first decision that is added to it. Our own order then: it
        # tells where a predecessor stopped, what comes after is judged from there. An
        # entry before its paths: it may have gone elsewhere.
        self.subscriptions: Sequence[Subscription] = (
            Subscription(HISTORY),
            Subscription(ORDER),
            Subscription(MODE),
            Subscription(PRESENCE),
            Subscription(ENTRY_STATE),
            Subscription(ENTRY_EVENT),
            Subscription(PATH_STATE),
            Subscription(EXIT_STATE),
            Subscription(REQUEST, {"agent": name}),
        )
        self.state = State()
        self._moves: Moves = ()
        self._policy = policy_of(settings)
        self._restart_after_s = settings.coordinator.restart_after_s
        self._others: Others = {}
        self._asked_s: dict[str, float] = {}
        self._heartbeat_s = heartbeat_s
        self._overslept_s = overslept_s
        self._events: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LIMIT)
        self._awake_s = 0.0

    async def open(self) -> None:
        """Nothing: the coordinator touches no host."""

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """What runs as long as the agent lives."""
        return {
            "listen": lambda: self._listen(bus),
            "decide": lambda: self._work(bus),
            "heartbeat": lambda: self._repeat(bus),
        }

    async def close(self) -> None:
        """Nothing: the order stands, it outlives the coordinator."""

    async def _listen(self, bus: Bus) -> None:
        async for heard in bus:
            if isinstance(heard, Received):
                await self._remember(bus, remembered(self._moves, heard.payload))
            event = event_of(heard, asyncio.get_running_loop().time())
            if event is not None:
                await self._events.put(event)

    async def _work(self, bus: Bus) -> None:
        loop = asyncio.get_running_loop()
        self._awake_s = loop.time()
        while True:
            event, now_s = await self._next(), loop.time()
            if now_s - self._awake_s > self._overslept_s:
                log.warning("overslept by %.1f s: catching up", now_s - self._awake_s)
                await self._take(bus, Overslept(now_s))
            self._awake_s = now_s
            await self._take(bus, event)

    async def _take(self, bus: Bus, event: Event) -> None:
        self._others = noted(self._others, event)
        self.state, actions = decide(self.state, event, self._policy)
        for action in actions:
            await self._say(bus, action, event)

    async def _repeat(self, bus: Bus) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            now_s = asyncio.get_running_loop().time()
            order = standing(self.state, now_s)
            if order is not None:
                await bus.publish(ORDER, order)
            await self._ask_for_restarts(bus, now_s)

    async def _ask_for_restarts(self, bus: Bus, now_s: float) -> None:
        """Of containers whose agents hang; nobody may be there to hear it."""
        known, after_s = (self.state, self._others), self._restart_after_s
        for name in stuck(*known, self._asked_s, after_s, now_s):
            log.warning("%s: silent: asking for a restart of its container", name)
            self._asked_s[name] = now_s
            wish = Request(transaction=uuid.uuid4().hex, agent=name)
            await bus.publish(REQUEST, wish, agent=CONTAINERS, verb=Verb.RESTART)

    async def _say(self, bus: Bus, action: Action, event: Event) -> None:
        """Says it on the bus; a decision in the log too, with what led to it."""
        match action:
            case SayOrder(order):
                await bus.publish(ORDER, order)
            case SayMode(mode):
                await bus.publish(MODE, mode)
            case Answer(verb, transaction, error):
                said = Response(transaction=transaction, ok=not error, error=error)
                await bus.publish(RESPONSE, said, agent=self.name, verb=verb)
            case SayDecision():
                decision = decision_of(action, event)
                await bus.publish(DECISION, decision)
                await self._remember(bus, extended(self._moves, decision))

    async def _remember(self, bus: Bus, moves: Moves) -> None:
        """Says it if it is news; also what was taken over: our link may repeat it."""
        if moves != self._moves:
            self._moves = moves
            await bus.publish(HISTORY, History(moves=moves))

    async def _next(self) -> Event:
        """The next thing that happens; a Tick if nothing does until `wake_at_s`.

        Or for a breath, by which we know that we are awake.
        """
        breath_s, wake_s = self._awake_s + self._overslept_s / 2, self.state.wake_at_s
        try:
            async with asyncio.timeout_at(
                breath_s if wake_s is None else min(breath_s, wake_s)
            ):
                return await self._events.get()
        except TimeoutError:
            return Tick(asyncio.get_running_loop().time())


def policy_of(chain: Settings) -> Policy:
    """The settings as the rules know them."""
    settings, network = chain.coordinator, chain.network
    return Policy(
        neighbours=Neighbours(network.bridge, frozenset({str(network.entry)})),
        exits=settings.exits,
        settle_s=settings.settle_s,
        when_none=WhenNone(settings.when_none),
        stale_s=settings.stale_s,
        start_grace_s=settings.start_grace_s,
        degraded_s=settings.degraded_s,
        cooldown_s=settings.cooldown_s,
        damp_half_life_s=settings.damp_half_life_s,
        damp_limit=settings.damp_limit,
    )


def event_of(heard: Heard, at_s: float) -> Event | None:
    """What was heard, in the words of the rules; None if it says nothing to them."""
    match heard:
        case BusUp():
            return BusConnected(at_s)
        case BusDown():
            return BusLost(at_s)
        case Forgotten():
            return _event_of_absence(at_s, heard)
        case Received():
            return _event_of_payload(at_s, heard)


def _event_of_absence(at_s: float, heard: Forgotten) -> Event | None:
    levels = heard.levels
    if heard.topic is EXIT_STATE:
        return ExitForgotten(at_s, levels["exit"])
    if heard.topic is PATH_STATE:
        return PathForgotten(at_s, levels["entry"], levels["exit"])
    return None


def _event_of_payload(at_s: float, heard: Received[object]) -> Event | None:
    levels, echo = heard.levels, heard.retained
    match heard.payload:
        case Presence() as said:
            return PresenceSaid(at_s, levels["agent"], said, echo)
        case ExitReport() as report:
            return ExitReported(at_s, levels["exit"], report, echo)
        case PathReport() as path:
            return PathReported(at_s, levels["entry"], levels["exit"], path, echo)
        case EntryReport() as present:
            return EntryReported(at_s, levels["entry"], present)
        case _:
            return _event_of_command(at_s, heard)


def _event_of_command(at_s: float, heard: Received[object]) -> Event | None:
    match heard.payload:
        case Order() as order:
            return OrderHeard(at_s, order)
        case Mode() as mode:
            return ModeHeard(at_s, mode)
        case Request() as request:
            return Asked(at_s, heard.levels["verb"], request)
        case _:
            return None


def decision_of(said: SayDecision, event: Event) -> Decision:
    """The decision as it is told to the world; the log has it with what led to it."""
    way = f"{said.before or 'none'} -> {said.after or 'none'}"
    line = f"{said.kind}: {way} by order {said.epoch}: {said.reason}"
    # Reasons hold others' words.
    log.info("%s", ascii(f"{line} ({type(event).__name__})")[1:-1])
    return Decision(
        kind=said.kind,
        at=time.time(),
        epoch=said.epoch,
        before=said.before,
        after=said.after,
        reason=said.reason,
    )
