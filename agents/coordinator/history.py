"""What the coordinator remembers of the moves of the clients. Pure.

A list that the broker retains, oldest first: what a predecessor remembered, then what
was decided in this life, each with what it has cost once the entry has said so.
"""

from dataclasses import replace
from typing import Final

from bus.epochs import newer
from bus.messages.entries import EntryEvent, EntryEventKind
from bus.messages.orders import Decision, DecisionKind, History, Move

Moves = tuple[Move, ...]

MOST: Final = 100  # moves
LONGEST: Final = 160  # characters of a reason, which may hold others' words


def remembered(ours: Moves, payload: object) -> Moves:
    """Our moves, with what this payload says of them."""
    match payload:
        case History(moves=heard):
            return adopted(ours, heard)
        case EntryEvent() as event:
            return measured(ours, event)
        case _:
            return ours


def adopted(ours: Moves, heard: Moves) -> Moves:
    """Our moves, with those before them that the broker remembers.

    An echo of what we said ourselves, however late it comes, adds nothing.
    """
    known = {_key(move) for move in ours}
    return _bounded((*(one for one in heard if _key(one) not in known), *ours))


def extended(ours: Moves, decision: Decision) -> Moves:
    """Our moves and this one, if it is one."""
    before = decision.before
    if decision.kind is DecisionKind.ADOPTED:
        # A new coordinator knows no exit yet; where the clients were is remembered.
        before = ours[-1].after if ours else decision.after
    if before == decision.after:
        return ours
    move = Move(
        kind=decision.kind,
        at=decision.at,
        epoch=decision.epoch,
        before=before,
        after=decision.after,
        reason=decision.reason,
    )
    return _bounded((*ours, move))


def measured(ours: Moves, event: EntryEvent) -> Moves:
    """Our moves, one of them with what it has cost; of several entries the most.

    The entry may have obeyed a newer order meanwhile that moves nobody.
    """
    cost_ms = event.outage_ms
    if event.kind is not EntryEventKind.MOVED or cost_ms is None:
        return ours
    place = next(
        (n for n, one in enumerate(ours[::-1], 1) if not newer(one.epoch, event.epoch)),
        None,
    )
    if place is None:
        return ours
    move = ours[-place]
    known_ms = -1.0 if move.outage_ms is None else move.outage_ms
    if move.after != event.after or cost_ms <= known_ms:
        return ours
    told = replace(move, outage_ms=cost_ms)
    return tuple(told if one is move else one for one in ours)


def _bounded(moves: Moves) -> Moves:
    return tuple(replace(one, reason=short(one.reason)) for one in moves[-MOST:])


def short(reason: str) -> str:
    """The words as long as a reason may be: nobody hears an event that is too long."""
    return reason if len(reason) <= LONGEST else f"{reason[: LONGEST - 1]}…"


def _key(move: Move) -> tuple[int, float, DecisionKind]:
    return move.epoch, move.at, move.kind
