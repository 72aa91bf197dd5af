"""`vpnchain init`: files that agents and a real broker take."""

import json
import os
import re
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from agents.entry.wgconf import parse
from agents.settings import broker_of, load, read_secret
from bus.acl import Role
from bus.link import open_link
from bus.wire import Broker
from cli import chainfiles
from cli.__main__ import main
from cli.init import TLS_HOSTS
from cli.listen import present, reached
from tests.mosquitto import Mosquitto

PROVIDER: Final = {
    "vpn_server_ip": "vpn.example.net",
    "vpn_ipsec_psk": "a key = shared",
    "vpn_username": "joe",
    "vpn_password": "pass wörd",
}
ENVIRONMENT: Final = {key.upper(): value for key, value in PROVIDER.items()}
VALUES: Final = "".join(f'{key} = "{value}"\n' for key, value in PROVIDER.items())
ROOT: Final = os.geteuid() == 0


def init(folder: Path, *arguments: str, given: str = "", **env: str) -> Result:
    words = ["init", "--folder", str(folder), *arguments]
    return CliRunner(env=env).invoke(main, words, input=given)


def made(folder: Path, *arguments: str) -> Path:
    result = init(folder, "--endpoint", "192.0.2.1", *arguments, **ENVIRONMENT)
    assert result.exit_code == 0, result.output
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_everything_that_compose_mounts_is_made(tmp_path: Path) -> None:
    made(tmp_path)

    for key, value in PROVIDER.items():
        assert read_secret(tmp_path / f"secrets/{key}.txt").reveal() == value
    settings = load(tmp_path / chainfiles.SETTINGS, {})
    assert settings.coordinator.exits == ("exit-a",)
    assert settings.entry.endpoint == "192.0.2.1"
    text = (tmp_path / chainfiles.WG_CONF).read_text()
    assert parse(text, "wg0.conf", settings.network.clients).addresses == (
        "10.13.13.1/24",
    )


@pytest.mark.parametrize(
    ("options", "by_hand"),
    [
        ((), []),
        (
            ("--exit", "exit-a", "--exit", "exit-b", "--values", "-"),
            [".env beside compose.yaml: COMPOSE_PROFILES=exit-b"],
        ),
        (
            ("--tls",),
            [".env beside compose.yaml: COMPOSE_FILE=compose.yaml:compose.tls.yaml"],
        ),
    ],
)
def test_the_command_that_comes_next_starts_all_that_was_made(
    tmp_path: Path, options: tuple[str, ...], by_hand: list[str]
) -> None:
    given = f"[exit-a]\n{VALUES}[exit-b]\n{VALUES}"
    words = ("--endpoint", "192.0.2.1", *options)
    said = init(tmp_path, *words, given=given, **ENVIRONMENT)
    told = init(tmp_path, "--json")

    assert said.exit_code == 0, said.output
    assert "  docker compose up -d --build\n" in said.output
    assert ("First, by hand" in said.output) == bool(by_hand)
    assert all(f"  {one}\n" in said.output for one in by_hand)
    assert json.loads(told.output)["todo"] == by_hand


def test_nobody_else_reads_what_is_secret(tmp_path: Path) -> None:
    made(tmp_path, "--tls")

    public = {
        "config/vpnchain.toml",
        "config/broker/ca.crt",
        "config/broker/broker.crt",
    }
    for name in files(tmp_path):
        mode = stat.S_IMODE((tmp_path / name).stat().st_mode)
        assert mode == (0o644 if name in public else 0o600), name
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_files_belong_to_whoever_reads_them_in_a_container(tmp_path: Path) -> None:
    made(tmp_path)

    owners = {name: (tmp_path / name).stat().st_uid for name in files(tmp_path)}
    assert owners["secrets/vpn_ipsec_psk.txt"] == 0
    assert owners["secrets/broker_exit-a.txt"] == 0
    assert owners["secrets/broker_coordinator.txt"] == 10001
    assert owners["config/broker/agents.passwords"] == 10001
    assert owners["config/wg0.conf"] == 0


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    before = files(made(tmp_path, "--tls"))

    result = init(tmp_path, "--json")

    assert files(tmp_path) == before
    told = json.loads(result.output)
    assert told["created"] == []
    assert set(told["kept"]) == set(before)


