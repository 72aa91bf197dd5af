"""A routing table for each exit, which only our own probes ask.

A packet with an exit's mark goes to that exit or nowhere: its table ends in a floor,
and rule and floor stand before the first probe is sent. The number of mark and table
follows from the exit's address alone, so a successor finds what a killed agent left.

What comes back bears no mark. Where the kernel asks of each packet whether an answer
would leave by the device that it came in by (`rp_filter`), it must find that one: the
targets get a table that is asked for little else, as only probes go to a target from
the entry's address on the bridge.
"""

from collections.abc import Collection
from ipaddress import IPv4Address
from typing import Final

from agents.entry.model import ACTIVE_METRIC
from agents.marks import FIRST_LANE, LANES
from agents.netlink import Netlink
from agents.network import FLOOR_METRIC, Route, Rule
from agents.settings_model import NetworkSettings

PRIORITY: Final = 900
REPLIES: Final = 199
REPLIES_PRIORITY: Final = 901


class ProbeRoutes:
    """The tables of those exits that are measured."""

    def __init__(
        self,
        net: Netlink,
        device: str,
        network: NetworkSettings,
        targets: Collection[str],
    ) -> None:
        """`device`: the one towards the exits; `targets`: who will be asked there."""
        self._net = net
        self._device = device
        self._bridge = network.bridge
        self._replies = {_reply(str(network.entry), target) for target in targets}

    async def receive(self) -> None:
        """What the targets send to the entry's address on the bridge comes in.

        Raises:
            NetlinkError: It may be dropped.
        """
        for rule in await self._net.rules():
            if rule.priority == REPLIES_PRIORITY and rule not in self._replies:
                await self._net.delete_rule(rule)
        await self._net.ensure_route(Route(REPLIES, dev=self._device))
        for rule in self._replies:
            await self._net.ensure_rule(rule)

    async def open(self, address: str) -> int:
        """The mark of packets that go to this exit; harmless if it is open already.

        Raises:
            NetlinkError: The device does not reach the exit; its mark goes nowhere.
        """
        mark = self.mark(address)
        await self._net.ensure_route(_floor(mark))
        await self._net.ensure_rule(Rule(PRIORITY, mark, mark=mark))
        way = Route(mark, via=address, dev=self._device, metric=ACTIVE_METRIC)
        await self._net.ensure_route(way)
        return mark

    async def sweep(self, addresses: Collection[str]) -> None:
        """No lane is left but to these exits; nobody may be sending in others.

        Raises:
            NetlinkError: Some are left.
        """
        kept = {self.mark(address) for address in addresses}
        for rule in await self._net.rules():
            ours = rule.priority == PRIORITY and rule.mark == rule.table
            if ours and rule.table not in kept:
                await self._net.delete_rule(rule)
                for route in await self._net.routes(rule.table):
                    await self._net.delete_route(route)

    def mark(self, address: str) -> int:
        """The number of the exit's mark and table."""
        place = int(IPv4Address(address)) - int(self._bridge.network_address)
        return FIRST_LANE + place % LANES  # an address outside has one, too


def _floor(table: int) -> Route:
    return Route(table, kind="unreachable", metric=FLOOR_METRIC)


def _reply(entry: str, target: str) -> Rule:
    """As the kernel looks for the way back: from us to whom a packet came from."""
    return Rule(
        REPLIES_PRIORITY, REPLIES, iif="lo", to=f"{target}/32", source=f"{entry}/32"
    )
