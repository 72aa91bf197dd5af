"""What docs/containers.md tells an operator to type, typed."""

import re
from typing import Final

import pytest

from tests.containers.bus import Ear, until
from tests.containers.images import ROOT
from tests.containers.project import Project

pytestmark = pytest.mark.container

EXIT: Final = "l2tp-ipsec-exit"
# The states of what the command cannot see from where it stands.
BEYOND: Final = re.compile(
    r"^(\S+) +(?:udp \d+|exit-\S+ (?:server|route|ike|proposals|mtu)) ", re.MULTILINE
)
TOLD: Final = (ROOT / "docs/containers.md").read_text()


def typed(chain: Project, *words: str, check: bool = True) -> str:
    """`docker compose WORDS`, as the page has it."""
    told = " ".join(("docker", "compose", *words)).replace(" -T", "")
    assert told in TOLD
    return chain.compose(*words, check=check)


def test_a_failed_container_is_restarted_and_looked_at(chain: Project) -> None:
    before = chain.inspect(EXIT)["State"]["StartedAt"]
    typed(chain, "restart", "l2tp-ipsec")
    assert chain.inspect(EXIT)["State"]["StartedAt"] != before
    until(
        lambda: "no /dev/ppp" in typed(chain, "logs", "--tail", "50", "l2tp-ipsec"),
        "the log tells what is wrong",
    )
    found = typed(chain, "run", "--rm", "-T", "vpnchain", "doctor", check=False)
    assert "broker" in found
    assert set(BEYOND.findall(found)) == {"?"}


def test_everything_is_made_anew_and_the_keys_stay(chain: Project) -> None:
    conf = chain.folder / "config/wg0.conf"
    before = conf.read_text()
    backup = ("vpnchain", "backup", "backup/chain.backup")
    typed(chain, "run", "--rm", "-T", *backup)
    written = chain.folder / "backup/chain.backup"
    assert written.stat().st_mode & 0o777 == 0o600
    typed(chain, "down")
    assert not chain.compose("ps", "-q")
    chain.up()
    assert conf.read_text() == before
    until(
        lambda: bool(Ear(chain).state("agent/coordinator/presence")), "the chain is up"
    )


def test_an_exit_is_drained_for_an_upgrade(chain: Project) -> None:
    drain = ("run", "--rm", "-T", "vpnchain", "drain", "exit-a")
    until(lambda: "granted" in typed(chain, *drain, check=False), "it is drained")
    typed(chain, "up", "-d", "l2tp-ipsec")
    undrain = ("run", "--rm", "-T", "vpnchain", "undrain", "exit-a")
    assert "granted" in typed(chain, *undrain)


def test_the_tag_of_an_older_image_brings_it_back(
    chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image in ("coordinator", "broker"):
        chain.docker("tag", f"vpnchain-{image}", f"vpnchain-{image}:older")
    monkeypatch.setenv("VERSION", "older")
    chain.compose("up", "-d", "--no-build", "coordinator")
    config = chain.inspect("vpnchain-coordinator")["Config"]
    assert config["Image"] == "vpnchain-coordinator:older"
