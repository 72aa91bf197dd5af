"""What `vpnchain init` tells in the end: what it made, and what comes next."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from agents.settings_model import Settings
from cli import chainfiles

_COMPOSE: Final = "compose.yaml"
_ALWAYS_THERE: Final = "exit-a"  # in compose.yaml every other exit is a profile
_COMPOSED: Final = (_ALWAYS_THERE, "exit-b")  # who has a service there


def report(created: Sequence[Path], kept: Sequence[Path], folder: Path) -> None:
    """For a person."""
    for path in created:
        click.echo(f"made   {path}")
    for path in kept:
        click.echo(f"kept   {path}, as it was")
    if os.geteuid() != 0:
        owner = f"{chainfiles.SERVICE}:{chainfiles.SERVICE}"
        click.echo(
            f"\nOnly root can give files away. Containers need, in {folder.resolve()}:"
            f"\n  sudo chown -R root: config secrets"
            f"\n  sudo chown {owner} config/broker/*"
            f" secrets/broker_*.txt"
        )


def by_hand(
    settings: Settings, exits: Sequence[str], *, renewed: bool
) -> Sequence[str]:
    """What `init` leaves to do, as it stands in files of the operator's own.

    `exits`: all that there are; `renewed`: the broker's rights are new.
    """
    todo = []
    if set(exits) - set(settings.coordinator.exits):
        names = ", ".join(f'"{name}"' for name in exits)
        todo.append(f"{chainfiles.SETTINGS}, [coordinator]: exits = [{names}]")
    todo += [
        f"{_COMPOSE}: a service for {name}, and its secrets; see docs/cli.md"
        for name in exits
        if name not in _COMPOSED
    ]
    if profiles := [name for name in exits if name != _ALWAYS_THERE]:
        todo.append(f".env beside {_COMPOSE}: COMPOSE_PROFILES={','.join(profiles)}")
    if settings.broker.tls_ca:
        files = f"{_COMPOSE}:compose.tls.yaml"
        todo.append(f".env beside {_COMPOSE}: COMPOSE_FILE={files}")
    if renewed:
        todo.append("where the broker runs: docker compose kill -s HUP broker")
    return todo


def next_steps(todo: Sequence[str]) -> str:
    """What comes next; `todo`: what a person has to do before."""
    first = "\nFirst, by hand\n" if todo else ""
    first += "".join(f"  {one}\n" for one in todo)
    return f"""{first}
Next, the chain is started by
  docker compose up -d --build
and then
  vpnchain doctor                           says what is wrong, if anything is
  vpnchain peer add phone --qr              lets a phone in
  vpnchain backup backup/chain.backup       keeps all of this

Without Python here, `docker compose run --rm vpnchain` is `vpnchain`; it writes
only in backup, config and secrets."""
