"""`vpnchain doctor` from one end to the other."""

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from cli.__main__ import main
from cli.doctor.finding import State
from cli.doctor.kernel import is_contained
from tests.agents.netns import inside, namespace
from tests.cli.test_init import made

CHECKS: Final = {
    *("ppp", "l2tp", "esp", "tun", "wireguard", "module blacklists", "forwarding"),
    "charon capability",
    *("udp 51820", "udp 500", "udp 4500", "udp 1701"),
    *("wg0.conf", "exit-a secrets", "clock"),
    *("exit-a server", "exit-a route", "exit-a ike", "exit-a proposals", "exit-a mtu"),
    *("broker", "broker rights"),
}


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A chain whose server is an address that nobody has, and no broker."""
    folder = made(tmp_path / "chain")
    (folder / "secrets/vpn_server_ip.txt").write_text("192.0.2.7\n")
    settings = folder / "config/vpnchain.toml"
    wg_conf = f'wg_conf = "{folder}/config/wg0.conf"\n'
    settings.write_text(f"{settings.read_text()}{wg_conf}")
    return folder


@pytest.mark.kernel
def test_all_is_looked_at_and_what_is_wrong_decides(chain: Path) -> None:
    where = ("--folder", str(chain), "--settings", f"{chain}/config/vpnchain.toml")
    words = ["doctor", *where, "--host", "127.0.0.1", "--port", "1"]

    with namespace("doctor") as name, inside(name):
        told = CliRunner().invoke(main, [*words, "--json"])
        shown = CliRunner().invoke(main, words)

    record, here = json.loads(told.output), is_contained()
    found = {one["check"]: one for one in record["findings"]}
    assert (told.exit_code, record["ok"]) == (1, False)
    assert set(found) == CHECKS
    assert found["exit-a secrets"]["state"] == State.OK
    assert found["exit-a ike"]["state"] == (State.UNKNOWN if here else State.WRONG)
    assert here == (found["udp 500"]["state"] == State.UNKNOWN)
    assert found["broker"]["state"] == State.WRONG
    assert all(one["todo"] for one in found.values() if one["state"] == State.WRONG)
    assert shown.exit_code == 1
    assert "exit-a ike           " in shown.output
    assert "no answer on UDP 500\n" in shown.output
    assert "wrong    broker               127.0.0.1:1 does not let" in shown.output
    assert " -> start it; see [broker] of the settings" in shown.output


def test_settings_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text("[exit]\nmtu_bytes = 1\n")

    result = CliRunner().invoke(main, ["doctor", "--settings", str(file)])

    assert result.exit_code == 2
    assert result.output == f"{file}: exit.mtu_bytes: got 1, wanted 576..1500\n"


def test_a_password_that_is_not_there_is_a_finding(chain: Path) -> None:
    where = ("--folder", str(chain), "--settings", f"{chain}/config/vpnchain.toml")
    env = {"VPNCHAIN_BROKER_PASSWORD_FILE": f"{chain}/nowhere"}
    (chain / "secrets/vpn_server_ip.txt").unlink()  # so that nobody is asked

    result = CliRunner(env=env).invoke(main, ["doctor", "--json", *where])

    (found,) = [
        one for one in json.loads(result.output)["findings"] if one["check"] == "broker"
    ]
    assert found["state"] == State.WRONG
    assert f"{chain}/nowhere" in found["what"]
    assert found["todo"] == "vpnchain init makes it"
