"""An exit's shell in the simulation: real rules, pretended hands."""

from collections.abc import Callable
from typing import Final

from agents.exit import decide as exiting
from agents.exit import model as exits
from agents.exit.order import read
from agents.exit.policy import Policy
from agents.exit.report import report
from agents.neighbours import USUAL
from bus.commands import Request
from bus.interface import BusDown, Heard, Received, Subscription
from bus.messages.exits import Stage
from bus.messages.orders import Order
from bus.topics import EXIT_STATE, ORDER, REQUEST
from tests.simulation.bus import Broker
from tests.simulation.network import Host, Network, Provider
from tests.simulation.node import Node, Note
from tests.simulation.setup import ExitRules

HEARTBEAT_S: Final = 5.0


class ExitNode(Node):
    """An exit; its tunnel stands in its host, and outlives the agent."""

    def __init__(
        self,
        host: Host,
        network: Network,
        broker: Broker,
        rules: ExitRules,
        note: Note,
    ) -> None:
        super().__init__(host.name, broker, note)
        self.host = host
        self.network = network
        self.rules = rules
        self.policy = Policy(backoff_max_s=4.0, permanent_backoff_s=4.0)
        self.state = exiting.first(self.policy, at_s=0.0)
        self._attempt = 0
        self._armed_s: float | None = None
        self._carried: bool | None = None  # when it was last sensed
        network.changed.append(self._sense)

    def begin(self) -> None:
        self._attempt += 1
        self._armed_s = self._carried = None
        self.state = exiting.first(
            self.policy, left=self.host.ppp, at_s=self.clock.now_s
        )
        self.start((Subscription(REQUEST, {"agent": self.name}), Subscription(ORDER)))
        self._say()
        self._arm()
        self.every(HEARTBEAT_S, self._beat)

    def hear(self, heard: Heard) -> None:
        now_s = self.clock.now_s
        match heard:
            case Received(payload=Request()):
                self.handle(exits.ReconnectAsked(now_s))
            case Received(payload=Order() as order):
                event = read(order, self.name, USUAL, at_s=now_s)
                assert event is not None
                self.handle(event)
            case BusDown():
                self.handle(exits.Unheard(now_s))
            case _:
                pass

    def _say(self) -> None:
        said = report(self.state, address=self.host.address, offset_s=0.0)
        self.say(EXIT_STATE, said, exit=self.name)

    def _beat(self) -> None:
        self._say()
        self._probe()

    def handle(self, event: exits.Event) -> None:
        before = self.state.stage
        self.state, actions = self.rules(self.state, event, self.policy)
        if self.state.stage is not before:
            self.note(self.name, f"stage {self.state.stage}")
        for action in actions:
            self._do(action)
        self._arm()

    def _arm(self) -> None:
        wake_s = exiting.wake_at_s(self.state)
        if wake_s is None or wake_s == self._armed_s:
            return
        self._armed_s = wake_s

        def woke() -> None:
            self._armed_s = None
            if exiting.wake_at_s(self.state) == wake_s:
                self.handle(exits.Woke(self.clock.now_s))

        self.later(wake_s - self.clock.now_s, woke)

    def _do(self, action: exits.Action) -> None:
        match action:
            case exits.Report():
                self._say()
            case exits.Reroute(detour):
                self.host.detour = detour
                self.network.change()
            case exits.Prepare():
                self._step(0.05, lambda: exits.Resolved(self.clock.now_s, "server"))
            case exits.Connect():
                self._step(0.4, self._connected)
            case exits.Dial():
                self._step(0.6, self._dialled)
            case exits.Carry():
                self._step(0.05, self._answer)
            case exits.Close():
                self._attempt += 1
                self.later(0.2, self._closed)
            case _:
                pass

    def _step(self, takes_s: float, ends: Callable[[], exits.Event]) -> None:
        """The step's outcome, if the attempt is still on by then."""
        attempt = self._attempt

        def ended() -> None:
            if self._attempt == attempt:
                self.handle(ends())

        self.later(takes_s * self.rng.uniform(0.5, 1.5), ended)

    def _connected(self) -> exits.Event:
        now_s = self.clock.now_s
        if self.host.provider in (Provider.DEAD, Provider.SILENT):
            return exits.Failed(now_s, exits.Cause("ike: no answer"))
        return exits.Reached(now_s, Stage.IPSEC)

    def _dialled(self) -> exits.Event:
        now_s = self.clock.now_s
        if self.host.provider in (Provider.DEAD, Provider.SILENT):
            return exits.Failed(now_s, exits.Cause("l2tp: no answer"))
        self.host.ppp = True
        self.network.change()
        return exits.PppUp(now_s, exits.PppLink("100.64.0.1", 1400))

    def _answer(self) -> exits.Event:
        return exits.Probed(self.clock.now_s, self.host.direct, 10.0, 0.0)

    def _closed(self) -> None:
        self.host.ppp = False
        self.network.change()
        jitter = self.rng.random()
        self.handle(exits.Closed(self.clock.now_s, clean=True, jitter=jitter))

    # --- what happens to a tunnel -----------------------------------------------------

    def _sense(self) -> None:
        """Something has changed: the probe tells at once, or after its misses."""
        carries = self.host.direct
        if self.alive and carries is not self._carried:
            self._carried = carries
            for misses in range(1 if carries else self.policy.probe_misses):
                self.later(0.25 * (misses + 1), self._probe)

    def _probe(self) -> None:
        if self.host.ppp:
            self.handle(self._answer())

    def hung_up(self) -> None:
        """The provider ended the session: ppp0 is gone, whoever is there to see."""
        if self.host.ppp:
            self.host.ppp = False
            self.network.change()
            cause = exits.Cause("ppp: hung up")
            self.later(
                0.002,
                lambda: self.handle(exits.Failed(self.clock.now_s, cause, vague=True)),
            )
