"""Two exits on a bridge, in namespaces of the test's own; ppp0 is a cable.

    entry ── br0 (gateway) ── exit-a ══ ppp0 ══ internet
                        └──── exit-b ══ ppp0 ══┘

Whoever sends from the entry with a client's address meets exit-a first.
"""

import socket
import struct
import subprocess
from collections.abc import AsyncIterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from typing import Final

from agents.exit.host import Host
from agents.settings_model import NetworkSettings
from tests.agents.netns import inside, ip, namespace

GATEWAY: Final = "172.20.0.1"
ENTRY: Final = "172.20.0.2"
CLIENT: Final = "10.13.13.2"
ADDRESSES: Final = {"exit-a": "172.20.0.11", "exit-b": "172.20.0.12"}
LINKS: Final = {"exit-a": "10.201.0.10", "exit-b": "10.202.0.10"}  # of ppp0
MTU_BYTES: Final = 1000  # of ppp0
SERVER: Final = ("198.51.100.1", 7)
WITHIN_S: Final = 20.0  # for what comes
AT_ONCE_S: Final = 0.2  # for what does not
_ALL: Final = 3  # ETH_P_ALL: what leaves by the device is heard too
_UDP: Final = 17


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of the client's or the entry's, as the server or the bridge saw it."""

    source: str
    tos: int
    number: int


class Place:
    """The namespaces, and what is sent and heard in them."""

    def __init__(self, names: dict[str, str], stack: ExitStack) -> None:
        self.hosts: dict[str, Host] = {}
        self._names = names
        self._stack = stack
        self._number = 0
        self.client = self.sender("entry", CLIENT)
        self._server = self.sender("internet", SERVER[0], SERVER[1])
        self._server.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        with inside(names["internet"]):
            self._listener = stack.enter_context(socket.create_server(SERVER))
        self._listener.settimeout(WITHIN_S)

    def inside(self, node: str) -> AbstractContextManager[None]:
        """This thread lives there for a while."""
        return inside(self._names[node])

    def run(self, node: str, *argv: str) -> str:
        """What a tool prints there, whether it succeeds or not."""
        where = ("ip", "netns", "exec", self._names[node])
        done = subprocess.run(
            [*where, *argv], check=False, capture_output=True, text=True, timeout=10
        )
        return done.stdout

    def ip(self, node: str, *words: str) -> str:
        """What `ip` prints there."""
        return ip(*words, namespace=self._names[node])

    def sender(self, node: str, address: str, port: int = 0) -> socket.socket:
        """A UDP socket."""
        with inside(self._names[node]):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stack.enter_context(sock)
        sock.bind((address, port))
        return sock

    def stream(self) -> socket.socket:
        """A TCP connection of the client's, which the server has taken."""
        with inside(self._names["entry"]):
            client = socket.socket()
        self._stack.enter_context(client)
        client.settimeout(WITHIN_S)
        client.bind((CLIENT, 0))
        client.connect(SERVER)
        self._stack.enter_context(self._listener.accept()[0])
        return client

    def watch(self, node: str, device: str) -> socket.socket:
        """Hears every packet that passes a device, either way."""
        with inside(self._names[node]):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self._stack.enter_context(sock)
        sock.bind((device, _ALL))
        return sock

    def link(self, node: str) -> None:
        """Its ppp0 is there, and leads to the server."""
        far, address = f"to-{node}", LINKS[node]
        near = address.rpartition(".")[0] + ".1"
        peer = ("peer", "name", far, "netns", self._names["internet"])
        self.ip(node, "link", "add", "ppp0", "type", "veth", *peer)
        self.ip(node, "address", "add", address, "peer", near, "dev", "ppp0")
        self.ip("internet", "address", "add", near, "peer", address, "dev", far)
        self.ip("internet", "link", "set", far, "up")
        self.ip(node, "link", "set", "ppp0", "mtu", str(MTU_BYTES), "up")

    async def carry(self, node: str) -> None:
        """Its traffic is led through its ppp0."""
        with inside(self._names[node]):
            await self.hosts[node].carry()

    async def pin(self, node: str, server: str) -> None:
        """Its server is this one."""
        with inside(self._names[node]):
            await self.hosts[node].pin(server)

    def bound(self, node: str, device: str) -> socket.socket:
        """A UDP socket that uses this device only."""
        sock = self.sender(node, "0.0.0.0")  # noqa: S104 - in a namespace of our own
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        return sock

    async def reroute(self, node: str, detour: str) -> None:
        """Its traffic is led there while its ppp0 is not up."""
        with inside(self._names[node]):
            await self.hosts[node].reroute(detour)

    def send(self, sock: socket.socket | None = None) -> int:
        """The number of the packet that was sent to the server."""
        self._number += 1
        with suppress(OSError):  # what an earlier one met
            (sock or self.client).sendto(struct.pack("!I", self._number), SERVER)
        return self._number

    def arrived(self, within_s: float = WITHIN_S) -> Packet | None:
        """The next packet at the server, which it answers; None if there is none."""
        self._server.settimeout(within_s)
        try:
            raw, extra, _, source = self._server.recvmsg(64, 64)
        except TimeoutError:
            return None
        self._server.sendto(raw, source)
        return Packet(source[0], extra[0][2][0], struct.unpack("!I", raw)[0])

    def answered(self, within_s: float = WITHIN_S) -> int | None:
        """The number of the next answer at the client."""
        self.client.settimeout(within_s)
        try:
            return int(struct.unpack("!I", self.client.recv(64))[0])
        except OSError:
            return None


