"""What a container may do, and what it may see."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from agents.containers.engine import LABEL
from tests.containers.bus import Ear, until
from tests.containers.images import ROOT
from tests.containers.project import (
    PASSWORD,
    PROFILES,
    PSK,
    SERVICES,
    TOOL,
    UNPRIVILEGED,
    Project,
)

pytestmark = pytest.mark.container

NET_BIND_SERVICE: Final = 1 << 10
NET_ADMIN: Final = 1 << 12
NET_RAW: Final = 1 << 13
ENTRY: Final = "wireguard-entry"
EXIT: Final = "l2tp-ipsec-exit"
PAGE: Final = ROOT / "docs/containers.md"
# Of its table; who has no container's name runs for as long as it is asked something.
ROW: Final = re.compile(r"^\| [^|]+ \| `([\w-]+)` \| (\w+) \| ([^|]+) \|", re.MULTILINE)
OBSERVERS: Final = ("vpnchain-metrics", "vpnchain-homeassistant")
NAMES: Final = (
    *(ENTRY, EXIT, "l2tp-ipsec-exit-b", "vpnchain-coordinator", "vpnchain-broker"),
    *("vpnchain-containers", "vpnchain-socket-proxy", "vpnchain-dashboard"),
    *OBSERVERS,
)
MAY: Final = {
    ENTRY: (0, NET_ADMIN | NET_RAW),
    EXIT: (0, NET_ADMIN | NET_RAW | NET_BIND_SERVICE),
    "vpnchain-socket-proxy": (0, 0),
}
TRY: Final = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)
except OSError as error:
    print(type(error).__name__)
else:
    print("open")
"""


def status(chain: Project, name: str) -> dict[str, str]:
    """What the kernel says of the container's own program (that of init's child)."""
    pid = chain.inspect(name)["State"]["Pid"]
    text = Path(f"/proc/{chain.docker.outside(pid)}/status").read_text()
    lines = (line.partition(":") for line in text.splitlines())
    return {key: value.strip() for key, _, value in lines}


@pytest.mark.parametrize("name", NAMES)
def test_it_can_do_what_it_needs_and_no_more(chain: Project, name: str) -> None:
    uid, capabilities = MAY.get(name.removesuffix("-b"), (UNPRIVILEGED, 0))
    found = status(chain, name)
    assert int(found["CapBnd"], 16) == capabilities
    assert found["Uid"].split() == [str(uid)] * 4
    assert found["NoNewPrivs"] == "1"
    assert found["Seccomp"] == "2"


@pytest.mark.parametrize("name", NAMES)
def test_its_files_cannot_be_changed(chain: Project, name: str) -> None:
    found = chain.inspect(name)["HostConfig"]
    assert found["ReadonlyRootfs"]
    assert not found["Privileged"]
    said = chain.docker("exec", name, "sh", "-c", "echo > /trial", check=False)
    assert "Read-only file system" in said


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_again_logs_with_measure_and_has_limits(
    chain: Project, name: str
) -> None:
    found = chain.inspect(name)["HostConfig"]
    assert found["RestartPolicy"]["Name"] == "unless-stopped"
    assert found["LogConfig"]["Config"] == {"max-size": "5m", "max-file": "3"}
    assert 0 < found["Memory"] <= 96 * 2**20
    assert found["PidsLimit"] > 0
    assert found["NanoCpus"] > 0


def test_all_together_stay_below_512_mib_and_each_observer_takes_56_more(
    chain: Project,
) -> None:
    memory = {name: chain.inspect(name)["HostConfig"]["Memory"] for name in NAMES}
    more = [memory.pop(name) for name in OBSERVERS]
    assert sum(memory.values()) < 512 * 2**20
    assert more == [56 * 2**20] * len(OBSERVERS)


def test_no_secret_is_in_what_docker_tells(chain: Project) -> None:
    told = chain.docker("inspect", *NAMES) + chain.compose("config")
    for name in NAMES:
        told += chain.docker("logs", name)
    for target in ("exit", "entry", "coordinator"):
        told += chain.docker("history", "--no-trunc", f"vpnchain-{target}")
    broker = [chain.secret(f"broker_{user}") for user in ("entry", "coordinator")]
    assert not [secret for secret in (PSK, PASSWORD, *broker) if secret in told]


def test_an_exit_sees_its_own_secrets_only(chain: Project) -> None:
    seen = chain.docker("exec", EXIT, "ls", "/run/secrets").split()
    account = ["vpn_ipsec_psk", "vpn_password", "vpn_server_ip", "vpn_username"]
    assert seen == ["broker_password", *account]
    assert not chain.docker("exec", EXIT, "ls", "config").replace("vpnchain.toml\n", "")


