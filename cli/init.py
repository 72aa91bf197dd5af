"""`vpnchain init`: everything that compose.yaml mounts, made once.

The one rule: what is there stays as it is. All is found out before anything is written,
and if something cannot be written, nothing stays behind.
"""

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from agents import files
from agents.settings import load, read_secret
from agents.settings_checks import ENDPOINT
from agents.settings_model import Settings, SettingsError
from bus.acl import Role
from bus.discovery import Discovery
from bus.secret import Secret
from cli import chainfiles
from cli.answers import (
    AnswerError,
    Answers,
    asked,
    of_environment,
    of_files,
    of_options,
    of_toml,
)
from cli.authority import Identity, new_authority, new_server
from cli.chainfiles import OF_AN_EXIT, Made, agents_of, broker_secret, exit_secret
from cli.init_report import next_steps, report
from cli.options import DONE, MISUSED, NO, ExitName, fail, json_option, tell
from cli.wgkeys import new_pair

PASSWORD_BYTES: Final = 24
TLS_HOSTS: Final = ("broker", "localhost", "127.0.0.1", "::1")
FOLDERS: Final = (
    (Path("config"), 0o755),
    (chainfiles.BROKER, 0o755),
    (chainfiles.SECRETS, 0o700),
)

VALUE: Final = "[EXIT=]VALUE"
FILE: Final = "[EXIT=]FILE"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    exits: tuple[str, ...]
    endpoint: str
    tls: bool
    renew_broker: bool
    server: tuple[str, ...]
    username: tuple[str, ...]
    psk_file: tuple[str, ...]
    password_file: tuple[str, ...]
    values: Any
    ask: bool


@click.command()
@click.option("--folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--exit", "exits", multiple=True, type=ExitName(), help="Best first.")
@click.option("--endpoint", default="", help="Where clients reach this host.")
@click.option("--server", multiple=True, metavar=VALUE, help="Of the provider.")
@click.option("--username", multiple=True, metavar=VALUE, help="At the provider.")
@click.option("--psk-file", multiple=True, metavar=FILE, help="Pre-shared key.")
@click.option("--password-file", multiple=True, metavar=FILE, help="Password.")
@click.option("--values", type=click.File(), help="TOML, a table an exit; -: stdin.")
@click.option("--tls", is_flag=True, help="Encrypt the bus, with a CA of its own.")
@click.option("--renew-broker", is_flag=True, help="Passwords and rights anew.")
@click.option("--ask/--no-ask", default=None, help="Default: if there is a terminal.")
@json_option
def init(folder: Path, *, as_json: bool, ask: bool | None, **given: Any) -> None:
    """Make keys, settings, secrets and the broker's files; change none that is there.

    What a provider wants to know comes from these options, from --values, from the
    environment (VPN_SERVER_IP, VPN_IPSEC_PSK, VPN_USERNAME, VPN_PASSWORD; for exit-b
    EXIT_B_VPN_SERVER_IP and so on), or is asked for.
    """
    wanted = Wanted(ask=sys.stdin.isatty() if ask is None else ask, **given)
    try:
        made, renewed = planned(folder, wanted, os.environ)
        created = written(folder, made, renewed)
    except (AnswerError, SettingsError) as error:
        fail(str(error), MISUSED)
    except OSError as error:
        why = (error.strerror or "").lower()
        fail(f"writing {error.filename2 or error.filename}: {why}", NO)
    kept = [one.path for one in made if one.path not in created]
    if as_json:
        tell({"created": [str(p) for p in created], "kept": [str(p) for p in kept]})
    else:
        report(created, kept, folder)
        click.echo(next_steps(load(folder / chainfiles.SETTINGS, os.environ)))
    sys.exit(DONE)


# --- what there shall be --------------------------------------------------------------


def planned(
    folder: Path, wanted: Wanted, env: Mapping[str, str]
) -> tuple[list[Made], list[Made]]:
    """All files, and those that are to be replaced; nothing is written yet.

    Raises:
        AnswerError: Something is not known, or does not fit.
        SettingsError: A file that is there does not fit.
    """
    wanted, present = _resolved(folder, wanted, env)
    made = [
        chainfiles.settings(wanted.exits, wanted.endpoint, tls=wanted.tls),
        chainfiles.wg_conf(
            new_pair().private, present.network.clients, chainfiles.WG_PORT
        ),
        *_exit_secrets(folder, wanted, env),
        chainfiles.secret_file(chainfiles.DASHBOARD_TOKEN, _password(), Role.DASHBOARD),
    ]
    topics = Discovery(present.homeassistant.prefix, present.broker.base)
    broker, renewed = _broker(folder, wanted, topics)
    return made + broker, renewed


