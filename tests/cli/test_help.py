"""Every command tells what it does, and the manual knows them all."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from cli.__main__ import EPILOG, main

MANUAL: Final = (Path(__file__).parents[2] / "docs/cli.md").read_text()


def commands() -> Iterator[tuple[str, ...]]:
    """Every command, as it is typed."""
    for name, command in main.commands.items():
        yield (name,)
        if isinstance(command, click.Group):
            yield from ((name, below) for below in command.commands)


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_says_what_it_does(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])

    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


@pytest.mark.parametrize("name", list(main.commands))
def test_the_manual_has_every_command(name: str) -> None:
    table, _, rest = MANUAL.partition("## What they have in common")
    headings = re.findall(r"^## (.+)$", rest, re.MULTILINE)

    assert f"`{name}`" in table
    assert any(name in heading.split(", ") for heading in headings)


@pytest.mark.parametrize("status", range(4))
def test_help_and_manual_tell_the_same_exit_statuses(status: int) -> None:
    assert f"  {status}  " in EPILOG
    assert f"| {status} | " in MANUAL


def test_commands_that_look_or_ask_speak_json() -> None:
    silent = {"completion", "peer"}
    for name, command in main.commands.items():
        options = {option for one in command.params for option in one.opts}
        assert "--json" in options or name in silent, name
