"""What comes from the bus, in the words of the rules."""

from collections.abc import Sequence
from typing import Any

from agents.entry.control_plane import BusConnected, BusLost, CoordinatorSaid, ModeSet
from agents.entry.events import (
    Event,
    ExitHeard,
    LeakHeard,
    Ordered,
    PathHeard,
    PeerHeard,
    Requested,
)
from bus.commands import Mode, Request
from bus.interface import BusDown, BusUp, Heard, Received, Subscription
from bus.messages.entries import LeakReport, PeerReport
from bus.messages.exits import ExitReport
from bus.messages.orders import Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence
from bus.topics import (
    ENTRY_LEAK,
    EXIT_STATE,
    MODE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    REQUEST,
)


def subscriptions(entry: str, *, leak_check: bool) -> Sequence[Subscription]:
    """What this entry wants to hear; the order first, what follows is judged by it.

    `leak_check`: also what exits say of their tunnels, and before any order whether a
    leak stands: else the gate would be open for a moment.
    """
    of_exits = (Subscription(EXIT_STATE),) if leak_check else ()
    of_leak = (Subscription(ENTRY_LEAK, {"entry": entry}),) if leak_check else ()
    return (
        *of_leak,
        Subscription(ORDER),
        Subscription(PRESENCE, {"agent": ORDER.writer}),
        Subscription(MODE),
        Subscription(PEER_STATE, {"entry": entry}),
        Subscription(PATH_STATE, {"entry": entry}),
        Subscription(REQUEST, {"agent": entry}),
        *of_exits,
    )


def event_of(heard: Heard, at_s: float) -> Event | None:
    """What was heard; None if it says nothing to the rules."""
    match heard:
        case BusUp():
            return BusConnected(at_s)
        case BusDown():
            return BusLost(at_s)
        case Received():
            return _event_of_payload(heard, at_s)
        case _:
            return None


def _event_of_payload(heard: Received[Any], at_s: float) -> Event | None:
    match heard.payload:
        case Order() as order:
            return Ordered(at_s, order, live=not heard.retained)
        case Presence(status=status):
            return CoordinatorSaid(at_s, status)
        case Mode() as mode:
            return ModeSet(at_s, mode)
        case PeerReport():
            return PeerHeard(at_s, heard.levels["peer"])
        case PathReport():
            return PathHeard(at_s, heard.levels["exit"])
        case _:
            return _event_of_others(heard, at_s)


def _event_of_others(heard: Received[Any], at_s: float) -> Event | None:
    match heard.payload:
        case Request() as request:
            return Requested(at_s, heard.levels["verb"], request)
        case ExitReport() as report if not heard.retained:
            return ExitHeard(at_s, heard.levels["exit"], report)
        case LeakReport(why=why) if heard.retained:  # else it is what we just said
            return LeakHeard(at_s, why)
        case _:
            return None
