"""The exit's rules and routes in a real kernel, in a namespace of the test's own."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from agents.exit.host import Host, HostError
from agents.exit.model import PppLink
from agents.settings_model import NetworkSettings
from tests.agents.netns import inside, ip, namespace

pytestmark = pytest.mark.kernel

NETWORK = NetworkSettings(
    bridge=IPv4Network("172.20.0.0/16"),
    clients=IPv4Network("10.13.13.0/24"),
    entry=IPv4Address("172.20.0.2"),
)
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
SERVER = "203.0.113.2"
POLL_S, POLLS = 0.01, 1000


def device(name: str, address: str) -> None:
    """A device that is up, joined to nothing."""
    far = f"{name}-far"
    ip("link", "add", name, "type", "veth", "peer", far)
    ip("address", "add", address, "dev", name)
    ip("link", "set", far, "up")
    ip("link", "set", name, "up")


@pytest.fixture
def place() -> Iterator[None]:
    """A namespace as a container has it: eth0 on the bridge, a way out through it."""
    with namespace("exit") as name, inside(name):
        device("eth0", "172.20.0.11/16")
        ip("route", "add", "default", "via", "172.20.0.1")
        yield


@pytest.fixture
async def host(place: None) -> AsyncIterator[Host]:  # noqa: ARG001 - the place comes first
    host = Host(NETWORK, 1400)
    await host.open()
    yield host
    await host.close()


def link() -> None:
    """A ppp0 that is up; to the routes any device is as good."""
    device("ppp0", "10.201.0.10/32")


def way(*words: str) -> str:
    """Where the kernel would send this; empty if nowhere."""
    return run("ip", "route", "get", *words)


def run(*argv: str) -> str:
    """What a tool prints, whether it succeeds or not."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=10)
    return done.stdout


def routing() -> str:
    """Every rule and route."""
    return ip("rule") + ip("route", "show", "table", "all")


CLIENT = ("1.1.1.1", "from", "10.13.13.2", "iif", "eth0")


async def test_the_host_finds_its_address_on_the_bridge(host: Host) -> None:
    assert host.address == "172.20.0.11"


@pytest.mark.usefixtures("host")
async def test_without_a_link_clients_go_nowhere() -> None:
    assert way(*CLIENT) == ""
    assert "unreachable default" in ip("route", "show", "table", "100")
    assert "unreachable default" in ip("-6", "route", "show", "table", "100")


async def test_with_a_link_clients_leave_by_it_and_nowhere_else(host: Host) -> None:
    link()
    await host.carry()
    assert "dev ppp0" in way(*CLIENT)

    ip("link", "set", "ppp0", "down")

    assert way(*CLIENT) == ""


async def test_who_is_bound_to_the_link_leaves_by_it(host: Host) -> None:
    link()
    await host.carry()

    assert "dev ppp0" in way("1.1.1.1", "oif", "ppp0")
    assert "dev eth0" in way("1.1.1.1")


async def test_the_server_is_reached_past_a_link_with_its_own_address(
    host: Host,
) -> None:
    link()
    ip("route", "add", f"{SERVER}/32", "dev", "ppp0")
    assert "dev ppp0" in way(SERVER)

    local = await host.pin(SERVER)

    assert local == "172.20.0.11"
    assert "dev eth0" in way(SERVER)


async def test_a_client_who_calls_the_server_leaves_by_the_link_too(host: Host) -> None:
    link()
    await host.carry()
    await host.pin(SERVER)

    assert "dev ppp0" in way(SERVER, *CLIENT[1:])
    assert "dev eth0" in way(SERVER)
    ip("link", "set", "ppp0", "down")
    assert way(SERVER, *CLIENT[1:]) == ""


async def test_a_rule_that_leads_clients_past_the_link_does_not_survive(
    host: Host,
) -> None:
    await host.pin(SERVER)
    ip("rule", "add", "pref", "900", "to", SERVER, "lookup", "99")  # of older versions

    await host.pin(SERVER)

    assert ip("rule").count("lookup 99") == 1
    assert "iif lo" in ip("rule", "show", "pref", "900")


