"""What providers want to know, from wherever it was given.

Secrets come from files, the environment, standard input or a hidden question, never
from the command line, which everybody on the machine can read.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import click

from agents.settings import is_server, secret_of
from agents.settings_model import SettingsError
from bus.secret import Secret
from cli.chainfiles import FIRST, OF_AN_EXIT

WORDS: Final = {
    "vpn_server_ip": "the provider's server, name or address",
    "vpn_ipsec_psk": "the pre-shared key",
    "vpn_username": "the user name",
    "vpn_password": "the password",
}
SHOWN: Final = ("vpn_server_ip", "vpn_username")

# Keys: exit, and which of the four.
Answers = dict[tuple[str, str], Secret]


class AnswerError(Exception):
    """What was given does not fit; no secret is part of it."""


def answer(exit_: str, key: str, text: str) -> Secret:
    """The text as a secret of this exit.

    Raises:
        AnswerError: It is none, or no server's.
    """
    try:
        secret = secret_of(text, exit_, key)
    except SettingsError as error:
        raise AnswerError(str(error)) from error
    if key == "vpn_server_ip" and not is_server(secret.reveal()):
        wanted = "a name with a dot, or an IPv4 address"
        raise AnswerError(f"{exit_}: {key}: wanted {wanted}")
    return secret


def of_options(
    given: Iterable[tuple[str, tuple[str, ...]]], exits: tuple[str, ...]
) -> Answers:
    """Of `EXIT=VALUE`, or just VALUE for the first exit; keys of `given`: which one.

    Raises:
        AnswerError: There is no such exit, or a value does not fit.
    """
    answers: Answers = {}
    for key, values in given:
        for value in values:
            exit_, equals, text = value.partition("=")
            if not equals or exit_ not in exits:
                exit_, text = exits[0], value
            answers[exit_, key] = answer(exit_, key, text)
    return answers


def of_files(
    given: Iterable[tuple[str, tuple[str, ...]]], exits: tuple[str, ...]
) -> Answers:
    """The same with files that hold the values, a line each."""
    read = []
    for key, values in given:
        for value in values:
            exit_, equals, name = value.partition("=")
            if not equals or exit_ not in exits:
                exit_, name = exits[0], value
            read.append((key, (f"{exit_}={_text_of(Path(name))}",)))
    return of_options(read, exits)


def of_environment(env: Mapping[str, str], exits: tuple[str, ...]) -> Answers:
    """Of VPN_SERVER_IP and the like; EXIT_B_VPN_SERVER_IP for exit-b."""
    answers: Answers = {}
    for exit_ in exits:
        prefix = "" if exit_ == FIRST else f"{exit_.replace('-', '_').upper()}_"
        for key in OF_AN_EXIT:
            text = env.get(f"{prefix}{key.upper()}", "")
            if text:
                answers[exit_, key] = answer(exit_, key, text)
    return answers


def of_toml(text: str, exits: tuple[str, ...]) -> Answers:
    """Of a table for each exit, with keys as the files are called.

    Raises:
        AnswerError: It is no such TOML; what is in it is not repeated.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise AnswerError("reading the values: no TOML") from None
    answers: Answers = {}
    for exit_, table in data.items():
        if exit_ not in exits or not isinstance(table, dict):
            known = ", ".join(exits)
            raise AnswerError(f"reading the values: {exit_}: no table of {known}")
        for key, value in table.items():
            if key not in OF_AN_EXIT or not isinstance(value, str):
                wanted = ", ".join(OF_AN_EXIT)
                raise AnswerError(f"reading the values of {exit_}: texts for {wanted}")
            answers[exit_, key] = answer(exit_, key, value)
    return answers


def asked(exit_: str, key: str) -> Secret:
    """What a person answers; asked again until it fits."""
    words = f"{exit_}: {WORDS[key]}"
    convert: Callable[[str], Secret] = lambda text: _taken(exit_, key, text)  # noqa: E731
    hidden = key not in SHOWN
    said: Secret = click.prompt(words, hide_input=hidden, value_proc=convert, err=True)
    return said


def _taken(exit_: str, key: str, text: str) -> Secret:
    try:
        return answer(exit_, key, text)
    except AnswerError as error:
        raise click.UsageError(str(error)) from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        why = (error.strerror or "").lower()
        raise AnswerError(f"reading {path}: {why}") from error
    except UnicodeDecodeError:
        raise AnswerError(f"reading {path}: no UTF-8 text") from None