def test_what_is_missing_is_made_beside_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/wg0.conf").write_text("# mine\n")

    made(tmp_path)

    assert (tmp_path / "config/wg0.conf").read_text() == "# mine\n"
    assert (tmp_path / "secrets/vpn_password.txt").exists()


def test_values_come_from_a_file_or_stdin(tmp_path: Path) -> None:
    given = f"[exit-a]\n{VALUES}[exit-b]\n{VALUES.replace('joe', 'ann')}"
    both = ("--exit", "exit-a", "--exit", "exit-b", "--values", "-")

    result = init(tmp_path, *both, given=given)

    assert result.exit_code == 0, result.output
    assert read_secret(tmp_path / "secrets/vpn_username.txt").reveal() == "joe"
    assert read_secret(tmp_path / "secrets/exit-b_vpn_username.txt").reveal() == "ann"


def test_values_come_from_options_and_secrets_from_files(tmp_path: Path) -> None:
    for name in ("psk", "password"):
        (tmp_path / name).write_text(f"the {name}\n")
    (tmp_path / "chain").mkdir()

    result = init(
        tmp_path / "chain",
        *("--exit", "exit-b", "--server", "exit-b=192.0.2.7", "--username", "joe"),
        *("--psk-file", str(tmp_path / "psk")),
        *("--password-file", f"exit-b={tmp_path / 'password'}"),
    )

    assert result.exit_code == 0, result.output
    secrets = tmp_path / "chain/secrets"
    assert read_secret(secrets / "exit-b_vpn_server_ip.txt").reveal() == "192.0.2.7"
    assert read_secret(secrets / "exit-b_vpn_ipsec_psk.txt").reveal() == "the psk"
    assert read_secret(secrets / "exit-b_vpn_password.txt").reveal() == "the password"


def test_a_person_is_asked_until_it_fits_and_secrets_are_not_shown(
    tmp_path: Path,
) -> None:
    answers = "vpn.example.org\nnoserver\nvpn.example.net\nthe psk\njoe\nhunter2\n"

    result = init(tmp_path, "--ask", given=answers)

    assert result.exit_code == 0, result.output
    assert "Error: exit-a: vpn_server_ip" in result.output
    assert "the psk" not in result.output
    assert "hunter2" not in result.output
    assert read_secret(tmp_path / "secrets/vpn_ipsec_psk.txt").reveal() == "the psk"


