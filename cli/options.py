"""What the commands share: options, exit statuses, how they print and how they fail."""

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from click.shell_completion import CompletionItem
from rich.console import Console

from agents.settings import broker_of, load
from agents.settings_model import Settings, SettingsError
from bus.codec import encode
from bus.names import ID
from bus.wire import Broker
from cli.words import seconds_of

# How every command ends; docs/cli.md says the same.
DONE: Final = 0
NO: Final = 1  # clients do not get out, a wish was refused, something is wrong
MISUSED: Final = 2  # the command line, or a setting
UNREACHED: Final = 3  # the broker, or whoever was asked

USERNAME: Final = "operator"  # unless the settings name another
PIPE_WIDTH: Final = 160  # where nobody says how wide a line may be

Command = Callable[..., Any]

settings_option: Final = click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="Settings file; default: $VPNCHAIN_SETTINGS, config/vpnchain.toml.",
)
json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="For programs."
)


def of_the_bus(command: Command) -> Command:
    """The options of every command that listens to the bus."""
    for option in (
        json_option,
        click.option("--port", type=click.IntRange(1, 65535), help="Of the broker."),
        click.option("--host", help="Of the broker."),
        settings_option,
    ):
        command = option(command)
    return command


def settings_from(path: Path | None) -> Settings:
    """The settings of file and environment.

    Raises:
        SystemExit: One is wrong; a line says which.
    """
    try:
        return load(path, os.environ)
    except SettingsError as error:
        fail(str(error), MISUSED)


def broker_at(settings: Settings, host: str | None, port: int | None) -> Broker:
    """The broker of the settings, or rather the one at this host and port.

    Raises:
        SettingsError: The password or the authority cannot be read.
    """
    broker = broker_of(settings.broker, USERNAME)
    return replace(broker, host=host or broker.host, port=port or broker.port)


def broker_from(path: Path | None, host: str | None, port: int | None) -> Broker:
    """The broker that options, environment and settings name, in this order.

    Raises:
        SystemExit: A setting is wrong; a line says which.
    """
    try:
        return broker_at(settings_from(path), host, port)
    except SettingsError as error:
        fail(str(error), MISUSED)


def fail(why: str, status: int) -> NoReturn:
    """Ends the command with one line."""
    click.echo(why, err=True)
    sys.exit(status)


def unreached(broker: Broker) -> NoReturn:
    """Ends the command: the broker did not answer."""
    fail(f"reaching the broker at {broker.host}:{broker.port}: no answer", UNREACHED)


def one_line_of_failure() -> None:
    """Lets the link be silent: the command itself tells in a line that it failed."""
    logging.getLogger().setLevel(logging.ERROR)


def console() -> Console:
    """Standard output; colours only on a terminal, and not if NO_COLOR is set."""
    usual = Console(highlight=False)
    return usual if usual.is_terminal else Console(width=PIPE_WIDTH, highlight=False)


def tell(record: object) -> None:
    """Prints a JSON line."""
    click.echo(encode(record))


class ExitName(click.ParamType[str]):
    """The name of an exit; completes those of the settings."""

    name = "exit"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """The name, if it may be one."""
        if not ID.fullmatch(str(value)):
            self.fail("a name is made of [a-z0-9-]", param, ctx)
        return str(value)

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's
        incomplete: str,
    ) -> list[CompletionItem]:
        """The exits of the settings that begin like this; none if those are wrong."""
        try:
            known = load(ctx.params.get("settings"), os.environ).coordinator.exits
        except SettingsError:
            return []
        return [CompletionItem(one) for one in known if one.startswith(incomplete)]


class Span(click.ParamType[float]):
    """A duration such as 90, 30s, 15m, 1h30m or 2d, in seconds."""

    name = "span"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """The seconds."""
        if isinstance(value, float):
            return value
        seconds = seconds_of(str(value))
        if seconds is None:
            self.fail("a duration such as 90, 30s, 15m, 1h30m, 2d", param, ctx)
        return seconds
