"""An entry that lives through events, without hands."""

from typing import TypeVar

from agents.entry.decide import decide
from agents.entry.events import Adopted, Event, GateStands, HopStands, Ordered
from agents.entry.model import Action, Device, Point, Policy, State
from agents.entry.peer_model import PeerName
from bus.messages.entries import EntryReport
from bus.messages.orders import Gate, Hop, Order

A = Hop(exit="exit-a", address="172.20.0.11")
B = Hop(exit="exit-b", address="172.20.0.12")
WG0 = Device("userspace", "PUBLIC", 51820, 1400)
PHONE = PeerName("phone", "phone", "KEY")
POLICY = Policy(peers=(PHONE,), retry_s=5.0, report_every_s=10.0)
WALL = 1_000_000.0

Kind = TypeVar("Kind")


def order(epoch: int, active: str | None, gate: Gate = Gate.OPEN) -> Order:
    return Order(epoch=epoch, gate=gate, active=active, exits=(A, B))


class Story:
    """An entry that lives through events; `done`: what the last one led to."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.state = State()
        self.done: tuple[Action, ...] = ()
        self.hears(Adopted(0.0, None, None, "nft"))

    def hears(self, *events: Event) -> "Story":
        for event in events:
            self.state, self.done = decide(self.state, event, self.policy)
        return self

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [action for action in self.done if isinstance(action, kind)]

    @property
    def report(self) -> EntryReport:
        assert self.state.said is not None
        return self.state.said


def carrying(hop: Hop = A) -> Story:
    """An entry that obeys order 1: gate open, traffic through that exit."""
    return Story().hears(
        Ordered(1.0, order(1, hop.exit)),
        HopStands(1.0, Point(hop)),
        GateStands(1.1, WG0),
    )
