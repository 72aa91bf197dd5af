"""`python -m agents` as an operator sees it: exit status, lines on standard error."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from agents.run import _failed
from agents.settings_model import SettingsError
from bus.interface import BusUp, Subscription
from bus.link import open_link
from bus.messages.presence import Status
from bus.topics import PRESENCE
from bus.wire import Broker
from tests.bus.hearing import PATIENCE_S, message, sign

ROOT: Final = Path(__file__).parents[2]
RECORD: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO [\w.]+: .+")
NO_BROKER: Final = {"VPNCHAIN_BROKER_HOST": "127.0.0.1", "VPNCHAIN_BROKER_PORT": "1"}
LOADED: Final = """
import sys
from pathlib import Path
from agents.run import load_agent
load_agent(sys.argv[1])
print(*sys.modules, sep="\\n")
"""


def environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "VPNCHAIN" not in name}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def run(
    folder: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agents", *words],
        cwd=folder,
        env=environment(variables),
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_S,
    )


def misset(folder: Path, *words: str, **variables: str) -> str:
    """The one line that an agent says before it ends with status 2."""
    done = run(folder, *words, **variables)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not done.stdout
    return done.stderr.rstrip()


def test_an_exit_must_be_named(tmp_path: Path) -> None:
    line = misset(tmp_path, "exit")
    assert line == "arguments: --name: got '', wanted a name of [a-z0-9-]"


def test_a_name_is_an_id(tmp_path: Path) -> None:
    assert "got 'Exit A'" in misset(tmp_path, "exit", VPNCHAIN_NAME="Exit A")


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text("[network]\nbridge = '172.20.0.0/33'\n")
    line = misset(tmp_path, "coordinator", "--settings", str(file))
    assert line.startswith(
        f"{file}: network.bridge: got '172.20.0.0/33', wanted an IPv4"
    )


def test_the_usual_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "config" / "vpnchain.toml"
    file.parent.mkdir()
    file.write_text("[brokr]\n")
    line = misset(tmp_path, "coordinator")
    assert line.startswith("config/vpnchain.toml: brokr: got an unknown key")


def test_a_missing_secret_is_one_line(tmp_path: Path) -> None:
    line = misset(
        tmp_path, "exit", "--name", "exit-a", VPNCHAIN_EXIT_SECRETS=str(tmp_path)
    )
    assert line.startswith(f"{tmp_path}/vpn_server_ip: vpn_server_ip: got no such file")


@pytest.mark.parametrize("psk", ["s3cr3t!PSK with spaces", "plainpskwithoutdot"])
def test_a_psk_in_the_file_of_the_server_is_refused_and_said_nowhere(
    tmp_path: Path, psk: str
) -> None:
    (tmp_path / "vpn_server_ip").write_text(f"{psk}\n")
    line = misset(
        tmp_path, "exit", "--name", "exit-a", VPNCHAIN_EXIT_SECRETS=str(tmp_path)
    )
    assert "vpn_server_ip: got something else, wanted a name with a dot" in line
    assert psk not in line


def test_secrets_come_onto_no_disk(tmp_path: Path) -> None:
    for name in ("vpn_ipsec_psk", "vpn_username", "vpn_password"):
        (tmp_path / name).write_text("hush")
    (tmp_path / "vpn_server_ip").write_text("vpn.example.net")
    line = misset(
        *(tmp_path, "exit", "--name", "exit-a"),
        VPNCHAIN_EXIT_SECRETS=str(tmp_path),
        VPNCHAIN_EXIT_RUN_DIR="/proc/vpnchain",
    )
    assert line == "/proc/vpnchain: exit.run_dir: got proc, wanted a tmpfs"


def test_a_missing_broker_password_is_one_line(tmp_path: Path) -> None:
    file = str(tmp_path / "password")
    line = misset(tmp_path, "coordinator", VPNCHAIN_BROKER_PASSWORD_FILE=file)
    assert line.startswith(f"{file}: password: got no such file or directory")


def test_a_setting_that_shows_wrong_while_opening_is_one_line_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = SettingsError("network", "network.bridge", "no device", "one inside it")
    group = ExceptionGroup("link", [ExceptionGroup("jobs", [OSError(1), wrong])])
    assert _failed(group) == 2
    assert capsys.readouterr().err == f"{wrong}\n"


@pytest.mark.parametrize("role", ["dashboard", "metrics"])
def test_a_port_that_another_has_is_said_in_the_last_line(
    role: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        variables = {**NO_BROKER, f"VPNCHAIN_{role.upper()}_PORT": str(port)}
        done = run(tmp_path, role, **variables)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"network: {role}.port: got {port} at 127.0.0.1 (address already in use), "
        "wanted one that is free"
    )
    assert "Traceback" not in done.stderr


def test_an_address_that_is_not_ours_is_said_too(tmp_path: Path) -> None:
    variables = {**NO_BROKER, "VPNCHAIN_METRICS_ADDRESS": "192.0.2.1"}
    done = run(tmp_path, "metrics", **variables)
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("network: metrics.address: got 192.0.2.1 (")
    assert last.endswith("), wanted one of this machine")


def test_no_role_but_those_that_there_are_is_known(tmp_path: Path) -> None:
    done = run(tmp_path, "sidecar")
    assert done.returncode == 2
    assert "invalid choice: 'sidecar'" in done.stderr


@pytest.mark.parametrize("role", ["exit", "entry", "coordinator"])
def test_an_agent_loads_no_other(tmp_path: Path, role: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, role],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        check=True,
        text=True,
        timeout=PATIENCE_S,
    )
    loaded = done.stdout.split()
    assert f"agents.{role}.agent" in loaded
    for other in {"exit", "entry", "coordinator"} - {role}:
        assert f"agents.{other}" not in loaded
    foreign = {"exit": "click", "entry": "vici", "coordinator": "pyroute2"}
    assert foreign[role] not in loaded


@pytest.mark.broker
async def test_a_coordinator_comes_and_goes_in_good_order(
    broker: Broker, tmp_path: Path
) -> None:
    watched = Subscription(PRESENCE, {"agent": "coordinator"})
    variables = {
        "VPNCHAIN_BROKER_HOST": broker.host,
        "VPNCHAIN_BROKER_PORT": str(broker.port),
        "VPNCHAIN_BROKER_BASE": broker.base,
    }
    async with open_link("watcher", "", broker, [watched]) as bus:
        await sign(bus, BusUp)
        agent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agents", "coordinator"),
            cwd=tmp_path,
            env=environment(variables),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            came = (await message(bus, PRESENCE)).payload
            assert (came.status, came.role) == (Status.ONLINE, "coordinator")
            agent.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE_S):
                _, said = await agent.communicate()
        finally:
            if agent.returncode is None:
                agent.kill()
                await agent.wait()
        assert agent.returncode == 0, said.decode()
        assert (await message(bus, PRESENCE)).payload.status is Status.STOPPED
        for line in said.decode().splitlines():
            assert RECORD.fullmatch(line), line
