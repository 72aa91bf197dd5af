"""What `vpnchain init` tells in the end: what it made, and what comes next."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from agents.settings_model import Settings
from cli import chainfiles

_ALWAYS_THERE: Final = "exit-a"  # in compose.yaml every other exit is a profile


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


def next_steps(settings: Settings) -> str:
    """The commands that come next, as this chain needs them."""
    compose = "docker compose"
    if settings.broker.tls_ca:
        compose += " -f compose.yaml -f compose.tls.yaml"
    profiles = "".join(
        f" --profile {name}"
        for name in settings.coordinator.exits
        if name != _ALWAYS_THERE
    )
    return f"""
Next, the chain is started by
  {compose}{profiles} up -d --build
and then
  vpnchain doctor                           says what is wrong, if anything is
  vpnchain peer add phone --qr              lets a phone in
  vpnchain backup config/chain.backup       keeps all of this

Without Python here, `{compose} run --rm vpnchain` is `vpnchain`; it writes
only in config and secrets."""
