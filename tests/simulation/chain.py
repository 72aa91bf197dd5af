"""The whole chain on one clock, and its history."""

from dataclasses import dataclass, field, replace
from random import Random

from tests.simulation.bus import Broker
from tests.simulation.clock import Clock
from tests.simulation.coordinator_node import CoordinatorNode
from tests.simulation.entry_node import EntryNode
from tests.simulation.exit_node import ExitNode
from tests.simulation.network import Network, Provider
from tests.simulation.node import Node
from tests.simulation.setup import USUAL, Setup


@dataclass
class Chain:
    rng: Random
    names: tuple[str, ...]
    setup: Setup = USUAL
    well: bool = False  # nothing fails any more
    history: list[tuple[float, str, str]] = field(default_factory=list)
    blamed: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.broker = Broker(self.clock, self.rng)
        self.network = Network(self.names)
        policy = replace(self.setup.policy, exits=self.names)
        rules = self.setup.coordinator_rules
        self.coordinator = CoordinatorNode(self.broker, policy, rules, self.note)
        self.entry = EntryNode(self.broker, self.network, self.note, self.setup)
        self.exits = {
            name: ExitNode(
                host, self.network, self.broker, self.setup.exit_rules, self.note
            )
            for name, host in self.network.hosts.items()
        }

    def note(self, who: str, what: str) -> None:
        self.history.append((self.clock.now_s, who, what))

    def blame(self, who: str) -> None:
        """What happens in the next while may be because of this one."""
        self.blamed[who] = self.clock.now_s

    def begin_schedule(self) -> None:
        """All has converged, so what was before is no excuse any more."""
        self.well = False
        self.blamed.clear()

    # --- what faults do to it ---------------------------------------------------------

    def set_provider(self, name: str, state: Provider) -> None:
        self.note(name, f"provider is {state}")
        self.network.hosts[name].provider = state
        if state is Provider.DEAD:
            self.exits[name].hung_up()
        self.network.change()

    def cut(self, name: str, notice_s: float) -> None:
        """The machine of an exit dies, and all in it."""
        host = self.network.hosts[name]
        self.exits[name].kill(notice_s)
        host.on, host.ppp, host.detour = False, False, ""
        self.note(name, "machine is off")
        self.network.change()

    def restart_broker(self) -> None:
        if not self.broker.up:
            self.blame("bus")
            self.note("broker", "starts")
            self.broker.start()

    def mend(self, node: Node) -> None:
        """The process is there and works."""
        host = self.network.hosts.get(node.name)
        if host is not None and not host.on:
            host.on = True
            self.note(node.name, "machine is on")
            self.network.change()
        if not node.alive:
            self.blame(node.name)
            node.begin()
        elif node.frozen:
            self.blame(node.name)
            node.thaw()
