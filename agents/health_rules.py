"""How an agent is, judged by what it said and heard: pure.

An exit is well when its tunnel carries, an entry when it obeys the newest order, and
who only talks when it has somebody to talk to. That the agent answers at all tells
that none of its jobs has ended; whether one hangs it does not tell.

Whether clients get out is another question (`bus/egress.py`): an entry that holds them
because nothing else was ordered does its work, and a restart would mend nothing.
"""

from dataclasses import dataclass, replace

from bus.epochs import NO_EPOCH, newer
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Order


@dataclass(frozen=True, slots=True)
class Record:
    """What passed between an agent and the bus, as far as its health goes.

    Attributes:
        order: The newest that was heard; None: none yet.
    """

    exit: ExitReport | None = None
    entry: EntryReport | None = None
    order: Order | None = None

    def said(self, payload: object) -> "Record":
        """The record after the agent said this."""
        if isinstance(payload, ExitReport):
            return replace(self, exit=payload)
        if isinstance(payload, EntryReport):
            return replace(self, entry=payload)
        return self

    def heard(self, payload: object) -> "Record":
        """The record after the agent heard this; an older order changes nothing."""
        if not isinstance(payload, Order):
            return self
        known = self.order.epoch if self.order else NO_EPOCH
        return replace(self, order=payload) if newer(payload.epoch, known) else self


def ailment(role: str, record: Record, *, connected: bool) -> str:
    """Why the agent is not well; empty if it is."""
    if role == "exit":
        return _of_exit(record.exit)
    if role == "entry":
        return _of_entry(record.entry, record.order)
    return "" if connected else "no link to the broker"


def _of_exit(report: ExitReport | None) -> str:
    if report is None:
        return "has not said anything yet"
    if report.stage is Stage.READY:
        return ""
    return f"{report.stage}: {report.cause}" if report.cause else str(report.stage)


def _of_entry(report: EntryReport | None, order: Order | None) -> str:
    if report is None:
        return "has not said anything yet"
    if report.leak or report.cause:
        return report.leak or report.cause
    if order is None:
        return "" if report.epoch else "no order yet"
    return _disobeys(report, order)


def _disobeys(report: EntryReport, order: Order) -> str:
    if newer(order.epoch, report.epoch):
        return f"obeys order {report.epoch}, the newest is {order.epoch}"
    if report.gate is not order.gate:
        return f"the gate is {report.gate}, ordered: {order.gate}"
    if report.gate is Gate.OPEN and not report.wireguard:
        return "the gate is open, but WireGuard is not there"
    return ""