def test_one_port_is_open_to_the_world_and_two_to_this_machine(chain: Project) -> None:
    bound = {name: chain.inspect(name)["HostConfig"]["PortBindings"] for name in NAMES}
    assert {name: sorted(ports) for name, ports in bound.items() if ports} == {
        ENTRY: ["51820/udp"],
        "vpnchain-dashboard": ["8080/tcp"],
        "vpnchain-metrics": ["9273/tcp"],
    }
    here = (("vpnchain-dashboard", "8080/tcp"), ("vpnchain-metrics", "9273/tcp"))
    for name, port in here:
        assert [one["HostIp"] for one in bound[name][port]] == ["127.0.0.1"]


def test_only_the_proxy_sees_dockers_socket(chain: Project) -> None:
    seen = [name for name in NAMES if "docker.sock" in json.dumps(mounts(chain, name))]
    assert seen == ["vpnchain-socket-proxy"]


def mounts(chain: Project, name: str) -> object:
    return chain.inspect(name)["Mounts"]


def tried(chain: Project, network: str, address: str, port: int) -> str:
    """What becomes of a connection from a container that is on this network alone."""
    return chain.docker(
        *("run", "--rm", "--network", network, "--entrypoint", "python3"),
        *("vpnchain-coordinator", "-c", TRY, address, str(port)),
    ).strip()


def test_the_bus_cannot_be_reached_from_the_data_network(chain: Project) -> None:
    address = Ear(chain).address
    assert tried(chain, "vpn-bus", address, 1883) == "open"  # the trial is one
    assert tried(chain, "vpn-network", address, 1883) in ("TimeoutError", "OSError")


@pytest.fixture
def outside(chain: Project) -> Iterator[str]:
    """The address of a server on the data network, at port 8000."""
    chain.docker(
        *("run", "-d", "--rm", "--name", "outside", "--network", "vpn-network"),
        *("--entrypoint", "python3", "vpnchain-coordinator", "-m", "http.server"),
    )
    networks = chain.inspect("outside")["NetworkSettings"]["Networks"]
    yield networks["vpn-network"]["IPAddress"]
    chain.docker("kill", "outside")


def test_the_bus_has_no_way_out(chain: Project, outside: str) -> None:
    until(lambda: tried(chain, "vpn-network", outside, 8000) == "open", "it serves")
    assert tried(chain, "vpn-bus", outside, 8000) in ("TimeoutError", "OSError")


def test_the_broker_lets_no_stranger_in(chain: Project) -> None:
    ear = Ear(chain)
    assert ear.refuses()
    assert ear.refuses("-u", "entry", "-P", "guessed")
    wrong_door = ("-p", "1884", "-u", "entry", "-P", chain.secret("broker_entry"))
    assert ear.refuses(*wrong_door)


def table() -> Iterator[tuple[str, tuple[str, set[str]]]]:
    """What the page says of each container: its user's number, its capabilities."""
    may: set[str] = set()
    for name, user, words in ROW.findall(PAGE.read_text()):
        if words != "the same":
            may = set(re.findall(r"`(\w+)`", words))
            assert may or words == "nothing", words
        yield name, ("0" if user == "root" else user, may)


def test_every_service_of_the_file_is_looked_at(chain: Project) -> None:
    """A profile that nobody names here would hide its services from all of Compose."""
    assert set(chain.compose("config", "--profiles").split()) == {*PROFILES}
    named = chain.compose("config", "--services").split()
    assert sorted(named) == sorted((*SERVICES, TOOL))
    seen = chain.compose("ps", "--format", "{{.Name}}").split()
    assert sorted(seen) == sorted(NAMES)


def test_the_page_s_table_says_of_each_who_it_is_and_what_it_may(
    chain: Project,
) -> None:
    rows = dict(table())
    assert sorted(rows) == sorted(NAMES)
    for name, (user, may) in rows.items():
        found = chain.inspect(name)["HostConfig"]["CapAdd"] or ()
        assert {one.removeprefix("CAP_") for one in found} == may
        assert status(chain, name)["Uid"].split()[0] == user


def test_who_is_no_agent_is_not_told_of_by_the_containers_agent(chain: Project) -> None:
    labels = {name: chain.inspect(name)["Config"]["Labels"] for name in NAMES}
    others = [name for name, found in labels.items() if LABEL not in found]
    assert others == ["vpnchain-broker", "vpnchain-socket-proxy"]


def test_the_labs_internet_serves_without_any_right(chain: Project) -> None:
    confined = ("--rm", "--network", "none", "--cap-drop", "ALL")
    for_a_moment = ("--entrypoint", "timeout", "vpnchain-provider", "2")
    serve = ("python3", "-m", "lab.internet")
    said = chain.docker("run", *confined, *for_a_moment, *serve, check=False)
    assert said.startswith("ready"), said
