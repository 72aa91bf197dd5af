"""The chain in containers lives: health, orders, deaths, restarts."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import pytest

from agents.containers.engine import HEARD, LISTED
from bus.commands import Request
from bus.messages.exits import ExitReport, Stage
from bus.messages.presence import Presence, Status
from bus.topics import EXIT_STATE, PRESENCE, REQUEST
from tests.containers.bus import Ear, until
from tests.containers.project import Project

pytestmark = pytest.mark.container

COORDINATOR: Final = "vpnchain-coordinator"
ENTRY: Final = "wireguard-entry"
EXIT: Final = "l2tp-ipsec-exit"
# Runs charon as an exit does, and prints where it listens by then.
CHARON: Final = """
import os, subprocess, time
from pathlib import Path
from agents.exit.charon import PATHS
from agents.exit.ikeconf import daemon
conf, vici = Path("/run/trial.conf"), Path("/run/trial.vici")
conf.write_text(daemon(vici, fresh_ports=False))
(path,) = [path for path in PATHS if path.exists()]
charon = subprocess.Popen([path], env={**os.environ, "STRONGSWAN_CONF": str(conf)})
while charon.poll() is None and not vici.exists():
    time.sleep(0.02)
rows = [row.split() for row in open("/proc/net/udp").readlines()[1:]]
print("ports", *(int(row[1].partition(":")[2], 16) for row in rows))
charon.terminate()
charon.wait()
"""


def says(chain: Project, name: str) -> str:
    """How the agent in a container says that it is."""
    return chain.docker("exec", name, *HEALTH, check=False).strip()


HEALTH: Final = ("python3", "-m", "agents", "health")


def running(chain: Project, name: str) -> bool:
    return bool(chain.inspect(name)["State"]["Running"])


def started_at(chain: Project, name: str) -> str:
    return str(chain.inspect(name)["State"]["StartedAt"])


@pytest.mark.parametrize(
    "name", [COORDINATOR, "vpnchain-containers", "vpnchain-dashboard"]
)
def test_who_has_the_bus_is_healthy_and_docker_knows(chain: Project, name: str) -> None:
    until(lambda: says(chain, name) == "healthy", f"{name} is healthy")
    until(
        lambda: chain.inspect(name)["State"]["Health"]["Status"] == "healthy",
        f"Docker knows that {name} is healthy",
    )


def test_an_exit_without_a_tunnel_is_not_healthy_and_says_why(chain: Project) -> None:
    until(lambda: "no /dev/ppp" in says(chain, EXIT), "the exit says what it lacks")


def test_before_an_order_the_entry_refuses_everybody(chain: Project) -> None:
    until(lambda: says(chain, ENTRY) == "no order yet", "the entry waits")
    links = chain.docker("exec", ENTRY, "ip", "-o", "link")
    assert "wg0" not in links
    table = chain.docker("exec", ENTRY, "ip", "route", "show", "table", "200")
    assert "unreachable default" in table
    assert chain.docker("exec", ENTRY, "iptables", "-S", "FORWARD").startswith(
        "-P FORWARD DROP"
    )


def test_nothing_is_forwarded_before_the_agents_rules_stand(chain: Project) -> None:
    """What comes first in the container leaves the chain closed behind it."""
    for image in ("entry", "exit"):
        shown = chain.docker(
            *("run", "--rm", "--network", "none", "--cap-drop", "ALL"),
            *("--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW", "--entrypoint"),
            *("closed", f"vpnchain-{image}", "iptables", "-S"),
        )
        assert "-A FORWARD -j VPNCHAIN-FORWARD" in shown
        assert "-A VPNCHAIN-FORWARD -j DROP" in shown
        command = chain.inspect(f"{ENTRY if image == 'entry' else EXIT}")["Path"]
        assert command == "closed"


def test_charon_opens_its_sockets_with_what_an_exit_may(chain: Project) -> None:
    """It starts without them too, and says so at a level that nobody reads."""
    said = chain.docker("exec", EXIT, "python3", "-c", CHARON)
    (ports,) = (line for line in said.splitlines() if line.startswith("ports"))
    assert {"500", "4500"} <= set(ports.split())


@pytest.fixture
def ready_exit(chain: Project) -> Iterator[Ear]:
    """exit-a as it would be on the bus if it had a tunnel."""
    chain.compose("stop", "-t", "2", "l2tp-ipsec")
    ear = Ear(chain)
    boot = "by-hand"
    presence = Presence(status=Status.ONLINE, role="exit", boot=boot, seq=1)
    ear.say("exit-a", PRESENCE, presence, agent="exit-a")
    report = ExitReport(
        stage=Stage.READY, since=time.time(), address="172.20.1.9", boot=boot, seq=2
    )
    ear.say("exit-a", EXIT_STATE, report, exit="exit-a")
    yield ear
    gone = Presence(status=Status.STOPPED, role="exit", boot=boot, seq=3)
    ear.say("exit-a", PRESENCE, gone, agent="exit-a")
    chain.compose("start", "l2tp-ipsec")


def test_with_a_ready_exit_the_gate_opens_in_a_container_that_cannot_be_changed(
    chain: Project, ready_exit: Ear
) -> None:
    def opened() -> bool:
        return "wg0" in chain.docker("exec", ENTRY, "ip", "-o", "link")

    until(opened, "wg0 is there")
    assert ready_exit.state("coordinator/order")["gate"] == "open"
    shown = chain.docker("exec", ENTRY, "wg", "show", "wg0", "listen-port")
    assert shown.strip() == "51820"


def test_an_agent_that_crashes_is_started_again(chain: Project) -> None:
    before = started_at(chain, COORDINATOR)
    pid = chain.inspect(COORDINATOR)["State"]["Pid"]
    os.kill(chain.docker.outside(pid), signal.SIGKILL)
    until(lambda: started_at(chain, COORDINATOR) != before, "it was started again")
    until(lambda: says(chain, COORDINATOR) == "healthy", "it is healthy again")


def test_a_death_is_on_the_bus_with_its_code(chain: Project) -> None:
    ear = Ear(chain)
    chain.docker("kill", COORDINATOR)

    def told() -> bool:
        state = ear.state("container/coordinator/state")
        return (state.get("status"), state.get("exit_code")) == ("exited", 137)

    until(told, "the death is told")
    assert not running(chain, COORDINATOR)  # who kills on purpose means it
    chain.docker("start", COORDINATOR)


def test_a_wish_on_the_bus_restarts_a_container_through_the_proxy(
    chain: Project,
) -> None:
    ear = Ear(chain)
    until(lambda: bool(ear.state("container/exit-b/state")), "Docker is listened to")
    before = started_at(chain, "l2tp-ipsec-exit-b")
    wish = Request(transaction="t1", agent="exit-b")
    ear.say("operator", REQUEST, wish, agent="containers", verb="restart")
    until(
        lambda: started_at(chain, "l2tp-ipsec-exit-b") != before
        and running(chain, "l2tp-ipsec-exit-b"),
        "it was restarted",
    )
    until(
        lambda: ear.state("container/exit-b/state").get("restarts") == 1,
        "the restart is counted",
    )


# Stops the agent of a container, whose first process is another.
FREEZE: Final = """
import os, signal
from pathlib import Path
for folder in Path("/proc").glob("[0-9]*"):
    words = (folder / "cmdline").read_bytes().split(b"\\0")
    if words[1:3] == [b"-m", b"agents"] and int(folder.name) != os.getpid():
        os.kill(int(folder.name), signal.SIGSTOP)
        print(folder.name)
