"""What our own topics say of the chain: what no other topic says in one place. Pure."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from agents.homeassistant.entities import AUTO
from agents.homeassistant.model import Exit, Moved, State
from bus.commands import Choice
from bus.egress import Evidence, carries
from bus.messages.exits import ExitReport
from bus.messages.home import HomeChain, HomeExit
from bus.messages.orders import Decision, History, Move
from bus.messages.presence import Status

MOVES: Final = 200  # more in one day, and the figure is too small
# Reasons and causes hold others' words; a person reads no more than that.
PROBLEMS: Final = 50
CHARACTERS: Final = 255
BITS: Final = 8
MEGA: Final = 1e6


def chain_of(state: State) -> HomeChain:
    """The chain at this moment."""
    mode = state.mode
    addresses = (entry.public_address for entry in state.entries.values())
    last = state.moves[-1] if state.moves else None
    return HomeChain(
        choice=AUTO if mode.choice is Choice.AUTO else short(mode.exit),
        held=not carries(_evidence(state)),
        public_address=next(filter(None, addresses), ""),
        moves=tuple(move.at for move in state.moves),
        outage_ms=last.outage_ms if last else None,
        problems=tuple(map(short, islice(_problems(state), PROBLEMS))),
    )


def _evidence(state: State) -> Evidence:
    """What bears on whether clients get out."""
    return Evidence(
        agents=dict(state.presences),
        entries=dict(state.entries),
        exits={name: known.report for name, known in state.exits.items()},
        paths=dict(state.paths),
    )


def exit_of(state: State, name: str) -> HomeExit:
    """One exit at this moment; KeyError if it is not known."""
    known = state.exits[name]
    return HomeExit(
        enabled=name not in state.mode.drained,
        received_mbit_s=known.received_mbit_s,
        sent_mbit_s=known.sent_mbit_s,
    )


def short(words: str) -> str:
    """Others' words, as many as are shown."""
    return words[:CHARACTERS]


def _problems(state: State) -> Iterator[str]:
    if state.order is not None and state.order.active is None:
        yield f"no exit carries: {state.order.reason}"
    for name, entry in sorted(state.entries.items()):
        if wrong := entry.leak or entry.cause:
            yield f"{name}: {wrong}"
    for name, known in sorted(state.exits.items()):
        if known.report.permanent and known.report.cause:
            yield f"{name}: {known.report.cause}"
    for name, presence in sorted(state.presences.items()):
        if presence.status is Status.OFFLINE:
            yield f"{name} is offline"


def reported(known: Exit | None, report: ExitReport, at_s: float) -> Exit:
    """An exit after a report, with the throughput since the one before."""
    if known is None or at_s <= known.at_s:
        return Exit(report, at_s)
    passed_s, before = at_s - known.at_s, known.report
    return Exit(
        report,
        at_s,
        _mbit_s(before.received_bytes, report.received_bytes, passed_s),
        _mbit_s(before.sent_bytes, report.sent_bytes, passed_s),
    )


def _mbit_s(before: int | None, after: int | None, passed_s: float) -> float | None:
    """None: one of them is not known, or counting began anew between them."""
    if before is None or after is None or after < before:
        return None
    return round((after - before) * BITS / MEGA / passed_s, 3)


def remembered(moves: tuple[Moved, ...], history: History) -> tuple[Moved, ...]:
    """The moves as the coordinator remembers them; outages that it lacks are ours."""
    ours = {move.epoch: move.outage_ms for move in moves}
    told = [
        Moved(
            move.at,
            move.epoch,
            ours.get(move.epoch) if move.outage_ms is None else move.outage_ms,
        )
        for move in history.moves
        if _is_move(move)
    ]
    latest = told[-1].at if told else 0.0
    return (*told, *(move for move in moves if move.at > latest))[-MOVES:]


def moved(moves: tuple[Moved, ...], decision: Decision) -> tuple[Moved, ...]:
    """The moves after a decision, which may be none."""
    known = any(move.epoch == decision.epoch for move in moves)
    if known or not _is_move(decision):
        return moves
    return (*moves, Moved(decision.at, decision.epoch))[-MOVES:]


def measured(
    moves: tuple[Moved, ...], epoch: int, outage_ms: float
) -> tuple[Moved, ...]:
    """The moves after an entry has told how long one of them took."""
    return tuple(
        Moved(move.at, epoch, outage_ms) if move.epoch == epoch else move
        for move in moves
    )


def _is_move(told: Move | Decision) -> bool:
    return (
        told.before is not None
        and told.after is not None
        and (told.before != told.after)
    )
