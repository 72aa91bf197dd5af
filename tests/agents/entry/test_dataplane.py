"""Who clients reach, in real kernels; wg0 is a cable here, so anything can be sent.

client ── wg0 ┌───────┐ eth0 ── hosts 172.20.0.1 (gateway), 172.20.0.11 (exit)
              │ entry │
              └───────┘ eth1 ── bus 172.21.0.2
"""

import asyncio
import errno
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from ipaddress import IPv4Network

import pytest

from agents.entry.dataplane import DataPlane
from agents.firewall import Firewall
from agents.netlink import Netlink
from tests.agents.netns import inside, ip, namespace

pytestmark = pytest.mark.kernel

CLIENTS = IPv4Network("10.13.13.0/24")
CLIENT, EXIT, GATEWAY, BUS = "10.13.13.2", "172.20.0.11", "172.20.0.1", "172.21.0.2"
OUTSIDE, OUTSIDE_6 = "203.0.113.1", "2001:db8::1"
SPOOFED = "198.51.100.9"
MAC = "02:00:00:00:00:01"
MARKER = b"vpnchain-says-hello"
WITHIN_S = 20.0  # for what comes
AT_ONCE_S = 0.2  # for what does not
POLL_S, POLLS = 0.01, 1000
IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h
ALL = 3  # ETH_P_ALL: what leaves by the device is heard too

CABLES = (
    ("client", "eth0", f"{CLIENT}/32", "wg0", "10.13.13.1/24"),
    ("hosts", "eth0", f"{GATEWAY}/16", "eth0", "172.20.0.2/16"),
    ("bus", "eth0", f"{BUS}/24", "eth1", "172.21.0.3/24"),
)


