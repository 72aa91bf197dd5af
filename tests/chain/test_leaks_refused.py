"""What a client may not: other addresses than its own, the chain itself, IPv6.

And what it may only by the active exit: ask for names.
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from bus.commands import Verb
from lab import steps
from lab.marked import RESOLVER, SOMEWHERE_IPV6
from lab.nodes import Lab
from lab.scene import Scene
from lab.topology import (
    BRIDGE_NETWORK,
    BUS_NETWORK,
    CONTROL_ADDRESS,
    ENTRY_ADDRESS,
    ENTRY_TUNNEL_ADDRESS,
    allowed_addresses,
    bus_address,
    exit_address,
    seen_address,
)
from tests.chain import strangers
from tests.chain.acts import WITHIN_S
from tests.chain.sabotage import Filter, Lookup, Policy
from tests.chain.sabotage import without as lacking
from tests.chain.vigil import ENTRY_LOOKUP, Vigil

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

A, B = seen_address("provider-a"), seen_address("provider-b")
PORT: Final = 4243
CONNECT_S: Final = 5.0  # the kernel tells a peer of one error a second, on average
INPUT: Final = Filter("VPNCHAIN-INPUT", "-i wg0", "REJECT")
OF_THE_ENTRY: Final = (ENTRY_ADDRESS, ENTRY_TUNNEL_ADDRESS, bus_address("entry"))


@dataclass(frozen=True, slots=True)
class OneAddressEach:
    """WireGuard takes from a client only what comes from that client's addresses."""

    async def fall(self, lab: Lab, node: str) -> None:
        """See Guard."""
        await self._allow(lab, node, "0.0.0.0/0")

    async def rise(self, lab: Lab, node: str) -> None:
        """See Guard."""
        await self._allow(lab, node, allowed_addresses("client").replace(" ", ""))

    async def _allow(self, lab: Lab, node: str, addresses: str) -> None:
        key = (await lab.exec(node, ["wg", "show", "wg0", "peers"])).stdout.strip()
        allow = ["peer", key, "allowed-ips", addresses]
        await lab.exec(node, ["wg", "set", "wg0", *allow])


async def answer(scene: Scene, address: str) -> int:
    """What the client hears when it visits `PORT` there through its tunnel.

    An error's number; 0: it got a connection; ETIMEDOUT: it heard nothing.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    node, loop = scene.client.node, asyncio.get_running_loop()
    with await scene.lab.socket(node, family, socket.SOCK_STREAM) as visit:
        visit.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wg0")
        try:
            async with asyncio.timeout(CONNECT_S):
                await loop.sock_connect(visit, (address, PORT))
        except OSError as error:
            return error.errno or errno.ETIMEDOUT
    return 0


@asynccontextmanager
async def listening(scene: Scene, node: str) -> AsyncIterator[None]:
    """Somebody serves at a port of a node."""
    kind = (socket.AF_INET, socket.SOCK_STREAM)
    with await scene.lab.socket(node, *kind) as server:
        server.bind(("0.0.0.0", PORT))  # noqa: S104 - a node of its own
        server.listen()
        yield


@asynccontextmanager
async def ipv6_world(scene: Scene) -> AsyncIterator[None]:
    """The entry forwards IPv6, and the bridge's gateway takes it."""
    lab = scene.lab
    said = await lab.exec("router", ["ip", "-6", "-o", "addr", "show", "vpn-network"])
    gateway = said.stdout.split()[3].partition("/")[0]
    way = ["default", "via", gateway, "dev", "eth0"]
    switch = "net.ipv6.conf.all.forwarding"
    await lab.exec("entry", ["sysctl", "-qw", f"{switch}=1"])
    await lab.exec("entry", ["ip", "-6", "route", "add", *way])
    try:
        yield
    finally:
        await lab.exec("entry", ["ip", "-6", "route", "del", *way])
        await lab.exec("entry", ["sysctl", "-qw", f"{switch}=0"])


async def test_nothing_is_forwarded_from_spoofed_sources(vigil: Vigil) -> None:
    rule = Filter("VPNCHAIN-PREROUTING", "-i wg0", table="mangle")

    assert await vigil.caught("entry", OneAddressEach(), rule, showing="spoofed")
    assert await vigil.leaked() == []


async def test_a_source_that_is_no_clients_is_dropped_where_a_peer_may_use_it(
    standing: Scene, vigil: Vigil
) -> None:
    async with lacking(standing.lab, "entry", OneAddressEach()):
        assert await vigil.leaked() == []


@pytest.mark.parametrize(
    ("network", "host"), [(BRIDGE_NETWORK, "exit-b"), (BUS_NETWORK, "broker")]
)
async def test_nothing_is_forwarded_to_the_chains_own_network(
    network: str, host: str, vigil: Vigil
) -> None:
    rule = Filter("VPNCHAIN-FORWARD", f"-d {network}")

    assert await vigil.caught("entry", rule, showing=host)
    assert await vigil.leaked() == []


async def test_a_client_is_told_that_broker_and_exits_are_not_for_it(
    standing: Scene,
) -> None:
    async with listening(standing, "exit-a"):
        assert await answer(standing, exit_address("exit-a")) == errno.EHOSTUNREACH
    async with listening(standing, "control"):
        assert await answer(standing, CONTROL_ADDRESS) == errno.EHOSTUNREACH


async def test_a_client_reaches_no_port_of_the_entry(standing: Scene) -> None:
    async with listening(standing, "entry"):
        async with lacking(standing.lab, "entry", INPUT):
            assert await answer(standing, ENTRY_TUNNEL_ADDRESS) == 0
        for address in OF_THE_ENTRY:
            assert await answer(standing, address) == errno.EHOSTUNREACH


async def test_ipv6_of_a_client_is_not_passed_on(standing: Scene, vigil: Vigil) -> None:
    guards = (
        Filter("VPNCHAIN-FORWARD", "-i wg0", family=6),
        Policy("FORWARD", family=6),
        Lookup("iif wg0 lookup 200 pref 1000", family=6),
    )
    async with ipv6_world(standing):
        assert await vigil.caught("entry", *guards, showing="ipv6")
        assert await vigil.leaked() == []


async def test_ipv6_of_a_client_is_refused_at_once(standing: Scene) -> None:
    # By the packet filter, or by the route that leads nowhere: both are told.
    refusals = (errno.EACCES, errno.ENETUNREACH)
    assert await answer(standing, SOMEWHERE_IPV6) in refusals


async def test_names_are_asked_for_through_the_active_exit_only(
    standing: Scene, vigil: Vigil
) -> None:
    await vigil.course.arrives(A, WITHIN_S, RESOLVER)
    asked = await standing.observer.ask(
        "coordinator", Verb.PREFER, WITHIN_S, about="exit-b"
    )
    assert asked.ok, asked.error
    await steps.active(standing, "exit-b")
    await vigil.course.arrives(B, WITHIN_S, RESOLVER)
    assert (await standing.observer.ask("coordinator", Verb.AUTO, WITHIN_S)).ok

    assert await vigil.caught("entry", ENTRY_LOOKUP, showing=RESOLVER)
    assert await vigil.leaked() == []


async def test_rules_and_routes_of_others_are_as_they_were(
    standing: Scene, foreign: Mapping[str, str]
) -> None:
    assert "DOCKER-USER" in foreign["entry"]
    assert await strangers.found(standing.lab) == foreign
