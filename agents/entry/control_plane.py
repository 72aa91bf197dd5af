"""Is there anybody to obey? What is known of bus and coordinator, and what it means.

Values and their rules, pure. An order that the broker merely remembers is no sign of
life: only what the coordinator says by itself is.
"""

from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from bus.commands import Mode
from bus.heartbeat import HEARTBEAT_S
from bus.messages.presence import Status

SILENT_S: Final = 3 * HEARTBEAT_S  # the coordinator's
ANSWERS_S: Final = 3.0  # it says its order to each entry that comes


@dataclass(frozen=True, slots=True)
class Control:
    """What is known of those who give orders.

    Attributes:
        linked: Whether the broker is there.
        status: The coordinator's presence; None: nothing heard since the broker came.
        heard_s: When it last said something, or the broker came.
        mode: What people asked of it.
        ordering: It said something since the broker came, not only by its presence,
            which a broker may remember of one that is gone.
    """

    linked: bool = False
    status: Status | None = None
    heard_s: float = 0.0
    mode: Mode = field(default_factory=Mode)
    ordering: bool = False


@dataclass(frozen=True, slots=True)
class BusConnected:
    """The broker is there; what it remembers follows."""

    at_s: float


@dataclass(frozen=True, slots=True)
class BusLost:
    """The broker is away."""

    at_s: float


@dataclass(frozen=True, slots=True)
class CoordinatorSaid:
    """The coordinator's presence, by itself or by its will."""

    at_s: float
    status: Status


@dataclass(frozen=True, slots=True)
class ModeSet:
    """How people want the active exit to be chosen."""

    at_s: float
    mode: Mode


Said = BusConnected | BusLost | CoordinatorSaid | ModeSet


def observe_control(control: Control, event: Said) -> Control:
    """What is known after this was heard."""
    match event:
        case BusConnected(at_s):
            return replace(
                control, linked=True, status=None, heard_s=at_s, ordering=False
            )
        case BusLost():
            return replace(control, linked=False)
        case CoordinatorSaid(_, status):
            return replace(control, status=status)
        case ModeSet(_, mode):
            return replace(control, mode=mode)
        case _:
            assert_never(event)


def alive(control: Control, at_s: float) -> Control:
    """What is known after the coordinator said an order by itself."""
    return replace(control, heard_s=at_s, ordering=True)


def gone(control: Control, at_s: float) -> str:
    """Why nobody gives orders; empty: somebody does."""
    if not control.linked:
        return "the bus is away"
    if control.status in (Status.OFFLINE, Status.STOPPED):
        return f"the coordinator is {control.status}"
    if at_s - control.heard_s >= (SILENT_S if control.ordering else ANSWERS_S):
        return "the coordinator is silent"
    return ""
