"""What may be heard, in short."""

from typing import Any

from bus.interface import Heard, Received
from bus.messages.entries import EntryEvent, EntryEventKind, EntryReport, PeerReport
from bus.messages.exits import ExitEvent, ExitEventKind, ExitReport, Stage
from bus.messages.orders import Decision, DecisionKind, Gate, Hop, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.topics import (
    DECISION,
    ENTRY_EVENT,
    ENTRY_STATE,
    EXIT_EVENT,
    EXIT_STATE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    Topic,
)


def heard(topic: Topic[Any], payload: object, **levels: str) -> Received[Any]:
    return Received(topic, levels, payload)


def presence(status: Status, role: str = "") -> Heard:
    said = Presence(status=status, role=role, version="0.1.0" if role else "")
    return heard(PRESENCE, said, agent="exit-a")


def report(**fields: Any) -> Heard:
    said = ExitReport(since=0.0, **{"stage": Stage.DOWN, **fields})
    return heard(EXIT_STATE, said, exit="exit-a")


def happened(kind: ExitEventKind, **fields: Any) -> Heard:
    said = ExitEvent(
        kind=kind, at=1.0, **{"before": Stage.IKE, "after": Stage.IPSEC, **fields}
    )
    return heard(EXIT_EVENT, said, exit="exit-a")


def order(gate: Gate, active: str | None, *exits: str) -> Heard:
    hops = tuple(Hop(exit=one, address="172.20.0.9") for one in exits)
    said = Order(epoch=3, gate=gate, active=active, exits=hops, reason="because")
    return heard(ORDER, said)


def decision(kind: DecisionKind) -> Heard:
    said = Decision(
        kind=kind, at=1.0, epoch=3, before="exit-a", after="exit-b", reason="because"
    )
    return heard(DECISION, said)


def entry(**fields: Any) -> Heard:
    said = EntryReport(epoch=3, **{"gate": Gate.OPEN, "active": "exit-a", **fields})
    return heard(ENTRY_STATE, said, entry="entry")


def at_entry(kind: EntryEventKind) -> Heard:
    said = EntryEvent(
        kind=kind, at=1.0, before="exit-a", after=None, peer="phone", epoch=3
    )
    return heard(ENTRY_EVENT, said, entry="entry")


def peer(**fields: Any) -> Heard:
    said = PeerReport(name="phone", **{"connected": True, **fields})
    return heard(PEER_STATE, said, entry="entry", peer="phone")


def request(topic: Topic[Any], **fields: Any) -> Heard:
    said = topic.payload(transaction="t1", **fields)
    return heard(topic, said, agent="exit-a", verb="reconnect")


def path(health: Health, **fields: Any) -> Heard:
    said = PathReport(health=health, since=0.0, **fields)
    return heard(PATH_STATE, said, entry="entry", exit="exit-a")