"""
# The broker's patience, the coordinator's, and the end of who hangs.
HUNG_S: Final = 90.0


def test_an_agent_that_hangs_is_restarted_because_the_coordinator_asks(
    chain: Project,
) -> None:
    dashboard = "vpnchain-dashboard"
    until(lambda: says(chain, dashboard) == "healthy", "it is healthy")
    before = started_at(chain, dashboard)

    assert chain.docker("exec", dashboard, "python3", "-c", FREEZE).strip()
    until(lambda: started_at(chain, dashboard) != before, "it was restarted", HUNG_S)

    until(lambda: says(chain, dashboard) == "healthy", "it is healthy again")


REFUSED: Final = {
    "all containers, others' too": ("GET", "/v1.41/containers/json"),
    "another label": ("GET", '/v1.41/containers/json?filters={"label":["x"]}'),
    "the environment of a container": ("GET", f"/v1.41/containers/{EXIT}/json"),
    "a new container": ("POST", "/v1.41/containers/create"),
    "a command in a container": ("POST", f"/v1.41/containers/{EXIT}/exec"),
    "the restart of a stranger": ("POST", "/v1.41/containers/postgres/restart"),
    "of one that is called so": ("POST", "/v1.41/containers/vpnchain-other/restart"),
    "a path around": ("POST", "/v1.41/containers/vpnchain-broker/restart/../kill"),
    "the end of a container": ("POST", "/v1.41/containers/vpnchain-broker/kill"),
    "what Docker is": ("GET", "/v1.41/info"),
    "everybody's events": ("GET", "/v1.41/events"),
}
# Docker reads the name decoded, and takes the first of two; a filter of none is all.
_TWO: Final = "&%66ilters=%7B%7D&filters="
SEES_ONLY_OURS: Final = {
    "the list": f"/v1.41/containers/json?all=1{_TWO}{quote(LISTED)}",
    "the events": f"/v1.41/events?since=1{_TWO}{quote(HEARD)}",
}
# Until Docker tells of this very command, which comes after what was before it.
LOOK: Final = """
import http.client, sys
visit = http.client.HTTPConnection("socket-proxy", 2375, timeout=20)
visit.request("GET", sys.argv[1])
for line in visit.getresponse():
    print(line.decode())
    if sys.argv[2].encode() in line:
        break
"""
CALL: Final = """
import http.client, sys
visit = http.client.HTTPConnection("socket-proxy", 2375, timeout=5)
visit.putrequest(sys.argv[1], sys.argv[2], skip_accept_encoding=True)
visit.endheaders()
print(visit.getresponse().status)
"""


@pytest.mark.parametrize("what", REFUSED)
def test_the_proxy_refuses(chain: Project, what: str) -> None:
    method, path = REFUSED[what]
    quoted = path.replace('"', "%22")
    said = chain.docker(
        *("exec", "vpnchain-containers", "python3", "-c", CALL, method, quoted)
    )
    assert said.strip() == "403"


def test_the_proxy_lets_the_version_pass(chain: Project) -> None:
    said = chain.docker(
        *("exec", "vpnchain-containers", "python3", "-c", CALL, "GET", "/version")
    )
    assert said.strip() == "200"


@pytest.fixture
def stranger(chain: Project) -> Iterator[str]:
    """A container that is none of the chain's."""
    name = "somebody-else"
    chain.docker("create", "--name", name, "--network", "none", "vpnchain-broker")
    yield name
    chain.docker("rm", "-f", name)


@pytest.mark.parametrize("what", SEES_ONLY_OURS)
def test_the_proxy_shows_only_ours_however_it_is_asked(
    chain: Project, stranger: str, what: str
) -> None:
    last = f"the last word on {what}"
    look = ("python3", "-c", LOOK, SEES_ONLY_OURS[what], last)
    said = chain.docker("exec", "vpnchain-containers", *look)
    assert "vpnchain-containers" in said
    assert stranger not in said
