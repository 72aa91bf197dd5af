"""The way of the clients' packets: floor, filter, next hop.

Fail closed: `close` stands before there is any tunnel, and nothing here takes it away.
All of it goes by names, so it stands also while a device is not there.
"""

import errno
from contextlib import aclosing
from ipaddress import IPv4Network, ip_interface
from typing import Final, NoReturn

from agents.conntrack import mark_flows
from agents.entry.model import (
    ACTIVE_METRIC,
    DEVICE,
    NEXT_HOP,
    RULE_PRIORITY,
    TABLE,
)
from agents.entry.packet_filter import rules
from agents.firewall import Firewall
from agents.netlink import Netlink
from agents.netlink_errors import NetlinkError
from agents.network import FLOOR_METRIC, Family, Link, Route, Rule

_FAMILIES: Final[tuple[Family, ...]] = (4, 6)


class MovedError(Exception):
    """The device towards the exits is another one now: its successor begins anew."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__(f"keeping the bridge: it was {before}, is {after}")


class DataPlane:
    """The clients' own routing table and its filter."""

    def __init__(
        self,
        net: Netlink,
        firewall: Firewall,
        bridge: str,
        clients: IPv4Network,
        *,
        client_to_client: bool,
    ) -> None:
        """`bridge`: the device towards the exits; it may come and go."""
        self._net = net
        self._firewall = firewall
        self._bridge = bridge
        self._clients = clients
        self._among = client_to_client
        self._near: tuple[IPv4Network, ...] = ()

    async def close(self) -> None:
        """Filter, rules and floor stand; a next hop that stands already goes on."""
        await self._refuse(await self._net.links())
        await mark_flows(self._firewall, DEVICE)
        for family in _FAMILIES:
            floor = Route(TABLE, kind="unreachable", metric=FLOOR_METRIC, family=family)
            await self._net.ensure_route(floor)
            rule = Rule(RULE_PRIORITY, TABLE, iif=DEVICE, family=family)
            await self._net.ensure_rule(rule)
        await self._net.ensure_forwarding()

    async def _refuse(self, links: tuple[Link, ...]) -> None:
        """What clients may not reach from here, they do not."""
        self._near = networks(links, self._clients, among=self._among)
        await self._firewall.apply(
            *rules(
                self._bridge, self._clients, self._near, client_to_client=self._among
            )
        )

    async def keep(self) -> NoReturn:
        """Refuses clients each network that the entry comes to stand in, for ever."""
        async with aclosing(self._net.watch_links()) as views:
            async for links in views:
                if networks(links, self._clients, among=self._among) != self._near:
                    await self._refuse(links)
        raise NetlinkError("watching the networks", errno.EPIPE)

    async def point(self, via: str | None) -> None:
        """Clients' packets go there; None: nowhere.

        Raises:
            NetlinkError: They go nowhere now.
        """
        if via is None:
            await self._net.delete_nexthop(NEXT_HOP)
            return
        try:
            await self._net.replace_nexthop(NEXT_HOP, via, self._bridge)
            await self._net.ensure_route(
                Route(TABLE, metric=ACTIVE_METRIC, nexthop_id=NEXT_HOP)
            )
        except NetlinkError:
            # Whoever carried the traffic until now was to be left.
            await self._net.delete_nexthop(NEXT_HOP)
            raise

    async def pointed(self) -> str | None:
        """Where a predecessor let the packets go; None: nowhere."""
        hop = await self._net.nexthop(NEXT_HOP)
        followed = [route.nexthop_id for route in await self._net.routes(TABLE)]
        return hop.via if hop and NEXT_HOP in followed else None


def networks(
    links: tuple[Link, ...], clients: IPv4Network, *, among: bool
) -> tuple[IPv4Network, ...]:
    """The networks that clients may not reach from here: all that the entry stands in.

    `among`: the clients' own is not one of them.
    """
    near = {
        interface.network
        for link in links
        for interface in map(ip_interface, link.addresses)
        if isinstance(interface.network, IPv4Network) and link.name != DEVICE
    }
    if not among:
        near.add(clients)
    return tuple(sorted(near))
