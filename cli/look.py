"""The commands that look: status, watch, events."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from bus.interface import Heard
from bus.messages.orders import Move
from cli.line import Line, text_of
from cli.listen import Novelty, listen, present, remembered
from cli.options import (
    DONE,
    NO,
    Span,
    broker_from,
    console,
    of_the_bus,
    one_line_of_failure,
    tell,
    unreached,
)
from cli.records import record_of, record_of_move, summary_of
from cli.render import line_of, line_of_decision
from cli.tables import tables

T = TypeVar("T")


@click.command()
@of_the_bus
def status(
    settings: Path | None, host: str | None, port: int | None, *, as_json: bool
) -> None:
    """Show the present of the chain: who carries, exits, paths, entries, peers.

    Ends with 0 if clients get out by what the entries say, with 1 if not.
    """
    one_line_of_failure()
    broker = broker_from(settings, host, port)
    snapshot = asyncio.run(present(broker))
    if snapshot is None:
        unreached(broker)
    if as_json:
        tell(summary_of(snapshot))
    else:
        out = console()
        for table in tables(snapshot, time.time()):
            out.print(table)
    sys.exit(DONE if snapshot.carries else NO)


@click.command()
@of_the_bus
@click.option("--all", "everything_said", is_flag=True, help="Repetitions as well.")
def watch(
    settings: Path | None,
    host: str | None,
    port: int | None,
    *,
    as_json: bool,
    everything_said: bool,
) -> None:
    """Tell everything that is said on the bus, as it is said.

    Until Ctrl-C. The broker has to be there at first; if it goes, it is waited for.
    """
    one_line_of_failure()
    broker = broker_from(settings, host, port)
    out, novelty = console(), Novelty()

    def hear(heard: Heard) -> None:
        line = line_of(heard)
        if as_json:
            tell(record_of(heard, time.time()))
        elif novelty.has(heard, line) or everything_said:
            out.print(text_of(line, time.time()), soft_wrap=True)

    if not until_interrupted(listen(broker, hear)):
        unreached(broker)


@click.command()
@of_the_bus
@click.option(
    "--since", type=Span(), help="Moves no older than this: 30s, 15m, 1h30m, 2d."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens from now.")
def events(
    settings: Path | None,
    host: str | None,
    port: int | None,
    *,
    as_json: bool,
    since: float | None,
    follow: bool,
) -> None:
    """Tell the moves that the coordinator remembers, oldest first.

    Of the past it tells nothing else, however old --since lets it be: what happened at
    exits and entries is not kept. With --follow also what happens from then on, there
    as well, until Ctrl-C.
    """
    one_line_of_failure()
    broker = broker_from(settings, host, port)
    out, now = console(), time.time()
    oldest = now - since if since is not None else 0.0

    def show(line: Line, record: dict[str, Any]) -> None:
        if as_json:
            tell(record)
        else:
            out.print(text_of(line, record["heard_at"]), soft_wrap=True)

    def recall(move: Move) -> None:
        if move.at >= oldest:
            show(line_of_decision(move), record_of_move(move, now))

    def hear(heard: Heard) -> None:
        show(line_of(heard), record_of(heard, time.time()))

    if not until_interrupted(remembered(broker, recall, hear if follow else None)):
        unreached(broker)


def until_interrupted(work: Coroutine[None, None, T]) -> T:
    """What the work returns; Ctrl-C, the way to end what has no end, is no error."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(DONE)
