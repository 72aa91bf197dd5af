"""The entry's shell in the simulation: real rules, pretended hands."""

from collections.abc import Sequence
from typing import Final

from agents.entry import events as entry_events
from agents.entry import inbound
from agents.entry import model as entry
from bus.interface import Heard
from bus.messages.orders import Hop
from bus.messages.paths import Health, PathReport
from bus.topics import ENTRY_STATE, PATH_STATE
from tests.simulation.bus import Broker
from tests.simulation.network import Network
from tests.simulation.node import Node, Note
from tests.simulation.setup import Setup

HEARTBEAT_S: Final = 5.0
POLL_S: Final = 3.0
RECOVERS_S: Final = (0.3, 0.6)
GRADES_S: Final = (2.0, 4.0)


class EntryNode(Node):
    """The entry; its next hop stands in the network, and outlives the agent."""

    def __init__(
        self, broker: Broker, network: Network, note: Note, setup: Setup
    ) -> None:
        super().__init__("entry", broker, note)
        self.setup = setup
        self.network = network
        self.policy = entry.Policy()
        self.state = entry.State()
        self.measured: dict[str, PathReport] = {}
        self.device: entry.Device | None = None
        network.changed.append(self._sense)

    def begin(self) -> None:
        self.state, self.measured = entry.State(), {}
        self.start(inbound.subscriptions(self.name, leak_check=False))
        hop = self.network.hop
        via = self.network.hosts[hop].address if hop else None
        self.handle(entry_events.Adopted(self.clock.now_s, self.device, via, "nft"))
        self.every(POLL_S, self._poll)
        self.every(HEARTBEAT_S, self._repeat)

    def hear(self, heard: Heard) -> None:
        event = inbound.event_of(heard, self.clock.now_s)
        if event is not None:
            self.handle(event)

    def _poll(self) -> None:
        self.handle(entry_events.Polled(self.clock.now_s, self.clock.now_s))

    def _repeat(self) -> None:
        for name, said in list(self.measured.items()):
            self.handle(entry_events.PathSeen(self.clock.now_s, name, said))

    def handle(self, event: entry_events.Event) -> None:
        rules = self.setup.entry_rules
        self.state, actions = rules(self.state, event, self.policy)
        for action in actions:
            self._do(action)

    def _do(self, action: entry.Action) -> None:
        match action:
            case entry.Point():
                self.later(0.0005, lambda: self._point(action))
            case entry.OpenGate() | entry.CloseGate():
                self.later(0.1, lambda: self._gate(action))
            case entry.Watch(hops):
                self._watch(hops)
            case entry.Ignore(reason):
                self.note(self.name, f"ignores: {reason}")
            case _:
                self._tell(action)

    def _tell(self, action: entry.Action) -> None:
        match action:
            case entry.SayReport(said):
                self.say(ENTRY_STATE, said, entry=self.name)
            case entry.SayPath(name, path):
                self.say(PATH_STATE, path, entry=self.name, exit=name)
            case entry.ForgetPath(name):
                if self.link is not None:
                    self.link.forget(PATH_STATE, entry=self.name, exit=name)
            case _:
                pass

    def _point(self, asked: entry.Point) -> None:
        hop = self.network.at(asked.hop.address).name if asked.hop else None
        if hop != self.network.hop:
            self.note(self.name, f"moves {self.network.hop} -> {hop}")
        self.network.hop = hop
        self.handle(entry_events.HopStands(self.clock.now_s, asked))

    def _gate(self, wish: entry.OpenGate | entry.CloseGate) -> None:
        opens = isinstance(wish, entry.OpenGate)
        self.device = entry.Device("kernel", "key", 51820, 1420) if opens else None
        self.handle(entry_events.GateStands(self.clock.now_s, self.device))

    # --- paths ------------------------------------------------------------------------

    def _watch(self, hops: Sequence[Hop]) -> None:
        names = {hop.exit for hop in hops}
        for name in self.measured.keys() - names:
            del self.measured[name]
        for name in sorted(names - self.measured.keys()):
            self.measured[name] = PathReport(health=Health.UNKNOWN, since=0.0)
        self._sense()

    def _sense(self) -> None:
        """Something has changed: the probes will tell after their time."""
        if self.alive:
            for name, said in self.measured.items():
                wanted = self._truth(name)
                if said.health is not wanted:
                    self._look_later(name, said.health, wanted)

    def _truth(self, name: str) -> Health:
        if not self.network.carries(name):
            return Health.DOWN
        return Health.DEGRADED if self.network.lossy(name) else Health.UP

    def _look_later(self, name: str, now: Health, wanted: Health) -> None:
        span_s = RECOVERS_S
        if wanted is Health.DOWN:
            span_s = self.setup.detects_s
        elif now is Health.DEGRADED or (wanted is Health.DEGRADED and now is Health.UP):
            span_s = GRADES_S

        def look() -> None:
            said = self.measured.get(name)
            if said is None or self._truth(name) is not wanted:
                return
            if said.health is not wanted:
                self.see(name, wanted)

        self.later(self.rng.uniform(*span_s), look)

    def see(self, name: str, health: Health) -> None:
        """The probes have found that a path is so from now on."""
        found = PathReport(health=health, since=self.clock.now_s)
        self.measured[name] = found
        self.note(self.name, f"path {name} is {health}")
        self.handle(entry_events.PathSeen(self.clock.now_s, name, found))