def _resolved(
    folder: Path, wanted: Wanted, env: Mapping[str, str]
) -> tuple[Wanted, Settings]:
    """What is wanted with what was not said: from the settings, or asked for."""
    there = folder / chainfiles.SETTINGS
    if there.exists():
        present = load(there, env)
        exits = wanted.exits or present.coordinator.exits
        tls = bool(present.broker.tls_ca)
        if wanted.tls and not tls:
            away = f"{there} and {folder / chainfiles.BROKER}"
            raise AnswerError(f"--tls: made without it already: move {away} away")
        return replace(wanted, exits=exits, endpoint="", tls=tls), present
    exits, endpoint = wanted.exits or (chainfiles.FIRST,), wanted.endpoint
    if not endpoint and wanted.ask:
        endpoint = click.prompt("where clients reach this host from outside", err=True)
    if endpoint and not ENDPOINT.fullmatch(endpoint):
        raise AnswerError("--endpoint: wanted a name or address, with :port if need be")
    return replace(wanted, exits=exits, endpoint=endpoint), Settings()


def _exit_secrets(folder: Path, wanted: Wanted, env: Mapping[str, str]) -> list[Made]:
    """The four files of each exit; those that are there are not asked for."""
    given = _given(wanted, env)
    made, missing = [], []
    for exit_ in wanted.exits:
        for key in OF_AN_EXIT:
            path = exit_secret(exit_, key)
            if (folder / path).exists():
                made.append(Made(path, b""))
            elif (secret := given.get((exit_, key))) is not None:
                made.append(chainfiles.secret_file(path, secret))
            elif wanted.ask:
                made.append(chainfiles.secret_file(path, asked(exit_, key)))
            else:
                missing.append(f"{exit_}: {key}")
    if missing:
        raise AnswerError(f"not known: {', '.join(missing)}; see vpnchain init --help")
    return made


def _given(wanted: Wanted, env: Mapping[str, str]) -> Answers:
    exits = wanted.exits
    shown = (("vpn_server_ip", wanted.server), ("vpn_username", wanted.username))
    hidden = (
        ("vpn_ipsec_psk", wanted.psk_file),
        ("vpn_password", wanted.password_file),
    )
    text = wanted.values.read() if wanted.values else ""
    return {
        **of_environment(env, exits),
        **of_toml(text, exits),
        **of_files(hidden, exits),
        **of_options(shown, exits),
    }


def _broker(
    folder: Path, wanted: Wanted, topics: Discovery
) -> tuple[list[Made], list[Made]]:
    """The broker's files; and those among them that must be replaced.

    Raises:
        AnswerError: They know other users than there shall be, and may not be replaced.
    """
    users = (*agents_of(wanted.exits), *chainfiles.PEOPLE)
    made, passwords, is_new = [], {}, False
    for user in users:
        path = broker_secret(user.name)
        there = (folder / path).exists()
        is_new = is_new or not there
        secret = read_secret(folder / path) if there else _password()
        passwords[user.name] = secret
        made.append(chainfiles.secret_file(path, secret, user.role))
    made.append(chainfiles.doors(tls=wanted.tls))
    rights = chainfiles.rights(wanted.exits, passwords, topics)
    old = [one for one in rights if (folder / one.path).exists()]
    if old and is_new and not wanted.renew_broker:
        raise AnswerError(
            f"{old[0].path} is there and does not know all: --renew-broker replaces it"
        )
    if wanted.tls:
        made += _tls(folder)
    return [*made, *rights], old if wanted.renew_broker else []


def _password() -> Secret:
    return Secret(secrets.token_urlsafe(PASSWORD_BYTES))


def _tls(folder: Path) -> list[Made]:
    """Authority and certificate, unless there is one already."""
    there = [chainfiles.CA, chainfiles.CA_KEY, chainfiles.CERTIFICATE, chainfiles.KEY]
    present = [path for path in there if (folder / path).exists()]
    if len(present) == len(there):
        return [Made(path, b"") for path in there]
    if present:
        raise AnswerError(f"{present[0]} is there without the rest: move it away")
    authority: Identity = new_authority()
    server = new_server(authority, TLS_HOSTS)
    owner, public = chainfiles.SERVICE, files.PUBLIC
    return [
        Made(chainfiles.CA, authority.certificate, owner, public),
        Made(chainfiles.CA_KEY, authority.key),
        Made(chainfiles.CERTIFICATE, server.certificate, owner, public),
        Made(chainfiles.KEY, server.key, owner),
    ]


# --- writing it -----------------------------------------------------------------------


def written(folder: Path, made: Sequence[Made], renewed: Sequence[Made]) -> list[Path]:
    """Creates what is not there yet, and replaces what is to be; what it wrote.

    Raises:
        OSError: Something cannot be written; what was created is gone again.
    """
    for name, mode in FOLDERS:
        (folder / name).mkdir(mode=mode, parents=True, exist_ok=True)
    created: list[Path] = []
    try:
        for one in made:
            if one.data and not (folder / one.path).exists():
                files.create(folder / one.path, one.data, one.mode)
                created.append(one.path)
                _give(folder / one.path, one.owner)
    except OSError:
        for path in created:
            (folder / path).unlink()
        raise
    for one in renewed:
        files.replace(folder / one.path, one.data)
        created.append(one.path)
    return created


def _give(path: Path, owner: int) -> None:
    """The file belongs to whoever reads it in a container; only root can do that."""
    if os.geteuid() == 0:
        os.chown(path, owner, owner)
