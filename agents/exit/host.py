"""The exit's host: rules and routes put in place, leftovers of a predecessor removed.

Everything is a wanted state. What keeps clients' traffic in stays when the agent goes:
the floor, the rules, the packet filter.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import Final, NoReturn

from agents.conntrack import forget_flows, mark_flows
from agents.exit import forwarding
from agents.exit.model import PppLink
from agents.exit.packet_filter import admission, filter_v4, filter_v6
from agents.firewall import Firewall, FirewallError
from agents.marks import Flows
from agents.netlink import Netlink
from agents.netlink_errors import NetlinkError
from agents.network import MAIN_TABLE, Link, Route, Traffic, link_within
from agents.settings_model import NetworkSettings
from agents.survey import survey

_CONF: Final = Path("/proc/sys/net/ipv4/conf")
_LOOSE: Final = "2"  # a reply may come in by a device that a reply would not leave by
_NEVER: Final = "0"
_IKE_PORT: Final = 500
_RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


class HostError(Exception):
    """The host is not as an exit needs it."""


class Host:
    """Netlink and packet filter, in the words of an exit.

    Attributes:
        address: Our own on the bridge; empty before `open`.
    """

    def __init__(self, network: NetworkSettings, mtu_bytes: int) -> None:
        """`mtu_bytes`: the most that ppp0 will take."""
        self.address = ""
        self._network = network
        self._mtu_bytes = mtu_bytes
        self._bridge = ""
        self._detours = True
        self._detour: str | None = None  # nobody has said anything yet
        self._server = ""  # that is led past ppp0
        self._firewall = Firewall()
        self._netlink = Netlink()
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Nothing leaves but through ppp0; only then the kernel forwards.

        Raises:
            HostError: No device is on the bridge.
        """
        await self._stack.enter_async_context(self._netlink)
        self._find_bridge(await self._netlink.links())
        for route in forwarding.floor():
            await self._netlink.ensure_route(route)
        for rule in forwarding.rules(self._bridge):
            await self._netlink.ensure_rule(rule)
        await self._filter()
        await self._join()
        await self._netlink.ensure_forwarding()

    async def _join(self) -> None:
        """What goes by names stands by itself; this goes with the bridge's device."""
        for device in ("all", self._bridge):
            _set(device, "send_redirects", _NEVER)
        back = forwarding.back(self._network.clients, self._network.entry)
        await self._netlink.ensure_route(back)

    async def keep(self) -> NoReturn:
        """Puts back what went with the bridge's device, whenever that returns.

        A container's network can be disconnected and connected again.

        Raises:
            HostError: Our address there, or the device, is another one now.
        """
        stood = False  # it may have gone and come since `open`
        async with aclosing(self._netlink.watch_links()) as views:
            async for links in views:
                stands = self._is_at_home(links)
                if stands and not stood:
                    await self._rejoin()
                stood = stands
        raise HostError(f"watching {self._bridge}: nothing more is said of it")

    def _is_at_home(self, links: tuple[Link, ...]) -> bool:
        link = link_within(links, self._network.bridge)
        if link is None:
            return False
        found = link.within(self._network.bridge)
        if link.name != self._bridge or self.address not in found:
            was, now = f"{self.address} on {self._bridge}", f"{found[0]} on {link.name}"
            raise HostError(f"keeping our address: it was {was}, is {now}")
        return link.up

    async def _rejoin(self) -> None:
        """As it was before; routes of others may come a moment after the device."""
        log.info("%s stands", self._bridge)
        server = self._server
        while True:
            try:
                await self._join()
                if self._detour is not None:
                    await self.reroute(self._detour)
                if server:
                    await self.pin(server)
            except (HostError, NetlinkError) as error:
                log.warning("%s; trying again", error)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _find_bridge(self, links: tuple[Link, ...]) -> None:
        bridge = self._network.bridge
        if (link := link_within(links, bridge)) is None:
            raise HostError(f"finding our address: none is in {bridge}")
        self._bridge, self.address = link.name, link.within(bridge)[0]

    async def _filter(self) -> None:
        """The packet filter; without detours where the kernel cannot tell them."""
        try:
            await self._apply()
        except FirewallError as error:
            log.warning("passing on to other exits is off: %s", error)
            self._detours = False
            await self._apply()

    async def _apply(self) -> None:
        v4 = filter_v4(
            self._bridge,
            self.address,
            self._network,
            await self._pinned(),
            mtu_bytes=self._mtu_bytes,
            detours=self._detours,
        )
        await self._firewall.apply(v4, filter_v6())
        await mark_flows(self._firewall, self._bridge)

    async def reroute(self, detour: str) -> None:
        """Leads clients' traffic there while ppp0 is not up; empty: nowhere.

        Never to who is no exit: the bridge's gateway, the entry, ourselves. A kernel
        that refuses is content with less: it is only the fastest way, not the only one.
        """
        self._detour = detour
        try:
            if self._detours and detour and await self._is_neighbour(detour):
                await self._netlink.ensure_route(
                    forwarding.detour(detour, self._bridge)
                )
                return
            for route in filter(forwarding.is_detour, await self._clients_routes()):
                await self._netlink.delete_route(route)
        except NetlinkError as error:
            log.warning("passing on to %s: %s", detour or "nobody", error)

    async def _is_neighbour(self, address: str) -> bool:
        if (await survey(self._netlink, self._network)).has(address):
            return True
        log.warning("passing on to %s: no exit can be there", address)
        return False

    async def has_link(self) -> bool:
        """Whether ppp0 is up, with clients' traffic led through it."""
        link = await self._netlink.link(forwarding.DEVICE)
        led = forwarding.through_link() in await self._clients_routes()
        return led and link is not None and link.up

    async def traffic(self) -> Traffic | None:
        """What has gone through ppp0; None: there is none, or nobody can tell."""
        try:
            return await self._netlink.traffic(forwarding.DEVICE)
        except NetlinkError as error:
            log.warning("%s", error)
            return None

    async def _clients_routes(self) -> tuple[Route, ...]:
        return await self._netlink.routes(forwarding.CLIENTS)

    async def sweep(self) -> None:
        """No tunnel is left in the routes; nothing happens before `open`."""
        if self.address:
            await self.unpin()
            await self._netlink.delete_link(forwarding.DEVICE)

    async def pin(self, server: str) -> str:
        """Leads the server past ppp0; the address that we have towards it.

        Raises:
            HostError: No route leads there, or it cannot be let in.
        """
        await self.unpin()
        pinned = forwarding.pin(server, await self._netlink.routes(MAIN_TABLE))
        if pinned is None:
            raise HostError(f"finding a way to {server}: no route")
        route, rule = pinned
        await self._netlink.ensure_route(route)
        await self._netlink.ensure_rule(rule)
        await self._admit((server,))
        self._server = server
        return _local_address(server)

    async def unpin(self) -> None:
        """No server is led past ppp0, nor let in."""
        self._server = ""
        if not (routes := await self._netlink.routes(forwarding.SERVER)):
            return
        for rule in await self._netlink.rules():
            if rule.table == forwarding.SERVER:
                await self._netlink.delete_rule(rule)
        for route in routes:
            await self._netlink.delete_route(route)
        await self._admit(())

    async def _pinned(self) -> tuple[str, ...]:
        """The servers that are led past ppp0."""
        return tuple(one.to for one in await self._netlink.routes(forwarding.SERVER))

    async def _admit(self, servers: Collection[str]) -> None:
        try:
            await self._firewall.apply(admission(servers))
        except FirewallError as error:
            raise HostError(str(error)) from error

    async def carry(self) -> None:
        """Leads the clients' traffic through ppp0.

        What went round by another exit meanwhile is remembered as not translated, and
        would not be: it is dropped at ppp0 (see `forwarding`) until it is forgotten.

        Raises:
            NetlinkError: ppp0 is gone again.
        """
        _set(forwarding.DEVICE, "rp_filter", _LOOSE)
        await self._netlink.ensure_route(forwarding.through_link())
        await forget_flows(Flows.CLIENTS)

    async def watch_link(self) -> AsyncGenerator[PppLink | None, None]:
        """The link ppp0 whenever it is up and has an address; else None.

        Up is IFF_UP: the address comes first, and traffic is refused until then.
        """
        async with aclosing(self._netlink.watch(forwarding.DEVICE)) as links:
            async for link in links:
                if link is None or not link.up or not link.addresses:
                    yield None
                else:
                    yield PppLink(link.addresses[0].partition("/")[0], link.mtu)

    async def close(self) -> None:
        """Lets go of the host; what keeps traffic in stays."""
        await self._stack.aclose()


def _set(device: str, name: str, value: str) -> None:
    with suppress(OSError):  # read-only in a container: its starter sets it
        (_CONF / device / name).write_text(value)


def _local_address(server: str) -> str:
    """The source address that the kernel picks towards the server; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((server, _IKE_PORT))
            return str(sock.getsockname()[0])
    except OSError as error:
        raise HostError(f"finding a way to {server}: {error.strerror}") from error
