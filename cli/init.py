"""`vpnchain init`: everything that compose.yaml mounts, made once.

The one rule: what is there stays as it is. All is found out before anything is written,
and if something cannot be written, nothing stays behind.
"""

import os
import secrets
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from agents import files
from agents.settings import check, load, read_secret
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
from cli.init_report import by_hand, next_steps, report
from cli.options import DONE, MISUSED, NO, ExitName, fail, json_option, tell
from cli.wgkeys import new_pair
from cli.writing import written

PASSWORD_BYTES: Final = 24
TLS_HOSTS: Final = ("broker", "localhost", "127.0.0.1", "::1")

VALUE: Final = "[EXIT=]VALUE"
FILE: Final = "[EXIT=]FILE"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line.

    Attributes:
        exits: In the end all that there shall be, best first.
        named: Those of the command line; the first is meant where a value names none.
    """

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
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What there shall be.

    Attributes:
        settings: As agents will read them.
        exits: All that there are; whom the settings do not know yet comes last.
        made: All files.
        renewed: Those among them that are to be replaced.
    """

    settings: Settings
    exits: tuple[str, ...]
    made: Sequence[Made]
    renewed: Sequence[Made]


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
        plan = planned(folder, wanted, os.environ)
        created = written(folder, plan.made, plan.renewed)
    except (AnswerError, SettingsError) as error:
        fail(str(error), MISUSED)
    except OSError as error:
        why = (error.strerror or "").lower()
        fail(f"writing {error.filename2 or error.filename}: {why}", NO)
    kept = [one.path for one in plan.made if one.path not in created]
    todo = by_hand(plan.settings, plan.exits, renewed=bool(plan.renewed))
    if as_json:
        paths = {"created": created, "kept": kept}
        told = {key: [str(path) for path in found] for key, found in paths.items()}
        tell({**told, "todo": todo})
    else:
        report(created, kept, folder)
        click.echo(next_steps(todo))
    sys.exit(DONE)


# --- what there shall be --------------------------------------------------------------


def planned(folder: Path, wanted: Wanted, env: Mapping[str, str]) -> Plan:
    """All files, and those that are to be replaced; nothing is written yet.

    Raises:
        AnswerError: Something is not known, or does not fit.
        SettingsError: A file that is there does not fit, or the environment does not.
    """
    wanted, present = _resolved(folder, wanted, env)
    settings = chainfiles.settings(wanted.exits, wanted.endpoint, tls=wanted.tls)
    if present is None:  # the environment may spoil them
        data = tomllib.loads(settings.data.decode())
        present = check(data, env, file=str(settings.path))
    made = [
        settings,
        chainfiles.wg_conf(
            new_pair().private, present.network.clients, chainfiles.WG_PORT
        ),
        *_exit_secrets(folder, wanted, env),
        chainfiles.secret_file(chainfiles.DASHBOARD_TOKEN, _password(), Role.DASHBOARD),
    ]
    topics = Discovery(present.homeassistant.prefix, present.broker.base)
    broker, renewed = _broker(folder, wanted, topics)
    return Plan(present, wanted.exits, made + broker, renewed)


def _resolved(
    folder: Path, wanted: Wanted, env: Mapping[str, str]
) -> tuple[Wanted, Settings | None]:
    """What is wanted with what was not said; the settings if there are any.

    An exit that is there is wanted: who names but a new one does not mean to lose it.
    """
    there, known = folder / chainfiles.SETTINGS, chainfiles.known_exits(folder)
    named = wanted.exits
    if there.exists():
        present = load(there, env)
        exits = _once(*present.coordinator.exits, *known, *named)
        tls = bool(present.broker.tls_ca)
        if wanted.tls and not tls:
            how = "docs/containers.md says how to change that"
            raise AnswerError(f"--tls: made without it already; {how}")
        whole = replace(wanted, exits=exits, named=named, endpoint="", tls=tls)
        return whole, present
    exits, endpoint = _once(*named, *known) or (chainfiles.FIRST,), wanted.endpoint
    if not endpoint and wanted.ask:
        endpoint = click.prompt("where clients reach this host from outside", err=True)
    if endpoint and not ENDPOINT.fullmatch(endpoint):
        raise AnswerError("--endpoint: wanted a name or address, with :port if need be")
    return replace(wanted, exits=exits, named=named, endpoint=endpoint), None


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


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
    exits = _once(*wanted.named, *wanted.exits)
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