def heard(watch: socket.socket, within_s: float = AT_ONCE_S) -> list[Packet]:
    """What passed there to the server, until nothing more does."""
    watch.settimeout(within_s)
    packets = []
    with suppress(TimeoutError):
        while True:
            raw = watch.recv(2048)
            if raw[16:20] == socket.inet_aton(SERVER[0]) and raw[9] == _UDP:
                source, number = socket.inet_ntoa(raw[12:16]), raw[28:32]
                packets.append(Packet(source, raw[1], struct.unpack("!I", number)[0]))
    return packets


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """Both exits stand, each with its ppp0 and the other for its detour."""
    with ExitStack() as stack:
        nodes = ("bridge", "entry", *ADDRESSES, "internet")
        names = {node: stack.enter_context(namespace(node)) for node in nodes}
        _wire(names)
        built = Place(names, stack)
        async with AsyncExitStack() as hosts:
            for node, other in zip(ADDRESSES, reversed(ADDRESSES), strict=True):
                host = built.hosts[node] = Host(NetworkSettings(), MTU_BYTES)
                with inside(names[node]):
                    await host.open()
                hosts.push_async_callback(host.close)
                built.link(node)
                await built.carry(node)
                await built.reroute(node, ADDRESSES[other])
            yield built


def _wire(names: dict[str, str]) -> None:
    def run(node: str, *words: str) -> None:
        ip(*words, namespace=names[node])

    run("bridge", "link", "add", "br0", "type", "bridge")
    run("bridge", "address", "add", f"{GATEWAY}/16", "dev", "br0")
    run("bridge", "link", "set", "br0", "up")
    for node, address in {"entry": ENTRY, **ADDRESSES}.items():
        peer = ("peer", "name", f"to-{node}", "netns", names["bridge"])
        run(node, "link", "add", "eth0", "type", "veth", *peer)
        run(node, "address", "add", f"{address}/16", "dev", "eth0")
        run(node, "link", "set", "eth0", "up")
        run("bridge", "link", "set", f"to-{node}", "master", "br0", "up")
    for node in ADDRESSES:
        run(node, "route", "add", "default", "via", GATEWAY)
    run("entry", "address", "add", f"{CLIENT}/32", "dev", "lo")
    run("entry", "route", "add", "default", "via", ADDRESSES["exit-a"])
    run("internet", "address", "add", f"{SERVER[0]}/32", "dev", "lo")