async def test_only_the_last_server_is_pinned(host: Host) -> None:
    await host.pin("203.0.113.9")
    await host.pin(SERVER)

    assert SERVER in ip("route", "show", "table", "99")
    assert "203.0.113.9" not in ip("rule") + ip("route", "show", "table", "99")


async def test_a_server_without_a_way_is_an_error(host: Host) -> None:
    ip("route", "del", "default")

    with pytest.raises(HostError, match=f"finding a way to {SERVER}: no route"):
        await host.pin(SERVER)


@pytest.mark.usefixtures("host")
async def test_the_packet_filter_forwards_only_through_the_link() -> None:
    saved = run("iptables-save")

    assert ":FORWARD DROP" in saved
    assert "-A VPNCHAIN-FORWARD -s 10.13.13.0/24 -i eth0 -o ppp+ -j ACCEPT" in saved
    assert "-A VPNCHAIN-POSTROUTING -o ppp+ -j MASQUERADE" in saved
    assert saved.count("--pol none -j DROP") == 4
    assert FORWARD.read_text().strip() == "1"


async def test_opening_and_closing_twice_changes_nothing(host: Host) -> None:
    await host.close()
    before = routing()

    again = Host(NETWORK, 1400)
    await again.open()

    assert routing() == before
    await again.close()
    assert routing() == before


async def test_what_a_predecessor_left_is_swept_away(host: Host) -> None:
    link()
    await host.carry()
    await host.pin(SERVER)

    await host.sweep()

    assert "ppp0" not in ip("link")
    assert SERVER not in ip("rule") + ip("route", "show", "table", "99")
    assert "unreachable default" in ip("route", "show", "table", "100")


async def test_the_link_is_told_once_it_is_up_with_an_address(host: Host) -> None:
    seen: list[PppLink | None] = []
    links = host.watch_link()
    seen.append(await anext(links))
    link()
    ip("link", "set", "ppp0", "mtu", "1400")
    async for one in links:
        seen.append(one)
        if one is not None and one.mtu_bytes == 1400:
            break
    ip("link", "set", "ppp0", "down")
    assert await anext(links) is None
    await links.aclose()

    assert seen[0] is None
    assert seen[-1] == PppLink("10.201.0.10", 1400)


async def test_without_an_address_on_the_bridge_there_is_no_exit() -> None:
    with namespace("bare") as name, inside(name):
        host = Host(NETWORK, 1400)

        with pytest.raises(HostError, match=r"none is in 172\.20"):
            await host.open()

        await host.close()


async def test_what_went_with_the_bridges_device_is_put_back_when_it_returns(
    host: Host,
) -> None:
    await host.reroute("172.20.0.12")
    await host.pin(SERVER)
    before = routing()
    async with watching(host):
        ip("link", "delete", "eth0")
        assert way(*CLIENT) == ""
        assert "unreachable default" in ip("route", "show", "table", "100")

        device("eth0", "172.20.0.11/16")
        ip("route", "add", "default", "via", "172.20.0.1")

        for _ in range(POLLS):
            if routing() == before:
                break
            await asyncio.sleep(POLL_S)
    assert routing() == before
    assert "-i eth0 -o ppp+" in run("iptables-save")


@pytest.mark.parametrize(
    ("name", "address"), [("eth0", "172.20.0.99"), ("eth1", "172.20.0.11")]
)
async def test_another_address_or_device_than_before_ends_the_agent(
    host: Host, name: str, address: str
) -> None:
    ip("link", "delete", "eth0")
    device(name, f"{address}/16")

    with pytest.raises(HostError) as raised:
        await host.keep()

    was, now = "172.20.0.11 on eth0", f"{address} on {name}"
    assert str(raised.value) == f"keeping our address: it was {was}, is {now}"


@asynccontextmanager
async def watching(host: Host) -> AsyncIterator[None]:
    """The host is kept as it should be."""
    async with asyncio.TaskGroup() as tasks:
        kept = tasks.create_task(host.keep(), name="keep")
        yield
        kept.cancel()
