"""Links, addresses, rules, routes and next-hop objects of this network namespace.

Everything is a wanted state: asking twice is harmless, what is gone already counts as
deleted. Owner of pyroute2, together with `agents/rtnetlink.py`, which knows its
messages, and `agents/pyroute2_parts.py`, which imports it.

    NetlinkError   the kernel refused, or did not answer; `errno` says how

Where the kernel has no IPv6, what is asked of family 6 is left out (there is nothing to
close) and the log says so once.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, Self

from agents.kernel import has_ipv6
from agents.netlink_errors import REFUSALS, NetlinkError, asking, number_of, removing
from agents.network import Family, Link, NextHop, Route, Rule, Traffic
from agents.pyroute2_parts import (
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    RTM_DELROUTE,
    RTM_GETLINK,
    RTM_NEWROUTE,
    RTMGRP_IPV4_IFADDR,
    RTMGRP_IPV6_IFADDR,
    RTMGRP_LINK,
    AsyncIPRoute,
)
from agents.rtnetlink import (
    AF,
    POLICY,
    RTM_DELNEXTHOP,
    RTM_GETNEXTHOP,
    RTM_NEWNEXTHOP,
    fold,
    index_of,
    link_message,
    nexthop_id_message,
    nexthop_message,
    route_message,
    route_of,
    rule_arguments,
    rule_of,
    traffic_of,
    version,
)

_ASK: Final = NLM_F_REQUEST | NLM_F_ACK
_PUT: Final = _ASK | NLM_F_CREATE | NLM_F_REPLACE
_WATCHED: Final = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
_FORWARD: Final = Path("/proc/sys/net/ipv4/ip_forward")
log = logging.getLogger(__name__)


class _Conversation(AsyncIPRoute):  # type: ignore[misc]  # untyped
    """A socket for questions; pyroute2 would keep what comes once nobody waits."""

    def enqueue(self, data: bytes, addr: object) -> None:
        super().enqueue(data, addr)
        unasked = self.msg_queue.root
        while not unasked.empty():
            unasked.get_nowait()


class Netlink:
    """A conversation with the kernel about the namespace it was opened in."""

    def __init__(self) -> None:
        self._ipr: Any = None
        self._ipv6 = has_ipv6()
        self._dumping = asyncio.Lock()  # a second dump on one socket is EBUSY

    async def __aenter__(self) -> Self:
        self._ipr = _Conversation()
        self._ipr.register_policy(POLICY)
        if not self._ipv6:
            log.info("the kernel has no IPv6: nothing of it to route or to close")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ipr.close()

    @property
    def ipv6(self) -> bool:
        """Whether the kernel has IPv6 at all."""
        return self._ipv6

    # --- links ---------------------------------------------------------------------

    async def links(self) -> tuple[Link, ...]:
        """Every device, by index."""
        return tuple((await self._links()).values())

    async def link(self, name: str) -> Link | None:
        """One device; None if there is none of that name."""
        return _named(await self._links(), name)

    async def traffic(self, name: str) -> Traffic | None:
        """What has gone through a device; None if there is none of that name."""
        async with removing(f"reading the traffic of {name}"):
            asked = link_message(index_of(name))
            for answer in await self._tell(asked, RTM_GETLINK, NLM_F_REQUEST):
                return traffic_of(answer)
        return None

    async def watch(self, name: str) -> AsyncGenerator[Link | None, None]:
        """The device as it is, then as it becomes; None while it does not exist.

        No change is skipped; only where the kernel had to drop messages (ENOBUFS) the
        present is read again. A device that returns with another index is the same one.
        """
        said: list[Link | None] = []
        async with aclosing(self.watch_links()) as views:
            async for links in views:
                now = next((link for link in links if link.name == name), None)
                if said != [now]:
                    said = [now]
                    yield now

    async def watch_links(self) -> AsyncGenerator[tuple[Link, ...], None]:
        """Every device as it is, then after each change; see `watch`."""
        while True:
            try:
                async with aclosing(self._watch_all()) as views:
                    async for links in views:
                        yield tuple(links.values())
            except REFUSALS as error:
                if (number := number_of(error)) != errno.ENOBUFS:
                    raise NetlinkError("watching the links", number) from error
                log.warning("watching the links: messages lost, reading the present")

    async def _watch_all(self) -> AsyncGenerator[Mapping[int, Link], None]:
        """The devices now and after each message; listening begins before reading."""
        async with AsyncIPRoute() as ipr:
            await ipr.bind(groups=_WATCHED)
            links = await self._links()
            yield links
            while True:  # get() ends after each batch
                async for message in ipr.get():
                    links = fold(links, message)
                    yield links

    async def _links(self) -> Mapping[int, Link]:
        async with asking("reading the links"), self._dumping:
            links: Mapping[int, Link] = {}
            async for message in await self._ipr.link("dump"):
                links = fold(links, message)
            async for message in await self._ipr.addr("dump"):
                links = fold(links, message)
            return links

    async def add_wireguard(self, name: str) -> None:
        """A WireGuard device of the kernel's; EOPNOTSUPP if it cannot."""
        try:
            async with asking(f"adding WireGuard device {name}"):
                await self._ipr.link("add", ifname=name, kind="wireguard")
        except NetlinkError as error:
            if error.errno != errno.EEXIST:
                raise

    async def delete_link(self, name: str) -> None:
        """No such device any more."""
        async with removing(f"deleting {name}"):
            await self._ipr.link("del", index=index_of(name))

    async def set_mtu(self, name: str, mtu: int) -> None:
        """The device takes packets of that many bytes."""
        async with asking(f"setting the MTU of {name} to {mtu}"):
            await self._ipr.link("set", index=index_of(name), mtu=mtu)

    async def set_up(self, name: str) -> None:
        """The device is up."""
        async with asking(f"setting {name} up"):
            await self._ipr.link("set", index=index_of(name), state="up")

    async def set_address(self, name: str, *wanted: str) -> None:
        """These are the device's addresses ("10.13.13.1/24"), link-local ones apart."""
        link = await self.link(name)
        present = link.addresses if link else ()
        for address in (one for one in wanted if one not in present):
            if self._ipv6 or version(address) == 4:
                await self._address("replace", name, address)
        for address in (one for one in present if one not in wanted):
            if not address.startswith("fe80:"):
                await self._address("del", name, address)

    async def _address(self, verb: str, name: str, address: str) -> None:
        ip, _, length = address.partition("/")
        family = AF[version(address)]
        async with asking(f"{verb} of address {address} on {name}"):
            index = index_of(name)
            await self._ipr.addr(
                verb, index=index, address=ip, prefixlen=int(length), family=family
            )

    # --- rules, routes, next hops ----------------------------------------------------

    async def ensure_rule(self, rule: Rule) -> None:
        """The rule stands; others of its priority are left alone."""
        if not self._speaks(rule.family):
            return
        try:
            async with asking(f"adding rule {rule.priority} (IPv{rule.family})"):
                await self._ipr.rule("add", **rule_arguments(rule))
        except NetlinkError as error:
            if error.errno != errno.EEXIST:
                raise

    async def delete_rule(self, rule: Rule) -> None:
        """The rule does not stand."""
        if self._speaks(rule.family):
            async with removing(f"deleting rule {rule.priority} (IPv{rule.family})"):
                await self._ipr.rule("del", **rule_arguments(rule))

    async def rules(self, family: Family = 4) -> tuple[Rule, ...]:
        """The rules of one family, in the order in which they are asked."""
        if not self._speaks(family):
            return ()
        async with asking("reading the rules"), self._dumping:
            dump = await self._ipr.rule("dump", family=AF[family])
            return tuple([rule_of(message) async for message in dump])

    async def ensure_route(self, route: Route) -> None:
        """The route stands, at once in place of one to the same prefix and metric."""
        if self._speaks(route.family):
            async with asking(f"setting route {route.to} in table {route.table}"):
                await self._tell(route_message(route), RTM_NEWROUTE, _PUT)

    async def delete_route(self, route: Route) -> None:
        """The route does not stand."""
        if self._speaks(route.family):
            async with removing(f"deleting {route.to} from table {route.table}"):
                await self._tell(route_message(route), RTM_DELROUTE, _ASK)

    async def routes(self, table: int, family: Family = 4) -> tuple[Route, ...]:
        """The routes of one table."""
        if not self._speaks(family):
            return ()
        names = {link.index: link.name for link in await self.links()}
        async with asking(f"reading table {table}"), self._dumping:
            dump = await self._ipr.route("dump", family=AF[family])
            found = [route_of(message, names) async for message in dump]
        return tuple(route for route in found if route.table == table)

    async def replace_nexthop(self, number: int, via: str, dev: str) -> None:
        """The next-hop object points there; routes that follow it move in this instant.

        It dies with its device, and when that is set down: say it again then.
        """
        async with asking(f"pointing next hop {number} to {via} on {dev}"):
            hop = nexthop_message(NextHop(number, via, dev))
            await self._tell(hop, RTM_NEWNEXTHOP, _PUT)

    async def delete_nexthop(self, number: int) -> None:
        """No such next-hop object any more, nor any route that followed it."""
        async with removing(f"deleting next hop {number}"):
            await self._tell(nexthop_id_message(number), RTM_DELNEXTHOP, _ASK)

    async def nexthop(self, number: int) -> NextHop | None:
        """Where the next-hop object points; None if there is none of that number."""
        async with removing(f"reading next hop {number}"):
            asked = nexthop_id_message(number)
            for answer in await self._tell(asked, RTM_GETNEXTHOP, NLM_F_REQUEST):
                dev = socket.if_indextoname(answer.get_attr("NHA_OIF"))
                return NextHop(number, answer.get_attr("NHA_GATEWAY"), dev)
        return None

    async def ensure_forwarding(self) -> None:
        """The kernel forwards IPv4; in a container only its starter may say so."""
        async with asking("setting net.ipv4.ip_forward to 1"):
            if _FORWARD.read_text().strip() != "1":
                _FORWARD.write_text("1")

    async def _tell(self, message: Any, kind: int, flags: int) -> list[Any]:
        answer = await self._ipr.nlm_request(message, kind, flags)
        return [one async for one in answer]

    def _speaks(self, family: Family) -> bool:
        return family == 4 or self._ipv6


def _named(links: Mapping[int, Link], name: str) -> Link | None:
    return next((link for link in links.values() if link.name == name), None)
