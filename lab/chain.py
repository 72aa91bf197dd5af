"""The product in the lab: broker, providers, agents and clients, ready to be started.

`open_chain` makes the lab, writes every file, starts the broker and the providers. The
agents and the clients' WireGuard are started by whoever watches.
"""

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from bus.wire import Broker
from lab import broker, capability, settings
from lab.nodes import FOLDER, Lab, open_lab
from lab.process import Process
from lab.provider import Provider
from lab.provider_files import Account
from lab.settings import Keys, Tuning
from lab.talk import LabError
from lab.topology import (
    Topology,
    allowed_addresses,
    client_address,
    client_ipv6,
    provider_of,
    public_address,
)

START_S: Final = 20.0
LOOK_S: Final = 0.02
STOP_S: Final = 8.0
SETTINGS: Final = FOLDER / "vpnchain.toml"
# Printable, and each means something somewhere.
STUMBLING: Final = " \"'\\#$(id)`id`%s!*;&|<>~{}[]^?=,:@/\\n ü\u20ac"
SECRETS: Final = ("vpn_server_ip", "vpn_ipsec_psk", "vpn_username", "vpn_password")


class Chain:
    """A chain in an open lab.

    Attributes:
        providers: Keys: their names.
        agents: Those started last; keys: "coordinator", "entry", "exit-a", ...
        wireguard: Which one clients use: "kernel" or "userspace".
    """

    def __init__(self, lab: Lab, tuning: Tuning) -> None:
        self.lab = lab
        self.tuning = tuning
        self.wireguard = capability.wireguard()
        self.agents: dict[str, Process] = {}
        self.providers = {
            name: Provider(lab, name, _account(name)) for name in lab.topology.providers
        }
        self._keys: dict[str, Keys] = {}

    @property
    def broker(self) -> Broker:
        """The broker as an observer out here reaches it."""
        return broker.observer(self.lab)

    @property
    def agent_names(self) -> tuple[str, ...]:
        """All agents, the coordinator first."""
        return ("coordinator", "entry", *self.lab.topology.exits)

    async def prepare(self) -> None:
        """Write every file, start the broker and the providers.

        Raises:
            LabError: Something does not come up.
        """
        topology = self.lab.topology
        self.write_settings()
        broker.prepare(self.lab)
        for exit_name in topology.exits:
            self.write_secrets(exit_name)
        async with asyncio.TaskGroup() as tasks:
            for provider in self.providers.values():
                tasks.create_task(provider.start())
            tasks.create_task(self.start_broker())
            tasks.create_task(self._write_wireguard())

    def write_settings(self, more: str = "") -> None:
        """Write what every agent reads when it starts; `more`: TOML to add to it."""
        text = settings.vpnchain(self.lab.topology.exits, self.tuning)
        (self.lab.folder / SETTINGS.name).write_text(f"{text}{more}")

    def write_secrets(self, exit_name: str, account: Account | None = None) -> None:
        """Give an exit its four files; by default what its provider accepts."""
        provider = self.providers[provider_of(exit_name)]
        account = account or provider.account
        values = (public_address(provider.name), account.psk)
        folder = self.lab.run_of(exit_name) / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, value in zip(
            SECRETS, (*values, account.username, account.password), strict=True
        ):
            _write_private(folder / name, f"{value}\n")

    # --- agents and broker ------------------------------------------------------------

    async def start_broker(self) -> None:
        """The broker at `control`; returns once it answers."""
        await self.spawn_broker()
        try:
            async with asyncio.timeout(START_S):
                await self._answering()
        except TimeoutError as error:
            cause = f"not up after {START_S:g} s{self.lab.last_words('mosquitto')}"
            raise LabError(f"starting mosquitto: {cause}") from error

    async def spawn_broker(self) -> Process:
        """As `start_broker`, but returns at once."""
        return await self.lab.spawn("control", broker.ARGV, log="mosquitto")

    async def start_agents(self) -> None:
        """All agents, at once."""
        for name in self.agent_names:
            await self.start_agent(name)

    async def start_agent(self, name: str) -> Process:
        """One agent, in its node, as its container would."""
        role = name.partition("-")[0]
        node = "control" if role == "coordinator" else name
        command = [sys.executable, "-m", "agents", role, "--name", name]
        argv = [*command, "--settings", str(SETTINGS)]
        self.agents[name] = await self.lab.spawn(node, argv, log=name)
        return self.agents[name]

    async def stop_agents(self) -> dict[str, int]:
        """Ask all agents to go; their exit statuses."""
        async with asyncio.TaskGroup() as tasks:
            ending = {
                name: tasks.create_task(agent.end(STOP_S))
                for name, agent in self.agents.items()
            }
        self.agents.clear()
        return {name: task.result() for name, task in ending.items()}

    # --- clients ----------------------------------------------------------------------

    async def connect(self, client: str = "client") -> None:
        """Bring a client's WireGuard up; if it is, have it shake hands anew.

        Everything that the client sends then goes into the tunnel.
        """
        exists = await self.lab.exec(
            client, ["ip", "link", "show", "wg0"], check=False, timeout_s=START_S
        )
        if exists.status != 0:
            await self._create_wireguard(client)
        await self.lab.exec(client, ["wg", "setconf", "wg0", settings.WG_CONF])

    async def _create_wireguard(self, client: str) -> None:
        if self.wireguard == "kernel":
            create = ["ip", "link", "add", "wg0", "type", "wireguard"]
        else:
            create = ["wireguard-go", "wg0"]  # goes into the background
        await self.lab.exec(client, create)
        batch = (
            f"address add {client_address(client)}/32 dev wg0\n"
            f"link set wg0 mtu {settings.CLIENT_MTU_BYTES} up\n"
            "route add default dev wg0\n"
        )
        await self.lab.exec(client, ["ip", "-batch", "-"], stdin=batch)
        ipv6 = (
            f"address add {client_ipv6(client)}/128 dev wg0 nodad\n"
            "route add default dev wg0\n"
        )
        # Where the kernel has none, that is well too.
        command = ["ip", "-6", "-batch", "-"]
        await self.lab.exec(client, command, stdin=ipv6, check=False)

    async def _write_wireguard(self) -> None:
        clients = self.lab.topology.clients
        self._keys = {name: await self._new_keys() for name in ("entry", *clients)}
        peers = [
            (name, self._keys[name].public, allowed_addresses(name)) for name in clients
        ]
        entry = settings.entry_wireguard(self._keys["entry"], peers)
        self._write_conf("entry", entry)
        for name in clients:
            own, public = self._keys[name], self._keys["entry"].public
            self._write_conf(name, settings.client_wireguard(own, public))

    def _write_conf(self, node: str, text: str) -> None:
        _write_private(self.lab.run_of(node) / Path(settings.WG_CONF).name, text)

    async def _new_keys(self) -> Keys:
        private = (await self.lab.exec("", ["wg", "genkey"])).stdout
        public = (await self.lab.exec("", ["wg", "pubkey"], stdin=private)).stdout
        return Keys(private.strip(), public.strip())

    async def _answering(self) -> None:
        while True:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as trial:
                trial.connect(self.broker.host)
                return
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def open_chain(
    topology: Topology, tuning: Tuning | None = None
) -> AsyncIterator[Chain]:
    """A chain whose broker and providers run; nothing is left of it afterwards.

    Raises:
        LabError: It cannot be built here.
    """
    async with open_lab(topology) as lab:
        chain = Chain(lab, tuning or Tuning())
        await chain.prepare()
        yield chain


def _account(provider: str) -> Account:
    """New words, with all that a shell or a careless parser could stumble over."""
    user = provider.replace("provider-", "dom\\user ")
    words = (f"{secrets.token_hex(8)}{STUMBLING}" for _ in range(2))
    return Account(next(words), user, next(words))


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
