"""Settings, wg0.conf and secrets, as an operator may leave them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from agents.settings import load
from cli.__main__ import main
from cli.doctor.finding import Finding, State
from cli.doctor.papers import checks, exits_of, listen_port, server_of

GIVEN: Final = {
    "VPN_SERVER_IP": "192.0.2.7",
    "VPN_IPSEC_PSK": "the psk",
    "VPN_USERNAME": "joe",
    "VPN_PASSWORD": "the password",
}


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A chain as `init` makes it."""
    words = ["init", "--folder", str(tmp_path), "--endpoint", "192.0.2.1"]
    assert CliRunner(env=GIVEN).invoke(main, words).exit_code == 0
    settings = tmp_path / "config/vpnchain.toml"
    told = settings.read_text() + f'wg_conf = "{tmp_path}/config/wg0.conf"\n'
    settings.write_text(told)
    return tmp_path


def found(chain: Path) -> dict[str, Finding]:
    file = chain / "config/vpnchain.toml"
    exits = exits_of(chain, file, {})
    return {one.check: one for one in checks(load(file, {}), exits)}


def test_what_init_makes_is_well(chain: Path) -> None:
    told = found(chain)

    assert {one.state for one in told.values()} == {State.OK}
    assert set(told) == {"wg0.conf", "exit-a secrets"}


def secret(name: str) -> Callable[[Path], Path]:
    return lambda chain: chain / "secrets" / f"{name}.txt"


def wg_conf(chain: Path) -> Path:
    return chain / "config/wg0.conf"


BROKEN: Final[dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]]] = {
    "no such file": (secret("vpn_password"), lambda file: file.unlink()),
    "got nothing": (secret("vpn_username"), lambda file: file.write_text("\n")),
    "still the example": (
        secret("vpn_ipsec_psk"),
        lambda file: file.write_text("the provider's pre-shared key\n"),
    ),
    "holds no server": (
        secret("vpn_server_ip"),
        lambda file: file.write_text("the psk\n"),
    ),
    "others than its owner may read": (
        secret("vpn_password"),
        lambda file: file.chmod(0o644),
    ),
    "PrivateKey: got nothing": (wg_conf, lambda file: file.write_text("[Interface]\n")),
    "wg0.conf: file: got no such file": (wg_conf, lambda file: file.unlink()),
    "others than its owner may read it": (wg_conf, lambda file: file.chmod(0o640)),
    "other bytes": (wg_conf, lambda file: file.write_bytes(b"\xff")),
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_is_broken_is_told_with_what_to_do(chain: Path, why: str) -> None:
    place, breaks = BROKEN[why]
    breaks(place(chain))

    (bad,) = [one for one in found(chain).values() if one.state is not State.OK]
    assert bad.state is State.WRONG
    assert why in bad.what
    assert bad.todo
    assert "the p" not in bad.what.replace("the example", "")


def test_clients_that_send_more_than_an_exit_carries_are_told(chain: Path) -> None:
    settings = chain / "config/vpnchain.toml"
    settings.write_text(settings.read_text() + "[exits.exit-a]\nmtu_bytes = 1300\n")

    told = found(chain)["wg0 mtu"]

    assert told.state is State.WARNING
    assert told.what == "clients send 1400, exit-a carries 1300"


def test_where_there_is_no_folder_the_agents_own_secrets_are_looked_at(
    tmp_path: Path,
) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(f'[exit]\nsecrets = "{tmp_path}/own"\n')

    exits = exits_of(tmp_path, file, {})

    assert [one.name for one in exits] == ["exit-a", "exit-b"]
    assert exits[0].files["vpn_password"] == tmp_path / "own/vpn_password"
    assert server_of(exits[0]) is None
    assert listen_port(load(file, {})) == 51820
