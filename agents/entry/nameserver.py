"""Leads the DNS of clients through the exit that is in use, beside the loop."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, NoReturn

from agents.conntrack import forget_flows
from agents.entry.resolver import choose, leading, own_addresses
from agents.entry.waiting import wait_within
from agents.firewall import Firewall, FirewallError
from agents.marks import Flows
from agents.settings_model import Settings
from bus.messages.orders import Hop

RETRY_S: Final = 5.0
ANSWERED_S: Final = 1.0  # what was asked before a move has its answer by then, or none
log = logging.getLogger(__name__)


class Nameserver:
    """The rules for what clients ask at wg0's own addresses.

    A question that was asked already keeps its resolver: after a planned move it may
    answer still. A moment later every conversation begins anew.
    """

    def __init__(
        self,
        firewall: Firewall,
        settings: Settings,
        addresses: Sequence[str],
        retry_s: float = RETRY_S,
    ) -> None:
        """`addresses`: of wg0, as "10.13.13.1/24"."""
        self._retry_s = retry_s
        self._firewall = firewall
        self._settings = settings
        self._own = own_addresses(addresses)
        self._wish: str | None = None  # nobody has said anything yet
        self._wished = asyncio.Event()

    def follow(self, hop: Hop | None) -> None:
        """Packets go to this exit now; None: nowhere."""
        resolver = choose(hop, self._settings.entry, self._settings.network)
        if resolver != self._wish:
            self._wish = resolver
            self._wished.set()

    def listen_at(self, addresses: Sequence[str]) -> None:
        """These are wg0's addresses now."""
        own = own_addresses(addresses)
        if own != self._own:
            self._own = own
            if self._wish is not None:
                self._wished.set()

    async def keep(self) -> NoReturn:
        """Does the last wish, and tries again what failed."""
        retry_s: float | None = None
        while True:
            await wait_within(self._wished, retry_s)
            self._wished.clear()
            retry_s = None if await self._lead() else self._retry_s
            if retry_s is None:
                await wait_within(self._wished, ANSWERED_S)
                await forget_flows(Flows.DNS)

    async def _lead(self) -> bool:
        resolver = self._wish or ""
        try:
            await self._firewall.apply(leading(self._own, resolver))
        except FirewallError as error:
            log.warning("leading DNS to %s: %s", resolver or "nobody", error)
            return False
        log.info("DNS of clients is answered by %s", resolver or "nobody")
        return True
