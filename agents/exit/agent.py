"""The exit: brings ppp0 up and keeps it up. A shell: bus and daemons in, rules, out.

Every decision is one line of the log, so that a log can be replayed through the rules.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final, NoReturn, Protocol

from agents.exit.decide import decide, first, wake_at_s
from agents.exit.model import (
    Action,
    Carry,
    Close,
    Connect,
    Dial,
    Event,
    Prepare,
    Probed,
    ReconnectAsked,
    Report,
    Reroute,
    State,
    StopAsked,
    Tell,
    Unheard,
    Woke,
)
from agents.exit.order import read
from agents.exit.phases import Leaving
from agents.exit.policy import Policy
from agents.exit.report import offset_by, report, stopped
from agents.exit.tunnel import Daemons
from agents.lifecycle import Job
from agents.neighbours import Neighbours
from agents.network import Traffic
from agents.settings_model import ExitSettings, Settings
from bus.commands import Request, Response, Verb
from bus.complaints import Complaints
from bus.heartbeat import HEARTBEAT_S
from bus.interface import Bus, BusDown, Received, Subscription
from bus.messages.exits import ExitEvent
from bus.messages.orders import Order
from bus.topics import EXIT_EVENT, EXIT_STATE, ORDER, REQUEST, RESPONSE

log = logging.getLogger(__name__)


class Tunnel(Protocol):
    """The outside of an exit: its host, its daemons. What happens there it posts."""

    @property
    def address(self) -> str:
        """Our own on the bridge; empty before `open`."""

    @property
    def accepted(self) -> str:
        """The preset that the server took in an earlier life; empty if unknown."""

    @property
    def left(self) -> bool:
        """Whether `open` met a predecessor's tunnel that carries clients' traffic."""

    async def open(self) -> None:
        """Rules and floor stand; of a predecessor at most a whole tunnel is left."""

    async def keep(self) -> NoReturn:
        """Keeps the host as an exit needs it, for ever."""

    async def traffic(self) -> Traffic | None:
        """What has gone through ppp0; None: there is none, or nobody can tell."""

    async def run(self, step: Prepare | Connect | Dial | Carry) -> None:
        """Takes the step and watches what it built until cancelled."""

    async def reroute(self, detour: str) -> None:
        """Leads clients' traffic there while ppp0 is not up; empty: nowhere."""

    async def clear(self) -> None:
        """Nothing of an attempt is left, the server told if possible; posts Closed."""

    async def close(self) -> None:
        """As `clear`, for ever: only what keeps traffic in stays."""


