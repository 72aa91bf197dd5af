"""`vpnchain init` on a chain that gets one more exit, or one less."""

import json
import re
from pathlib import Path

import pytest
from click.testing import Result

from agents.settings import read_secret
from cli import chainfiles
from tests.cli.test_init import VALUES, files, init


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A chain of exit-a and exit-b."""
    both = ("--exit", "exit-a", "--exit", "exit-b", "--values", "-")
    given = f"[exit-a]\n{VALUES}[exit-b]\n{VALUES}"
    result = init(tmp_path, "--endpoint", "192.0.2.1", *both, given=given)
    assert result.exit_code == 0, result.output
    return tmp_path


def more(folder: Path, exit_: str, *arguments: str) -> Result:
    words = ("--exit", exit_, *arguments, "--values", "-")
    return init(folder, *words, given=f"[{exit_}]\n{VALUES}")


def users(folder: Path) -> set[str]:
    """Whom the broker lets in by the agents' door, and knows rights of: exits only."""
    rights = (folder / "config/broker/agents.rights").read_text()
    passwords = (folder / "config/broker/agents.passwords").read_text()
    named = set(re.findall(r"^user (exit-\S+)", rights, re.MULTILINE))
    assert named == set(re.findall(r"^(exit-[^:]+):", passwords, re.MULTILINE))
    return named


def test_a_new_exit_needs_the_brokers_files_anew(two: Path) -> None:
    before = files(two)

    refused = more(two, "exit-c")
    unchanged = files(two) == before
    renewed = more(two, "exit-c", "--renew-broker")

    assert (refused.exit_code, renewed.exit_code) == (2, 0)
    assert "--renew-broker" in refused.output
    assert unchanged
    kept = "secrets/broker_exit-a.txt"
    assert files(two)[kept] == before[kept]


def test_who_names_but_a_new_exit_loses_none_of_the_others(two: Path) -> None:
    more(two, "exit-c", "--renew-broker")
    in_between = users(two)

    more(two, "exit-d", "--renew-broker")  # the settings still know but the first two
    init(two, "--renew-broker")

    assert in_between == {"exit-a", "exit-b", "exit-c"}
    assert users(two) == {"exit-a", "exit-b", "exit-c", "exit-d"}


def test_what_a_new_exit_leaves_to_do_by_hand_is_told(two: Path) -> None:
    told = more(two, "exit-c", "--renew-broker", "--json")
    said = more(two, "exit-c", "--renew-broker")

    todo = json.loads(told.output)["todo"]
    assert todo == [
        'config/vpnchain.toml, [coordinator]: exits = ["exit-a", "exit-b", "exit-c"]',
        "compose.yaml: a service for exit-c, and its secrets; see docs/cli.md",
        ".env beside compose.yaml: COMPOSE_PROFILES=exit-b,exit-c",
        "where the broker runs: docker compose kill -s HUP broker",
    ]
    assert all(f"  {one}\n" in said.output for one in todo)


def test_a_value_that_names_no_exit_is_of_the_new_one(two: Path) -> None:
    (two / "word").write_text("of exit-c\n")
    word = str(two / "word")

    result = init(
        two,
        *("--exit", "exit-c", "--renew-broker", "--server", "192.0.2.7"),
        *("--username", "ann", "--psk-file", word, "--password-file", word),
    )

    assert result.exit_code == 0, result.output
    assert read_secret(two / "secrets/exit-c_vpn_username.txt").reveal() == "ann"
    assert read_secret(two / "secrets/vpn_username.txt").reveal() == "joe"


def test_an_exit_whose_files_are_gone_is_let_in_no_more(two: Path) -> None:
    for file in (two / "secrets").glob("*exit-b*"):
        file.unlink()
    settings = two / chainfiles.SETTINGS
    settings.write_text(settings.read_text().replace(', "exit-b"', ""))

    init(two, "--renew-broker")

    assert users(two) == {"exit-a"}
