"""Whose container ought to be restarted: who hangs, and holds no client's way. Pure.

An agent that dies is started again by Docker. One that hangs keeps its container alive
and says nothing: only who listens to it can tell. A restart takes the network of its
container with it, so whoever may be carrying clients is left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from agents.coordinator.events import EntryReported, Event, PresenceSaid
from agents.coordinator.model import State
from bus.messages.exits import Stage
from bus.messages.paths import Health
from bus.messages.presence import Status

ENTRY: Final = "entry"
# Exits have a rule of their own; nobody asks for himself, nor for who would do it.
APART: Final = frozenset({"", "exit", "coordinator", "containers"})


@dataclass(frozen=True, slots=True)
class Other:
    """An agent that is no exit.

    Attributes:
        role: What it is, as it said itself.
        away_s: Since when it is gone without a farewell; None: it is there, or it said
            one, or it was gone before we came.
        through: The exit by which an entry said last that clients leave; None: none.
    """

    role: str
    away_s: float | None = None
    through: str | None = None


Others = Mapping[str, Other]


def noted(others: Others, event: Event) -> Others:
    """What is known of other agents, with what the event says; keys: their names."""
    match event:
        case PresenceSaid(agent=name, presence=said) if said.role not in APART:
            known = others.get(name) or Other(said.role)
            lost = said.status is Status.OFFLINE and not event.echo
            away_s = known.away_s if known.away_s is not None else event.at_s
            return {**others, name: replace(known, away_s=away_s if lost else None)}
        case EntryReported(entry=name, report=report):
            known = others.get(name) or Other(ENTRY)
            if known.through == report.active:
                return others
            return {**others, name: replace(known, through=report.active)}
        case _:
            return others


def stuck(
    state: State,
    others: Others,
    asked_s: Mapping[str, float],
    after_s: float,
    at_s: float,
) -> tuple[str, ...]:
    """Agents whose containers are to be restarted now.

    Nobody while the bus is away. `after_s` is how long an agent may be silent (0: for
    ever) and how often it is asked for; `asked_s` says when it last was.
    """
    if state.linked_since_s is None or not after_s:
        return ()
    known_s = at_s - state.linked_since_s
    silent_s = {
        **_silent_exits(state, at_s),
        **{
            name: at_s - one.away_s
            for name, one in others.items()
            if one.away_s is not None and not _may_carry(state, one)
        },
    }
    return tuple(
        name
        for name, for_s in silent_s.items()
        if min(for_s, known_s) >= after_s
        if at_s - asked_s.get(name, -after_s) >= after_s
    )


def _silent_exits(state: State, at_s: float) -> dict[str, float]:
    """For how long which exits have said nothing.

    Not one that was stopped, nor the one that clients are sent to unless its path is
    known to be down: where nobody measures it, its kernel may carry them all the same.
    """
    active = state.active
    spared = active.name if active and active.health is not Health.DOWN else None
    return {
        name: at_s - one.heard_s
        for name, one in state.exits.items()
        if one.heard_s and one.status is not Status.STOPPED
        if name != spared
    }


def _may_carry(state: State, other: Other) -> bool:
    """Whether clients may leave by it: an entry, unless its exit says that none can."""
    if other.role != ENTRY or other.through is None:
        return False
    through = state.exit(other.through)
    unready = through.speaks and through.stage is not Stage.READY
    return not (unready or through.denied or through.status is Status.STOPPED)