@pytest.mark.parametrize(
    ("arguments", "given", "why"),
    [
        ((), "", "not known: exit-a: vpn_server_ip, exit-a: vpn_ipsec_psk"),
        (("--server", "noserver"), "", "wanted a name with a dot"),
        (("--psk-file", "/nowhere"), "", "reading /nowhere: no such file"),
        (("--values", "-"), "[exit-z]", "exit-z: no table of exit-a"),
        (("--values", "-"), 'secret = "s3cret', "reading the values: no TOML"),
        (("--values", "-"), '[exit-a]\npsk = "s3cret"', "texts for vpn_server_ip"),
        (("--values", "-"), '[exit-a]\nvpn_password = "s3\\u0007"', "one line"),
        (("--endpoint", "a b"), "", "--endpoint"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_written(
    tmp_path: Path, arguments: tuple[str, ...], given: str, why: str
) -> None:
    result = init(tmp_path, "--no-ask", *arguments, given=given)

    assert result.exit_code == 2
    assert why in result.output
    assert "s3cret" not in result.output
    assert not list(tmp_path.iterdir())


def test_if_something_cannot_be_written_nothing_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/broker_entry.txt").symlink_to(tmp_path / "nowhere")

    result = init(tmp_path, **ENVIRONMENT)

    assert result.exit_code == 1
    assert "broker_entry.txt: file exists" in result.output
    assert files(tmp_path) == {}


def test_a_chain_without_tls_gets_none_by_half(tmp_path: Path) -> None:
    before = files(made(tmp_path))

    result = init(tmp_path, "--tls")

    assert result.exit_code == 2
    assert "made without it already" in result.output
    assert files(tmp_path) == before


def test_a_chain_gets_tls_later_by_the_way_that_the_page_tells(tmp_path: Path) -> None:
    made(tmp_path)
    settings = tmp_path / chainfiles.SETTINGS
    with_tls = '[broker]\ntls_ca = "config/broker/ca.crt"\n'
    settings.write_text(f"{settings.read_text()}{with_tls}")
    conf = tmp_path / "config/broker/mosquitto.conf"
    conf.rename(f"{conf}.old")

    result = init(tmp_path, "--tls")

    assert result.exit_code == 0, result.output
    assert "certfile /etc/vpnchain/broker.crt" in conf.read_text()
    assert (tmp_path / chainfiles.CA).exists()


def test_a_variable_that_does_not_fit_is_told_before_anything_is_written(
    tmp_path: Path,
) -> None:
    env = {**ENVIRONMENT, "VPNCHAIN_ENTRY_PROBE": "foo"}

    result = init(tmp_path, "--endpoint", "192.0.2.1", **env)

    assert result.exit_code == 2
    assert result.output.startswith("environment: VPNCHAIN_ENTRY_PROBE: got 'foo'")
    assert result.output.count("\n") == 1
    assert not list(tmp_path.iterdir())


# --- a real broker takes them ---------------------------------------------------------


@contextmanager
def running(folder: Path, scratch: Path) -> Iterator[tuple[int, int]]:
    """The broker by the files of `init`, on free ports: the agents', people's."""
    scratch.mkdir()
    other = Mosquitto(scratch)  # for its free port
    people = Mosquitto(scratch)
    text = (folder / "config/broker/mosquitto.conf").read_text()
    text = text.replace("/etc/vpnchain", str(folder / "config/broker"))
    text = re.sub("^user .*$", "user root", text, flags=re.MULTILINE)
    text = text.replace("listener 1883 0.0.0.0", f"listener {other.port} 127.0.0.1")
    text = text.replace("listener 1884 0.0.0.0", f"listener {people.port} 127.0.0.1")
    (scratch / "mosquitto.conf").write_text(
        f"{text}\nlog_dest file {scratch}/mosquitto.log\n"
    )
    people.start()
    try:
        yield other.port, people.port
    finally:
        people.stop()


def broker(folder: Path, user: str, port: int) -> Broker:
    """How this user finds the broker, by the settings and the secret of `init`."""
    settings = load(folder / chainfiles.SETTINGS, {}).broker
    ca = str(folder / settings.tls_ca) if settings.tls_ca else ""
    password_file = str(folder / chainfiles.broker_secret(user))
    known = replace(settings, password_file=password_file, tls_ca=ca, host="127.0.0.1")
    return replace(broker_of(known, user), port=port)


@pytest.mark.broker
@pytest.mark.parametrize("tls", [(), ("--tls",)])
async def test_the_broker_lets_everybody_in_by_the_right_door(
    tmp_path: Path, tls: tuple[str, ...]
) -> None:
    chain = made(tmp_path / "chain", *tls)

    with running(chain, tmp_path / "broker") as (agents_port, people_port):
        for user in chainfiles.agents_of(("exit-a",)):
            known = broker(chain, user.name, agents_port)
            role = user.role if user.role is not Role.WATCHER else ""
            async with open_link(user.name, role, known, ()) as bus:
                assert await reached(bus), user
        for person in ("operator", "home"):
            assert await present(broker(chain, person, people_port)) is not None


@pytest.mark.broker
async def test_nobody_comes_in_with_another_password(tmp_path: Path) -> None:
    chain = made(tmp_path / "chain")

    with running(chain, tmp_path / "broker") as (_, people_port):
        known = replace(broker(chain, "entry", people_port), username="operator")
        assert await present(known) is None


@pytest.mark.broker
def test_the_certificate_is_good_by_its_own_authority_alone(tmp_path: Path) -> None:
    chain, other = made(tmp_path / "a", "--tls"), made(tmp_path / "b", "--tls")

    def greet(authority: Path, port: int) -> str | None:
        context = ssl.create_default_context(cafile=authority / chainfiles.CA)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="broker") as secure,
        ):
            return secure.version()

    with running(chain, tmp_path / "broker") as (agents_port, _):
        assert greet(chain, agents_port) in ("TLSv1.2", "TLSv1.3")
        with pytest.raises(ssl.SSLCertVerificationError):
            greet(other, agents_port)


def test_the_certificate_names_the_brokers_container() -> None:
    assert TLS_HOSTS[0] == load(None, {}).broker.host
