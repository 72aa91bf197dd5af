"""The coordinator's shell in the simulation: real rules, pretended hands."""

from typing import Final

from agents.coordinator import agent as coordinator
from agents.coordinator import decide as coordinating
from agents.coordinator import events as orders
from agents.coordinator.model import Policy, State
from agents.settings_model import Settings
from bus.commands import Response
from bus.interface import Heard
from bus.messages.orders import Decision
from bus.topics import DECISION, MODE, ORDER, RESPONSE
from tests.simulation.bus import Broker
from tests.simulation.node import Node, Note
from tests.simulation.setup import CoordinatorRules

HEARTBEAT_S: Final = 5.0
SUBSCRIPTIONS: Final = coordinator.Coordinator(Settings()).subscriptions


class CoordinatorNode(Node):
    def __init__(
        self, broker: Broker, policy: Policy, rules: CoordinatorRules, note: Note
    ) -> None:
        super().__init__("coordinator", broker, note)
        self.policy = policy
        self.rules = rules
        self.state = State()
        self._armed_s: float | None = None
        self._froze_s = 0.0

    def begin(self) -> None:
        self.state, self._armed_s = State(), None
        self.start(SUBSCRIPTIONS)
        self.every(HEARTBEAT_S, self._repeat)

    def freeze(self) -> None:
        if self.works:
            self._froze_s = self.clock.now_s
        super().freeze()

    def thaw(self) -> None:
        slept_s = self.clock.now_s - self._froze_s
        overslept = self.frozen and slept_s > coordinator.OVERSLEPT_S
        super().thaw()
        if overslept:
            self.handle(orders.Overslept(self.clock.now_s))

    def hear(self, heard: Heard) -> None:
        event = coordinator.event_of(heard, self.clock.now_s)
        if event is not None:
            self.handle(event)

    def _repeat(self) -> None:
        order = coordinating.standing(self.state, self.clock.now_s)
        if order is not None:
            self.say(ORDER, order)

    def handle(self, event: orders.Event) -> None:
        self.state, actions = self.rules(self.state, event, self.policy)
        for action in actions:
            self._do(action)
        wake_s = self.state.wake_at_s
        if wake_s is not None and (self._armed_s is None or wake_s < self._armed_s):
            self._armed_s = wake_s
            self.later(wake_s - self.clock.now_s, self._woke)

    def _woke(self) -> None:
        self._armed_s = None
        self.handle(orders.Tick(self.clock.now_s))

    def _do(self, action: orders.Action) -> None:
        match action:
            case orders.SayOrder(order):
                hops = " ".join(h.exit + ("" if h.usable else "!") for h in order.exits)
                active = order.active or "-"
                self.note(self.name, f"order {order.epoch}: {active} ({hops})")
                self.say(ORDER, order)
            case orders.SayMode(mode):
                self.say(MODE, mode)
            case orders.Answer(verb, transaction, error):
                self.note(self.name, f"{verb}: {error or 'ok'}")
                answer = Response(transaction=transaction, ok=not error, error=error)
                self.say(RESPONSE, answer, agent=self.name, verb=verb)
            case orders.SayDecision(kind, epoch, before, after, reason):
                self.note(self.name, f"{kind} {before} -> {after}: {reason}")
                said = Decision(
                    kind=kind,
                    at=self.clock.now_s,
                    epoch=epoch,
                    before=before,
                    after=after,
                    reason=reason,
                )
                self.say(DECISION, said)
