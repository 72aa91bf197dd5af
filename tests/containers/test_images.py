"""What is in the images, and what is not."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.containers.bus import until
from tests.containers.dockerd import Docker
from tests.containers.images import BASE, ROOT, TARGETS

pytestmark = pytest.mark.container

HAPROXY: Final = ROOT / "images/socket-proxy/haproxy.cfg"
WITHIN_S: Final = 20.0
MIB: Final = 2**20
# Beyond the base, in MiB: generous, so that a new release of a package breaks nothing.
MOST_MIB: Final = 110
AGENTS: Final = (
    *("exit", "entry", "coordinator", "containers", "dashboard", "metrics"),
    "homeassistant",
)
NOT_THERE: Final = ("gcc", "cc", "make", "pip", "pip3", "git", "curl", "wget")


def said(docker: Docker, image: str, script: str) -> str:
    return docker(
        *("run", "--rm", "--user", "0", "--network", "none", "--entrypoint", "sh"),
        *(f"vpnchain-{image}", "-c", script),
    )


def test_no_image_is_much_larger_than_its_base(
    engine: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {
        name: int(engine("image", "inspect", "-f", "{{.Size}}", name)) // MIB
        for name in (BASE, *(f"vpnchain-{target}" for target in TARGETS))
    }
    with capsys.disabled():
        sys.stdout.write(f"\nimages in MiB: {sizes}\n")
    beyond = {name: size - sizes[BASE] for name, size in sizes.items()}
    assert not [name for name, size in beyond.items() if size > MOST_MIB]


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_builds_is_left(engine: Docker, target: str) -> None:
    looked = "; ".join(f"command -v {name}" for name in NOT_THERE)
    assert said(engine, target, f"{looked}; true") == ""
    kept = "find /var/lib/apt/lists /var/cache/apt/archives -type f ! -name lock"
    assert said(engine, target, kept) == ""


@pytest.mark.parametrize("target", AGENTS)
def test_an_agents_image_holds_that_agent_alone(engine: Docker, target: str) -> None:
    found = said(engine, target, "ls -d agents/*/ | xargs -n 1 basename").split()
    assert set(found) == {"__pycache__", target}


@pytest.mark.parametrize("target", AGENTS)
def test_every_library_of_the_agent_is_there(engine: Docker, target: str) -> None:
    loading = f'python3 -c "import agents.run; agents.run.load_agent(\\"{target}\\")"'
    assert said(engine, target, loading) == ""


def test_the_command_for_people_is_whole(engine: Docker) -> None:
    told = engine("run", "--rm", "--network", "none", "vpnchain-tools", "--help")
    assert {"init", "doctor", "peer", "backup"} <= set(told.split())
    checks = engine(
        *("run", "--rm", "--network", "none", "vpnchain-tools", "doctor", "--json"),
        check=False,
    )
    assert "Traceback" not in checks


def test_no_secret_and_no_configuration_is_in_what_builds_may_see() -> None:
    allowed = (ROOT / "images/Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in allowed
    assert not [line for line in allowed if re.match(r"!(secrets|\.git|config$)", line)]


def test_both_distributions_have_the_same_stages() -> None:
    def stages(distribution: str) -> list[str]:
        text = (ROOT / f"images/packages.{distribution}").read_text()
        return re.findall(r"^([a-z-]+):", text, re.MULTILINE)

    assert stages("alpine") == stages("debian")


def test_haproxy_takes_its_configuration() -> None:
    argv = ["/usr/sbin/haproxy", "-c", "-f", str(HAPROXY)]
    subprocess.run(argv, check=True, timeout=WITHIN_S)


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where haproxy listens by its configuration, and where it looks for Docker."""

    front: Path
    docker: socket.socket
    pid: int


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """A running one."""
    file, front, back = (tmp_path / name for name in ("cfg", "front", "back"))
    words = HAPROXY.read_text().replace("bind :2375", f"bind unix@{front}")
    file.write_text(words.replace("/var/run/docker.sock", str(back)))
    with socket.socket(socket.AF_UNIX) as docker:
        docker.bind(str(back))
        docker.listen()
        docker.settimeout(WITHIN_S)
        running = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", str(file)])
        yield Proxy(front, docker, running.pid)
        running.kill()
        running.wait()


def test_the_proxy_has_one_thread_however_many_processors_there_are(
    proxy: Proxy,
) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        until(lambda: client.connect_ex(str(proxy.front)) == 0, "haproxy listens")
    assert len(list(Path(f"/proc/{proxy.pid}/task").iterdir())) == 1


def test_nobody_makes_the_proxy_a_tunnel(proxy: Proxy) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        until(lambda: client.connect_ex(str(proxy.front)) == 0, "haproxy listens")
        client.sendall(
            b"GET /version HTTP/1.1\r\nHost: x\r\n"
            b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        )
        asked, _ = proxy.docker.accept()
        with asked:
            words = asked.recv(4096).lower()
    assert words.startswith(b"get /version")
    assert b"upgrade: " not in words


def test_the_proxy_restarts_every_agent_of_the_chain() -> None:
    (allowed,) = re.findall(r"acl restart path_reg (.+)", HAPROXY.read_text())
    text = (ROOT / "compose.yaml").read_text()
    names = re.findall(r"container_name: (\S+)\n    labels: {vpnchain\.name:", text)
    assert "vpnchain-coordinator" in names
    paths = [f"/v1.41/containers/{name}/restart" for name in names]
    assert [path for path in paths if not re.fullmatch(allowed, path)] == []
