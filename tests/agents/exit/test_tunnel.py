"""The real exit's outside: what it may take to go, and what goes wrong with a step."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.exit import charon, tunnel
from agents.exit.model import Cause, Dial, Event, Failed, PppUp
from agents.exit.policy import Policy
from agents.exit.tunnel import Daemons
from agents.lifecycle import LIMITS
from agents.settings_model import ExitSettings, Settings
from tests.agents.exit.daemons import LIMIT_S
from tests.agents.netns import inside, ip, namespace
from tests.agents.scarcity import no_descriptors

SECRETS = {
    "vpn_server_ip": "203.0.113.2",
    "vpn_ipsec_psk": "a key",
    "vpn_username": "user-a",
    "vpn_password": "pw-a",
}
FLOOD = 3_000  # times two messages of some 2 KB, more than any buffer holds


def test_clients_server_and_daemons_are_done_with_in_time() -> None:
    policy = Policy()
    clients_s = policy.leave_s + policy.linger_s
    ending_s = charon.STOP_TIMEOUT_S  # xl2tpd and pppd are killed by then

    assert clients_s + tunnel.GOODBYE_S + ending_s < LIMITS.close_s


# --- what goes wrong ------------------------------------------------------------------


@dataclass
class World:
    """The daemons of an exit without a server, and what they post."""

    folder: Path
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        for name, text in SECRETS.items():
            (self.folder / name).write_text(text)
        exit_ = ExitSettings(secrets=self.folder, run_dir=self.folder)
        self.daemons = Daemons(Settings(exit=exit_), "exit-a", self.events.put_nowait)

    async def until_up(self) -> None:
        """Waits until ppp0 is found, and watched."""
        async with asyncio.timeout(LIMIT_S):
            while not isinstance(await self.events.get(), PppUp):
                pass

    async def until_failed(self, cause: Cause) -> None:
        """Waits until that is told, whatever else fails."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                event = await self.events.get()
                if isinstance(event, Failed) and event.cause == cause:
                    return


@pytest.fixture
def place() -> Iterator[None]:
    """A namespace with a device on the bridge."""
    with namespace("tunnel") as name, inside(name):
        device("eth0", "172.20.0.11/16")
        yield


def device(name: str, address: str) -> None:
    """A device that is up."""
    ip("link", "add", name, "type", "bridge")
    ip("address", "add", address, "dev", name)
    ip("link", "set", name, "up")


@pytest.fixture
async def world(place: None) -> AsyncIterator[World]:  # noqa: ARG001
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        world = World(Path(folder))
        await world.daemons.open()
        device("ppp0", "10.201.0.10/32")
        try:
            yield world
        finally:
            await world.daemons.close()


@pytest.mark.kernel
@pytest.mark.daemon
async def test_a_link_that_can_be_watched_no_more_is_a_failure(world: World) -> None:
    flood = world.folder / "flood"
    flood.write_text("link set ppp0 mtu 1400\nlink set ppp0 mtu 1300\n" * FLOOD)
    async with asyncio.TaskGroup() as tasks:
        step = tasks.create_task(world.daemons.run(Dial(SECRETS["vpn_server_ip"])))
        await world.until_up()

        ip("-batch", str(flood))  # nobody reads meanwhile: messages are lost
        with no_descriptors():
            await world.until_failed(
                Cause("host: watching the links: Too many open files")
            )

        assert not step.done()
        step.cancel()
