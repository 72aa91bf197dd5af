"""What the agents make of whatever is said on their topics, and what must hold then.

Between the bytes and the rules is all of the product but the broker's wire: `read`, the
inbox, each agent's ear, its `decide`. The host does at once what it is asked to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import agents.containers.agent as containers
import agents.coordinator.agent as coordinator
import agents.entry.inbound as entry
import agents.exit.agent as exits
import agents.homeassistant.agent as homeassistant
from agents.containers.decide import decide as decide_containers
from agents.containers.model import Answer as ContainersAnswer
from agents.coordinator.decide import decide as decide_coordinator
from agents.coordinator.decide import standing
from agents.coordinator.events import Answer, Event, SayDecision, SayMode, SayOrder
from agents.coordinator.events import Tick as CoordinatorTick
from agents.coordinator.history import Moves, extended, remembered
from agents.coordinator.model import Policy
from agents.coordinator.model import State as CoordinatorState
from agents.entry import events as entry_events
from agents.entry.decide import decide as decide_entry
from agents.entry.model import (
    CloseGate,
    Device,
    ForgetFlows,
    Ignore,
    OpenGate,
    Point,
    Watch,
)
from agents.entry.model import Policy as EntryPolicy
from agents.entry.model import State as EntryState
from agents.entry.publisher import say as say_of_entry
from agents.exit.decide import decide as decide_exit
from agents.exit.model import Reroute
from agents.homeassistant.decide import decide as decide_home
from agents.neighbours import USUAL
from agents.settings_model import HomeAssistantSettings, Settings
from bus.commands import Request
from bus.epochs import is_epoch, newer
from bus.interface import Heard, Received
from bus.messages.orders import Gate, History, Order
from bus.topics import DECISION, ENTRY_STATE, HISTORY, MODE, ORDER, TOPICS
from tests.agents.exit.tunnels import FakeTunnel
from tests.fuzz.door import Door
from tests.fuzz.mouth import Mouth, Target, run_now
from tests.fuzz.onlookers import DashboardTarget, MetricsTarget

WG0: Final = Device("kernel", "KEY", 51820, 1320)
EXITS: Final = ("exit-a", "exit-b", "exit-c")
_WITH_EPOCH: Final = (ORDER, ENTRY_STATE)  # the coordinator may count on from these


@dataclass
class CoordinatorTarget:
    """Epochs grow, every order can be said, every wish is answered once."""

    def __post_init__(self) -> None:
        self._shell = coordinator.Coordinator(Settings(), "coordinator")
        self.subscriptions = tuple(self._shell.subscriptions)
        self._policy = Policy(exits=EXITS[:2], start_grace_s=1.0)
        self._state = CoordinatorState()
        self._said = 0
        self._moves: Moves = ()

    def hear(self, heard: Heard, at_s: float) -> None:
        self._pass(at_s)
        if isinstance(heard, Received):
            self._remember(remembered(self._moves, heard.payload))
        event = coordinator.event_of(heard, at_s)
        if event is None:
            return
        answers = self._take(event, heard)
        asked = isinstance(heard, Received) and isinstance(heard.payload, Request)
        assert len(answers) == int(asked)
        standing(self._state, at_s)

    def _remember(self, moves: Moves) -> None:
        if moves != self._moves:
            self._moves = moves
            run_now(Mouth().publish(HISTORY, History(moves=moves)))

    def _pass(self, at_s: float) -> None:
        for _ in range(100):
            wake_s = self._state.wake_at_s
            if wake_s is None or wake_s > at_s:
                return
            self._take(CoordinatorTick(wake_s), None)
        raise AssertionError("it never stops asking to be woken")

    def _take(self, event: Event, heard: Heard | None) -> list[Answer]:
        before = self._state
        self._state, actions = decide_coordinator(before, event, self._policy)
        order = self._state.order
        assert order.epoch == 0 or is_epoch(order.epoch)
        if order.epoch != before.order.epoch:
            adopted = isinstance(heard, Received) and heard.topic in _WITH_EPOCH
            assert adopted or newer(order.epoch, before.order.epoch)
        mouth = Mouth()
        for action in actions:
            match action:
                case SayOrder(said):
                    run_now(mouth.publish(ORDER, said))
                case SayMode(mode):
                    run_now(mouth.publish(MODE, mode))
                case SayDecision():
                    told = coordinator.decision_of(action, event)
                    run_now(mouth.publish(DECISION, told))
                    self._remember(extended(self._moves, told))
                case _:
                    pass
        return [action for action in actions if isinstance(action, Answer)]


class EntryTarget:
    """Only an order moves traffic or opens the gate, and only to where an exit is."""

    def __init__(self) -> None:
        self.subscriptions = tuple(entry.subscriptions("entry", leak_check=True))
        self._state = EntryState()
        self._policy = EntryPolicy()
        self._door = Door()
        self._take(entry_events.BridgeChanged(0.0, up=True))
        self._take(entry_events.Adopted(0.0, None, None, "nft"))

    def hear(self, heard: Heard, at_s: float) -> None:
        if self._door.takes(heard):
            return
        event = entry.event_of(heard, at_s)
        if event is None:
            return
        before = self._state.order
        self._take(event)
        after = self._state.order
        ordered = isinstance(heard, Received) and heard.topic is ORDER
        assert after is before or ordered, "it obeys what nobody ordered"
        if after is not None and after is not before:
            assert is_epoch(after.epoch)
            assert before is None or newer(after.epoch, before.epoch)

    def _take(self, event: entry_events.Event) -> None:
        waiting = [event]
        for _ in range(50):
            if not waiting:
                return
            now = waiting.pop(0)
            self._state, actions = decide_entry(self._state, now, self._policy)
            for action in actions:
                waiting += self._do(action, now.at_s)
        raise AssertionError("it never stops doing")

    def _do(self, action: object, at_s: float) -> list[entry_events.Event]:
        order = self._state.order
        match action:
            case OpenGate():
                assert order is not None
                assert order.gate is Gate.OPEN
                return [entry_events.GateStands(at_s, WG0, "")]
            case CloseGate():
                return [entry_events.GateStands(at_s, None, "")]
            case Point(hop=hop):
                assert hop is None or order is not None
                if hop is not None and order is not None:
                    named = {(one.exit, one.address) for one in order.exits}
                    assert (hop.exit, hop.address) in named
                    assert USUAL.has(hop.address)
                return [entry_events.HopStands(at_s, action, "")]
            case Watch(hops=hops):
                assert all(USUAL.has(hop.address) for hop in hops)
            case ForgetFlows() | Ignore():
                pass
            case _:
                run_now(say_of_entry(Mouth(), "entry", action))  # type: ignore[arg-type]
        return []


class ExitTarget:
    """Clients are led to nobody but an exit of the last order; wishes are answered."""

    def __init__(self) -> None:
        self._shell = exits.Exit(Settings(), "exit-a", FakeTunnel())
        self.subscriptions = tuple(self._shell.subscriptions)
        self._known: set[str] = {""}

    def hear(self, heard: Heard, at_s: float) -> None:
        del at_s  # the shell's own clock
        mouth = Mouth(heard)
        if isinstance(heard, Received) and isinstance(heard.payload, Order):
            self._known |= {hop.address for hop in heard.payload.exits}
        run_now(self._shell._listen(mouth))
        asked = isinstance(heard, Received) and isinstance(heard.payload, Request)
        assert len(mouth.said) == int(asked)
        queue = self._shell._events
        while not queue.empty():
            state, policy = self._shell._state, self._shell._policy
            after, actions = decide_exit(state, queue.get_nowait(), policy)
            self._shell._state = after
            for action in actions:
                if isinstance(action, Reroute):
                    assert action.detour in self._known
                    assert not action.detour or USUAL.has(action.detour)


class ContainersTarget:
    """Every wish is answered, and nothing is restarted that is not known."""

    def __init__(self) -> None:
        self._shell = containers.Containers(Settings())
        self.subscriptions = tuple(self._shell.subscriptions)

    def hear(self, heard: Heard, at_s: float) -> None:
        del at_s
        run_now(self._shell._listen(Mouth(heard)))
        queue = self._shell._events
        while not queue.empty():
            event = queue.get_nowait()
            self._shell._state, actions = decide_containers(
                self._shell._state, event, self._shell._policy
            )
            assert [type(action) for action in actions] == [ContainersAnswer]


class HomeTarget:
    """Whatever was heard, all that follows can be declared and said."""

    def __init__(self) -> None:
        shown = HomeAssistantSettings(peers=True)
        self._shell = homeassistant.HomeAssistant(Settings(homeassistant=shown))
        # Others' topics have no examples to begin with.
        self.subscriptions = tuple(
            one for one in self._shell.subscriptions if one.topic in TOPICS
        )

    def hear(self, heard: Heard, at_s: float) -> None:
        del at_s
        run_now(self._shell._listen(Mouth(heard)))
        queue, mouth = self._shell._events, Mouth()
        while not queue.empty():
            self._shell._state, actions = decide_home(
                self._shell._state, queue.get_nowait(), self._shell._policy
            )
            for action in actions:
                run_now(self._shell._do(mouth, action))


TARGETS: Final[Mapping[str, type[Target]]] = {
    "coordinator": CoordinatorTarget,
    "entry": EntryTarget,
    "exit": ExitTarget,
    "containers": ContainersTarget,
    "homeassistant": HomeTarget,
    "dashboard": DashboardTarget,
    "metrics": MetricsTarget,
}
