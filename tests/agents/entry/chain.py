"""A small chain of namespaces around a real entry agent: client, entry, two exits.

    client 198.51.100.3 ── 198.51.100.2 entry 172.20.0.2 ── br ── 172.20.0.11 exit-a
                                                              └── 172.20.0.12 exit-b

In both exits somebody at 203.0.113.1 echoes with the exit's name: so one knows which
way a packet went. The entry has a /run of its own, which outlives the agent.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from bus.interface import Subscription
from bus.link import open_link
from bus.topics import ENTRY_EVENT, ENTRY_STATE, PATH_STATE, PEER_STATE, RESPONSE
from bus.wire import Broker
from tests.agents.entry.ear import ADDRESSES, FACT_S, Ear
from tests.agents.entry.traffic import Traffic, udp
from tests.agents.netns import inside, ip, namespace
from tests.mosquitto import Mosquitto

ENTRY: Final = "172.20.0.2"
SERVICE: Final = ("203.0.113.1", 7)
ROOT: Final = Path(__file__).parents[3]

CLIENT: Final = """\
mount -t tmpfs tmpfs /run
wireguard-go wg0
wg setconf wg0 {conf}
ip address add 10.13.13.2/24 dev wg0
ip link set wg0 mtu 1400 up
ip route add 203.0.113.0/24 dev wg0
"""


def genkey() -> tuple[str, str]:
    """A private key of WireGuard's and its public one."""
    private = subprocess.run(["wg", "genkey"], check=True, capture_output=True).stdout
    public = subprocess.run(
        ["wg", "pubkey"], check=True, capture_output=True, input=private
    ).stdout
    return private.decode().strip(), public.decode().strip()