class Exit:
    """The exit agent."""

    role: Final = "exit"

    def __init__(
        self,
        settings: Settings,
        name: str,
        tunnel: Tunnel | None = None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """`tunnel`: instead of the real daemons on this host.

        Raises:
            SettingsError: See `Daemons`.
        """
        self.name = name
        self.subscriptions = (
            Subscription(REQUEST, {"agent": name}),
            Subscription(ORDER),
        )
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._tunnel = tunnel or Daemons(settings, name, self.post)
        self._policy = _policy(settings.exit)
        self._network = settings.network
        self._complaints = Complaints(log)
        self._state = first(self._policy, at_s=time.monotonic())
        self._heartbeat_s = heartbeat_s
        self._offset_s = time.time() - time.monotonic()
        self._traffic: Traffic | None = None  # of the present link, when last asked
        self._bus: Bus | None = None
        self._steps: list[asyncio.Task[None]] = []

    def post(self, event: Event) -> None:
        """Something happened; the rules will hear of it in its turn."""
        self._events.put_nowait(event)

    async def open(self) -> None:
        """See Agent."""
        await self._tunnel.open()
        self._state = first(
            self._policy,
            accepted=self._tunnel.accepted,
            left=self._tunnel.left,
            at_s=time.monotonic(),
        )

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """See Agent."""
        self._bus = bus
        return {
            "listen": lambda: self._listen(bus),
            "work": lambda: self._work(bus),
            "heartbeat": lambda: self._repeat(bus),
            "host": self._tunnel.keep,
        }

    async def close(self) -> None:
        """See Agent. Says at once that the tunnel goes, then lets it go."""
        if self._bus is not None:
            await self._depart(self._bus)
        await self._tunnel.close()

    async def _depart(self, bus: Bus) -> None:
        """Lets the clients move first; see `leaving.py`."""
        self.post(StopAsked(time.monotonic()))
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(bus), name="listen")
            while not self._events.empty() or isinstance(self._state.phase, Leaving):
                for action in await self._turn():
                    if isinstance(action, Report | Tell):
                        await self._do(action, bus, tasks)
            listening.cancel()
        await self._say(bus, stopped(self._state, at_s=time.monotonic()))

    # --- jobs ------------------------------------------------------------------------

    async def _listen(self, bus: Bus) -> None:
        async for heard in bus:
            match heard:
                case Received(payload=Request() as request):
                    await self._answer(bus, heard.levels["verb"], request)
                case Received(payload=Order() as order):
                    self._ordered(order)
                case BusDown():
                    self.post(Unheard(time.monotonic()))
                case _:
                    pass

    def _ordered(self, order: Order) -> None:
        others = frozenset({str(self._network.entry), self._tunnel.address})
        neighbours = Neighbours(self._network.bridge, others)
        event = read(order, self.name, neighbours, at_s=time.monotonic())
        if event is not None:
            self.post(event)
            return
        text = f"ignoring order {order.epoch}: beyond all counting"
        self._complaints.say("order", text)

    async def _answer(self, bus: Bus, verb: str, request: Request) -> None:
        error = "" if verb == Verb.RECONNECT else f"unknown to an exit: {verb}"
        if not error:
            self.post(ReconnectAsked(time.monotonic()))
        response = Response(transaction=request.transaction, ok=not error, error=error)
        await bus.publish(RESPONSE, response, agent=self.name, verb=verb)

    async def _repeat(self, bus: Bus) -> None:
        while True:
            traffic = await self._tunnel.traffic()
            self._traffic = traffic if self._state.link else None
            await self._say(bus, self._state)
            await asyncio.sleep(self._heartbeat_s)

    async def _work(self, bus: Bus) -> None:
        async with asyncio.TaskGroup() as steps:
            while True:
                for action in await self._turn():
                    await self._do(action, bus, steps)

    async def _turn(self) -> tuple[Action, ...]:
        """One step of the rules: what they want done."""
        event = await self._next()
        before = self._state
        self._state, actions = decide(before, event, self._policy)
        if self._state.link is None:
            self._traffic = None
        _note(before, event, self._state, actions)
        return actions

    async def _next(self) -> Event:
        """What happened; or the moment has come for which the state asked."""
        try:
            async with asyncio.timeout_at(wake_at_s(self._state)):
                return await self._events.get()
        except TimeoutError:
            return Woke(time.monotonic())

    # --- actions ---------------------------------------------------------------------

    async def _do(self, action: Action, bus: Bus, steps: asyncio.TaskGroup) -> None:
        match action:
            case Report():
                await self._say(bus, self._state)
            case Tell():
                event = ExitEvent(
                    kind=action.kind,
                    at=time.time(),
                    before=action.before,
                    after=action.after,
                    duration_s=action.duration_s,
                    cause=action.cause,
                )
                await bus.publish(EXIT_EVENT, event, exit=self.name)
            case Reroute(detour):
                await self._tunnel.reroute(detour)
            case Close():
                ended, self._steps = self._steps, []
                steps.create_task(self._clear(ended), name="clear")
            case Prepare() | Connect() | Dial() | Carry():
                step = steps.create_task(self._tunnel.run(action), name="step")
                self._steps.append(step)

    async def _clear(self, ended: list[asyncio.Task[None]]) -> None:
        """Ends the attempt's steps first: nothing they post comes after `Closed`."""
        for step in ended:
            step.cancel()
        if ended:
            await asyncio.wait(ended)
        await self._tunnel.clear()

    async def _say(self, bus: Bus, state: State) -> None:
        offset_s = time.time() - time.monotonic()
        self._offset_s = offset_by(offset_s, self._offset_s)
        said = report(
            state,
            address=self._tunnel.address,
            offset_s=self._offset_s,
            traffic=self._traffic if state.link else None,
        )
        await bus.publish(EXIT_STATE, said, exit=self.name)


def _policy(settings: ExitSettings) -> Policy:
    return Policy(
        presets=tuple(settings.presets),
        probe_misses=settings.probe_misses,
        backoff_min_s=settings.backoff_min_s,
        backoff_max_s=settings.backoff_max_s,
        permanent_backoff_s=settings.permanent_backoff_s,
    )


def _note(
    before: State, event: Event, after: State, actions: tuple[Action, ...]
) -> None:
    same = before.phase == after.phase or isinstance(event, Probed)
    quiet = same and not actions
    level = logging.DEBUG if quiet else logging.INFO
    done = ", ".join(type(action).__name__ for action in actions)
    log.log(level, "%s: %s -> %s: %s", event, before.phase, after.phase, done)
