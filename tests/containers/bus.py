"""The bus of a chain in containers, by mosquitto's own tools, from Docker's network."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bus.codec import encode
from bus.topics import Topic
from tests.containers.project import Project
from tests.needs import tool

PATIENCE_S: Final = 40.0
LOOK_S: Final = 0.1
BASE: Final = "vpnchain"


def until(holds: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    """Waits for a fact; AssertionError if it does not come true in time."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {within_s:g} s: {what}"
        time.sleep(LOOK_S)


class Ear:
    """What an operator hears and says."""

    def __init__(self, project: Project) -> None:
        self._project = project
        networks = project.inspect("vpnchain-broker")["NetworkSettings"]["Networks"]
        self.address: str = networks["vpn-bus"]["IPAddress"]

    def state(self, name: str) -> Mapping[str, Any]:
        """What is retained on a topic; empty: nothing."""
        said = self._as(
            "operator",
            "mosquitto_sub",
            1884,
            "-t",
            f"{BASE}/{name}",
            *("-C", "1", "-W", "2"),
        )
        return dict(json.loads(said)) if said.startswith("{") else {}

    def say(self, user: str, topic: Topic[Any], payload: object, **levels: str) -> None:
        """Says it as this user: at the agents' door if it is an agent."""
        port = 1884 if user == "operator" else 1883
        name, raw = f"{BASE}/{topic.name(**levels)}", encode(payload).decode()
        retain = ("-r",) if topic.retain else ()
        self._as(user, "mosquitto_pub", port, "-t", name, "-m", raw, *retain, "-q", "1")

    def refuses(self, *words: str) -> bool:
        """Whether the broker sends a stranger away."""
        argv = (str(tool("mosquitto_sub")), "-h", self.address, "-t", "#", "-W", "2")
        said = self._project.docker.inside(*argv, "-i", "stranger", *words, check=False)
        return "not authorised" in said

    def _as(self, user: str, program: str, port: int, *words: str) -> str:
        password = self._project.secret(f"broker_{user}")
        who = ("-u", user, "-P", password, "-i", f"{user}-by-hand")
        where = ("-h", self.address, "-p", str(port))
        argv = (str(tool(program)), *where, *who, *words)
        return self._project.docker.inside(*argv, check=False).strip()
