"""The commands that ask an agent for something, and show its answer."""

import asyncio
from pathlib import Path
from typing import Any

import click

from bus.commands import VERBS, Verb
from cli.ask import Wish, ask
from cli.options import (
    DONE,
    MISUSED,
    NO,
    UNREACHED,
    ExitName,
    broker_from,
    fail,
    of_the_bus,
    one_line_of_failure,
    tell,
)
from cli.words import plain

COORDINATOR = "coordinator"
EXIT = "exit"
AUTO = Verb.AUTO.value

exit_argument = click.argument("exit_", metavar="EXIT", type=ExitName())


@click.command()
@click.argument("exit_", metavar="EXIT|auto", type=ExitName())
@click.option("--only", is_flag=True, help="Never another one, even if it fails.")
@of_the_bus
def use(exit_: str, *, only: bool, **where: Any) -> None:
    """Let clients leave by EXIT while it is usable, or by the best one (auto)."""
    if exit_ == AUTO and not only:
        _ask(Wish(COORDINATOR, Verb.AUTO), **where)
    else:
        _ask(Wish(COORDINATOR, Verb.ONLY if only else Verb.PREFER, exit_), **where)


@click.command()
@exit_argument
@of_the_bus
def drain(exit_: str, **where: Any) -> None:
    """Let clients leave EXIT, as long as another one is usable."""
    _ask(Wish(COORDINATOR, Verb.DRAIN, exit_), **where)


@click.command()
@exit_argument
@of_the_bus
def undrain(exit_: str, **where: Any) -> None:
    """Let EXIT carry clients again."""
    _ask(Wish(COORDINATOR, Verb.UNDRAIN, exit_), **where)


@click.command()
@exit_argument
@of_the_bus
def reconnect(exit_: str, **where: Any) -> None:
    """Let EXIT build its tunnel anew."""
    _ask(Wish(exit_, Verb.RECONNECT), **where)


@click.command()
@click.argument("verb", type=click.Choice([verb.value for verb in Verb]))
@click.argument("exit_", metavar="[EXIT]", type=ExitName(), default=None)
@click.option("--to", metavar="AGENT", type=ExitName(), help="Another than usual.")
@of_the_bus
def request(verb: str, exit_: str | None, to: str | None, **where: Any) -> None:
    """Ask for VERB as any program on the bus would, and show the answer.

    It goes to the agent that knows VERB: what exits know to EXIT itself.
    """
    role = next(role for role, verbs in VERBS.items() if verb in verbs)
    if role == EXIT:
        agent, about = to or exit_, ""
    else:
        agent, about = to or role, exit_ or ""
    if agent is None:
        fail(f"{verb} needs an exit", MISUSED)
    _ask(Wish(agent, verb, about), **where)


def _ask(
    wish: Wish,
    *,
    settings: Path | None,
    host: str | None,
    port: int | None,
    as_json: bool,
) -> None:
    """Asks, prints the answer, ends with its status."""
    one_line_of_failure()
    answer = asyncio.run(ask(broker_from(settings, host, port), wish))
    if isinstance(answer, str):
        fail(f"{answer}: no answer", UNREACHED)
    if as_json:
        tell(answer)
    else:
        click.echo(plain(answer.error) if answer.error else "granted")
    raise SystemExit(DONE if answer.ok else NO)