class Chain:
    """The namespaces, the broker, and the agent's process."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self.names = {
            label: stack.enter_context(namespace(label))
            for label in ("entry", "client", "br", *ADDRESSES)
        }
        self.agent: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}  # of what is started from now on
        self._wire()
        self._write()
        self.holder = self._hold()
        with inside(self.names["entry"]):
            self.mosquitto = Mosquitto(folder)
            self.mosquitto.start()
        stack.callback(self.mosquitto.stop)
        self.broker = Broker(self.mosquitto.host, self.mosquitto.port)

    # --- wiring -----------------------------------------------------------------------

    def _wire(self) -> None:
        bridge = self.names["br"]
        ip("link", "add", "br0", "type", "bridge", namespace=bridge)
        ip("link", "set", "br0", "up", namespace=bridge)
        for label, address in {"entry": ENTRY, **ADDRESSES}.items():
            self._plug(label, address)
        self._cable("client", "eth0", "entry", "wan0")
        self.ip("client", "address", "add", "198.51.100.3/24", "dev", "eth0")
        self.ip("entry", "address", "add", "198.51.100.2/24", "dev", "wan0")
        for label in ADDRESSES:
            self.ip(label, "address", "add", f"{SERVICE[0]}/32", "dev", "lo")
            self.ip(label, "route", "add", "10.13.13.0/24", "via", "172.20.0.2")

    def _plug(self, label: str, address: str, device: str = "eth0") -> None:
        self._cable(label, device, "br", f"to-{label}")
        port = ("link", "set", f"to-{label}", "master", "br0")
        ip(*port, namespace=self.names["br"])
        self.ip(label, "address", "add", f"{address}/16", "dev", device)

    def unplug(self) -> None:
        """The entry's container is taken off the bridge."""
        self.ip("entry", "link", "delete", "eth0")

    def plug(self, device: str = "eth0") -> None:
        """It is on the bridge again, with its address."""
        self._plug("entry", ENTRY, device)

    def _cable(self, one: str, device: str, other: str, far: str) -> None:
        here, there = self.names[one], self.names[other]
        ip("link", "add", device, "netns", here, "type", "veth", "peer", "name", far,
           "netns", there)  # fmt: skip
        ip("link", "set", device, "up", namespace=here)
        ip("link", "set", far, "up", namespace=there)

    def ip(self, label: str, *words: str) -> str:
        """What `ip` prints in that namespace."""
        return ip(*words, namespace=self.names[label])

    def run(self, label: str, *argv: str) -> str:
        """What a tool prints in that namespace."""
        where = ["ip", "netns", "exec", self.names[label]]
        done = subprocess.run(
            [*where, *argv], check=True, capture_output=True, text=True, timeout=FACT_S
        )
        return done.stdout

    def _write(self) -> None:
        """Keys, wg0.conf and settings."""
        (private, self.public), (client, peer) = genkey(), genkey()
        self.wg_conf = self.folder / "wg0.conf"
        self.wg_conf.write_text(
            f"[Interface]\nAddress = 10.13.13.1/24\nListenPort = 51820\n"
            f"PrivateKey = {private}\n# phone\n[Peer]\nPublicKey = {peer}\n"
            f"AllowedIPs = 10.13.13.2/32\n"
        )
        self.wg_conf.chmod(0o600)
        conf = self.folder / "client.conf"
        conf.write_text(
            f"[Interface]\nPrivateKey = {client}\n[Peer]\nPublicKey = {self.public}\n"
            f"Endpoint = 198.51.100.2:51820\nAllowedIPs = 0.0.0.0/0\n"
        )
        self._client = CLIENT.format(conf=conf)

    # --- processes --------------------------------------------------------------------

    def _hold(self) -> subprocess.Popen[bytes]:
        """A process that keeps the entry's own /run; that stands when this returns."""
        ready = self.folder / "ready"
        os.mkfifo(ready)
        script = f"mount -t tmpfs tmpfs /run; echo $? > {ready}; exec sleep 1000"
        holder = self._spawn("entry", ["unshare", "-m", "sh", "-c", script])
        assert ready.read_text() == "0\n"
        return holder

    def _spawn(self, label: str, argv: list[str]) -> subprocess.Popen[bytes]:
        where = ["ip", "netns", "exec", self.names[label]]
        return self._started([*where, *argv])

    def _started(self, argv: list[str]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self.environment}
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, cwd=ROOT, env=environment
        )
        self._stack.callback(_end, process)
        return process

    def start_client(self) -> None:
        """The client's WireGuard, which will go on until its namespace goes."""
        argv = ["unshare", "-m", "sh", "-ec", self._client]
        assert self._spawn("client", argv).wait(FACT_S) == 0

    def start_agent(self, **settings: Any) -> None:
        """The entry agent, as a person would start it."""
        text = f"[broker]\nhost = '127.0.0.1'\nport = {self.broker.port}\n[entry]\n"
        text += f"wg_conf = '{self.wg_conf}'\n"
        settings = {"probe_targets": [SERVICE[0]], **settings}
        text += "".join(f"{key} = {value}\n" for key, value in settings.items())
        file = self.folder / "vpnchain.toml"
        file.write_text(text)
        where = ["nsenter", "-t", str(self.holder.pid), "-m", "-n", f"--wd={ROOT}"]
        agent = [sys.executable, "-m", "agents", "entry", "--settings", str(file)]
        self.agent = self._started([*where, *agent])

    def kill_agent(self) -> None:
        """SIGKILL: it can undo nothing."""
        self.end_agent(signal.SIGKILL)

    def end_agent(self, signum: signal.Signals) -> int:
        """Its exit status."""
        assert self.agent is not None
        self.agent.send_signal(signum)
        return self.agent.wait(FACT_S)

    def wireguard_go(self) -> int:
        """The process that the agent wrote down."""
        run = Path(f"/proc/{self.holder.pid}/root/run/vpnchain/entry")
        return int((run / "wireguard-go.pid").read_text().split()[0])

    def wg_peers(self) -> list[str]:
        """The keys of the peers that wg0 has."""
        where = ["nsenter", "-t", str(self.holder.pid), "-m", "-n"]
        show = [*where, "wg", "show", "wg0", "peers"]
        done = subprocess.run(show, check=True, capture_output=True, timeout=FACT_S)
        return done.stdout.decode().split()

    def agent_ends(self) -> int:
        """Its exit status, once it has ended by itself."""
        assert self.agent is not None
        return self.agent.wait(FACT_S)

    # --- the bus as others have it ----------------------------------------------------

    @asynccontextmanager
    async def bus(self) -> AsyncIterator["Ear"]:
        """The coordinator's link: it orders, and hears what the entry says."""
        said = (ENTRY_STATE, ENTRY_EVENT, PEER_STATE, PATH_STATE, RESPONSE)
        heard = [Subscription(one) for one in said]
        with inside(self.names["entry"]):
            link = open_link("coordinator", "coordinator", self.broker, heard)
            async with link as bus, asyncio.timeout(3 * FACT_S):
                yield Ear(bus)

    def silence(self, label: str, wanted: bool = True) -> None:
        """Nothing that is sent through that exit is answered any more; or it is."""
        verb = "delete" if wanted else "add"
        self.ip(label, "address", verb, f"{SERVICE[0]}/32", "dev", "lo")

    def restart_broker(self) -> None:
        """It is back where it was, and remembers nothing."""
        with inside(self.names["entry"]):
            self.mosquitto.start()

    # --- traffic ----------------------------------------------------------------------

    @contextmanager
    def sockets(self) -> Iterator["Traffic"]:
        """Echoing services in both exits, and a socket of the client's."""
        with ExitStack() as stack:
            services = {}
            for label in ADDRESSES:
                with inside(self.names[label]):
                    services[label] = stack.enter_context(udp())
                services[label].bind(SERVICE)
            client = stack.enter_context(self.client_socket(SERVICE))
            yield Traffic(client, services)

    def client_socket(self, to: tuple[str, int]) -> socket.socket:
        """A socket of the client's, for packets to there."""
        with inside(self.names["client"]):
            sock = udp()
        sock.connect(to)
        return sock

    async def ping(self, address: str) -> str:
        """What ping says at the client."""
        ping = ["ping", "-n", "-c", "1", "-W", "5", address]
        process = await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", self.names["client"], *ping),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        return said.decode()

    def entry_socket(self) -> socket.socket:
        """A socket of another program in the entry."""
        with inside(self.names["entry"]):
            return udp()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(FACT_S)
