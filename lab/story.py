"""What the demo tells: one line an event, with the time since its start."""

import time
from typing import Final

from bus.commands import Response
from bus.messages.entries import EntryEvent, EntryEventKind
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from bus.messages.orders import Decision
from bus.messages.presence import Presence
from lab.observer import Event, Happened

RANK: Final = {stage: number for number, stage in enumerate(Stage)}


class Story:
    """The demo's voice."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def say(self, text: str) -> None:
        """One line, now."""
        self._print(time.monotonic(), text)

    def step(self, number: int, title: str) -> None:
        """The heading of a step."""
        self._print(time.monotonic(), f"--- {number}. {title}")

    def happened(self, one: Happened) -> None:
        """One event from the bus, with the time when it was heard."""
        if words := describe(one.who, one.what):
            self._print(one.at_s, f"    {words}")

    def _print(self, at_s: float, text: str) -> None:
        print(f"{at_s - self._start_s:7.2f} s  {text}", flush=True)


def describe(who: str, what: Event | Presence) -> str:
    """An event in words; empty if it is of no interest."""
    match what:
        case Presence(status=status):
            return f"{who} is {status.value}"
        case ExitEvent():
            return f"{who}: {_exit(what)}"
        case EntryEvent():
            return f"{who}: {_entry(what)}"
        case Decision(kind=kind, before=before, after=after, reason=reason):
            return f"coordinator: {kind.value}: {before} -> {after} ({reason})"
        case Response(ok=ok, error=error):
            return f"{who} answers: {'granted' if ok else error}"


def _exit(event: ExitEvent) -> str:
    took = "" if event.duration_s is None else f" after {event.duration_s:.2f} s"
    cause = f": {event.cause}" if event.cause else ""
    match event.kind:
        case ExitEventKind.STAGE if RANK[event.after] < RANK[event.before]:
            return (
                f"{event.before.value} no more{took}, {event.after.value} only{cause}"
            )
        case ExitEventKind.STAGE:
            return f"{event.after.value}{took}{cause}"
        case ExitEventKind.FAILED:
            reached = (
                "" if event.before is Stage.DOWN else f", had {event.before.value}"
            )
            return f"attempt failed{took}{reached}{cause}"
        case ExitEventKind.LOST:
            return f"tunnel lost{took}{cause}"


def _entry(event: EntryEvent) -> str:
    match event.kind:
        case EntryEventKind.GATE_OPENED:
            return "gate open, wg0 is up"
        case EntryEventKind.GATE_CLOSED:
            return "gate closed, wg0 is gone"
        case EntryEventKind.MOVED:
            return f"next hop: {event.before} -> {event.after}"
        case EntryEventKind.PEER_CONNECTED:
            return f"peer {event.peer} connected"
        case EntryEventKind.PEER_GONE:
            return f"peer {event.peer} gone"
        case EntryEventKind.LEAK:
            return "clients were seen to leave around the tunnels; the gate is closed"