class Place:
    """The namespaces, and what is sent and heard in them."""

    def __init__(self, names: dict[str, str], net: Netlink, stack: ExitStack) -> None:
        self._names = names
        self._stack = stack
        self.plane = DataPlane(net, Firewall(), "eth0", CLIENTS, client_to_client=False)

    def ip(self, node: str, *words: str) -> str:
        """What `ip` prints there."""
        return ip(*words, namespace=self._names[node])

    def run(self, node: str, *argv: str) -> str:
        """What a tool prints there."""
        where = ("ip", "netns", "exec", self._names[node])
        done = subprocess.run(
            [*where, *argv], check=True, capture_output=True, text=True, timeout=10
        )
        return done.stdout

    def sender(self, node: str, address: str) -> socket.socket:
        """A UDP socket with this address; it hears every refusal."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with inside(self._names[node]):
            sock = self._stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        sock.bind((address, 0))
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        return sock

    def watch(self, node: str, device: str) -> socket.socket:
        """Hears every packet that passes a device, either way."""
        with inside(self._names[node]):
            sock = self._stack.enter_context(
                socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
            )
        sock.bind((device, ALL))
        return sock

    def refusal(self, to: str, source: str = CLIENT) -> int:
        """The error that a packet of the client's meets; 0: none comes."""
        sock = self.sender("client", source)
        sock.settimeout(WITHIN_S)
        try:
            sock.connect((to, 7))
            sock.send(MARKER)
            sock.recv(64)
        except TimeoutError:
            return 0
        except OSError as error:
            return error.errno or 0
        raise AssertionError(f"{to} answers")

    def send(self, to: str, source: str = CLIENT) -> None:
        """A packet of the client's, whatever becomes of it."""
        with suppress(OSError):
            self.sender("client", source).sendto(MARKER, (to, 7))

    async def ping(self, node: str, to: str, within_s: float = WITHIN_S) -> bool:
        """Whether it answers."""
        where = ("ip", "netns", "exec", self._names[node])
        process = await asyncio.create_subprocess_exec(
            *where, "ping", "-n", "-q", "-c", "1", "-W", f"{within_s:g}", to,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait() == 0


def passed(watch: socket.socket) -> int:
    """How many packets of the client's, or that quote one, passed there."""
    watch.settimeout(AT_ONCE_S)
    number = 0
    with suppress(TimeoutError):
        while True:
            number += MARKER in watch.recv(2048)
    return number


def wire(names: dict[str, str]) -> None:
    """Cables, addresses, routes."""
    for label, near, here, far, there in CABLES:
        peer = ("peer", "name", far, "netns", names["entry"])
        ip("link", "add", near, "netns", names[label], "type", "veth", *peer)
        for name, device, address in (
            (names[label], near, here),
            (names["entry"], far, there),
        ):
            ip("address", "add", address, "dev", device, namespace=name)
            ip("link", "set", device, "up", namespace=name)
    for words in (
        ("client", "route", "add", "default", "dev", "eth0"),
        ("client", "address", "add", f"{SPOOFED}/32", "dev", "lo"),
        ("client", "-6", "address", "add", "fd13::2/64", "dev", "eth0", "nodad"),
        ("client", "-6", "route", "add", "default", "via", "fd13::1"),
        ("hosts", "address", "add", f"{EXIT}/16", "dev", "eth0"),
        ("hosts", "route", "add", str(CLIENTS), "via", "172.20.0.2"),
        ("bus", "route", "add", str(CLIENTS), "via", "172.21.0.3"),
        ("entry", "route", "add", "default", "via", GATEWAY),
        ("entry", "-6", "address", "add", "fd13::1/64", "dev", "wg0", "nodad"),
    ):
        ip(*words[1:], namespace=names[words[0]])
    like_wireguard(names["client"], "eth0")
    like_wireguard(names["entry"], "wg0")


def like_wireguard(name: str, device: str) -> None:
    """Nobody asks who has an address: all have the same one below."""
    ip("link", "set", device, "arp", "off", "address", MAC, namespace=name)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """The data plane is closed, as before the first order."""
    with ExitStack() as stack:
        labels = ("entry", "client", "hosts", "bus")
        names = {label: stack.enter_context(namespace(label)) for label in labels}
        wire(names)
        with inside(names["entry"]):
            async with Netlink() as net:
                built = Place(names, net, stack)
                await built.plane.close()
                yield built


async def test_a_clients_packets_go_to_the_exit_and_to_nobody_else(
    place: Place,
) -> None:
    await place.plane.point(EXIT)
    hosts, bus = place.watch("entry", "eth0"), place.watch("entry", "eth1")

    place.send(OUTSIDE)

    assert (passed(hosts), passed(bus)) == (1, 0)


@pytest.mark.parametrize(
    "address",
    [GATEWAY, EXIT, BUS, "172.20.0.2", "172.21.0.3", "10.13.13.1", "10.13.13.9"],
)
async def test_the_networks_of_the_entry_refuse_clients_and_say_so(
    place: Place, address: str
) -> None:
    await place.plane.point(EXIT)
    hosts, bus = place.watch("entry", "eth0"), place.watch("entry", "eth1")

    assert place.refusal(address) == errno.EHOSTUNREACH
    assert (passed(hosts), passed(bus)) == (0, 0)


async def test_of_the_entry_a_client_may_ping_wg0_and_nothing_else(
    place: Place,
) -> None:
    await place.plane.point(EXIT)

    assert await place.ping("client", "10.13.13.1")
    for address in ("172.20.0.2", "172.21.0.3", GATEWAY, BUS):
        assert not await place.ping("client", address, within_s=1)


async def test_the_entry_itself_reaches_its_clients_by_wg0_alone(
    place: Place,
) -> None:
    assert await place.ping("entry", CLIENT)
    hosts = place.watch("entry", "eth0")
    entry = place.sender("entry", "0.0.0.0")  # noqa: S104 - in a namespace of our own

    place.ip("entry", "link", "delete", "wg0")
    with suppress(OSError):
        entry.sendto(MARKER, (CLIENT, 7))

    assert passed(hosts) == 0


@pytest.mark.parametrize("to", [OUTSIDE, GATEWAY, BUS, "10.13.13.1"])
@pytest.mark.parametrize("hop", [EXIT, None])
async def test_a_source_that_is_no_clients_gets_neither_way_nor_answer(
    place: Place, to: str, hop: str | None
) -> None:
    await place.plane.point(hop)
    hosts, bus = place.watch("entry", "eth0"), place.watch("entry", "eth1")

    place.send(to, SPOOFED)

    assert (passed(hosts), passed(bus)) == (0, 0)


@pytest.mark.parametrize("to", [OUTSIDE_6, "fd13::1"])
async def test_ipv6_of_clients_is_refused_and_told_so(place: Place, to: str) -> None:
    await place.plane.point(EXIT)
    hosts, bus = place.watch("entry", "eth0"), place.watch("entry", "eth1")

    assert place.refusal(to, "fd13::2") in (errno.EACCES, errno.ENETUNREACH)
    assert (passed(hosts), passed(bus)) == (0, 0)


async def test_without_a_next_hop_clients_are_told_that_there_is_no_way(
    place: Place,
) -> None:
    hosts, bus = place.watch("entry", "eth0"), place.watch("entry", "eth1")

    assert place.refusal(OUTSIDE) == errno.EHOSTUNREACH
    assert (passed(hosts), passed(bus)) == (0, 0)


async def test_who_did_not_get_a_packet_of_a_client_cannot_send_it_one(
    place: Place,
) -> None:
    await place.plane.point(EXIT)
    client = place.sender("client", CLIENT)
    client.settimeout(AT_ONCE_S)
    for node in ("hosts", "bus"):
        host = place.sender(node, "0.0.0.0")  # noqa: S104 - in a namespace of our own
        host.sendto(MARKER, client.getsockname())

    with pytest.raises(TimeoutError):
        client.recv(64)


async def test_a_network_that_the_entry_comes_to_stand_in_is_refused_too(
    place: Place,
) -> None:
    await place.plane.point(EXIT)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(place.plane.keep(), name="keep")
        place.ip("entry", "address", "add", "192.168.7.2/24", "dev", "eth1")
        for _ in range(POLLS):
            if "192.168.7.0/24" in rules_of(place):
                break
            await asyncio.sleep(POLL_S)
        keeping.cancel()

    assert place.refusal("192.168.7.9") == errno.EHOSTUNREACH


def rules_of(place: Place) -> str:
    """The packet filter of the entry."""
    return place.run("entry", "iptables", "-w", "5", "-S")


async def test_rules_and_floor_stand_while_devices_go_and_return(
    place: Place,
) -> None:
    before = rules_of(place)

    for device in ("wg0", "eth0"):
        place.ip("entry", "link", "delete", device)

    assert rules_of(place) == before
    assert "iif wg0" in place.ip("entry", "rule")
    for family in ("-4", "-6"):
        table = place.ip("entry", family, "route", "show", "table", "200")
        assert "unreachable default" in table
