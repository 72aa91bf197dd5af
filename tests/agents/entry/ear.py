"""What others hear of the entry, and how they wait for it."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from bus.commands import Request, Response
from bus.interface import Bus, Forgotten, Heard, Received
from bus.messages.entries import EntryEvent, EntryReport, PeerReport
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import PathReport
from bus.topics import (
    ENTRY_EVENT,
    ENTRY_STATE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    REQUEST,
    RESPONSE,
)

ADDRESSES: Final = {"exit-a": "172.20.0.11", "exit-b": "172.20.0.12"}
HOPS: Final = tuple(Hop(exit=name, address=at) for name, at in ADDRESSES.items())
FACT_S: Final = 20.0  # every wait for a fact ends; none is expected to be long


def order(epoch: int, active: str | None, gate: Gate = Gate.OPEN) -> Order:
    """An order as the coordinator says it."""
    return Order(epoch=epoch, gate=gate, active=active, exits=HOPS, reason="test")


class Ear:
    """What was heard of the entry: the latest states, and every event."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.events: list[EntryEvent] = []
        self.responses: dict[str, Response] = {}  # by transaction
        self.report: EntryReport | None = None
        self.peers: dict[str, PeerReport] = {}
        self.paths: dict[str, PathReport] = {}

    async def order(self, order: Order) -> None:
        """Says it."""
        await self.bus.publish(ORDER, order)

    async def ask(self, verb: str, **about: str) -> Response:
        """The entry's answer to this wish."""
        wish = Request(transaction=str(len(self.responses) + 1), **about)
        await self.bus.publish(REQUEST, wish, agent="entry", verb=verb)
        while wish.transaction not in self.responses:
            await self._hear(f"an answer to {verb}")
        return self.responses[wish.transaction]

    async def until(self, **fields: Any) -> EntryReport:
        """The first report of this present."""
        while not (self.report and _has(self.report, fields)):
            await self._hear(f"a report with {fields}, not {self.report}")
        return self.report

    async def until_peer(self, **fields: Any) -> PeerReport:
        """The first report of the phone that has this."""
        while "phone" not in self.peers or not _has(self.peers["phone"], fields):
            await self._hear(f"a peer with {fields}, not {self.peers}")
        return self.peers["phone"]

    async def until_path(self, exit_: str, **fields: Any) -> PathReport:
        """The first report of the path through that exit that has this."""
        while exit_ not in self.paths or not _has(self.paths[exit_], fields):
            await self._hear(f"a path through {exit_} with {fields}, not {self.paths}")
        return self.paths[exit_]

    async def until_no_path(self, exit_: str) -> None:
        """That path's report was taken back."""
        while exit_ in self.paths:
            await self._hear(f"that the path through {exit_} is forgotten")

    async def until_forgotten(self, peer: str) -> None:
        """That peer's report was taken back; others may have come."""
        while peer in self.peers or not self.peers:
            await self._hear(f"that {peer} is forgotten, not {self.peers}")

    async def listen(self, for_s: float) -> None:
        """Takes in what comes in that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                async for heard in self.bus:
                    self._take(heard)

    async def until_event(self, **fields: Any) -> EntryEvent:
        """The first event, from the beginning on, that has this."""
        while not (found := [one for one in self.events if _has(one, fields)]):
            await self._hear(f"an event with {fields}, not {self.events}")
        return found[0]

    async def _hear(self, what: str) -> None:
        try:
            async with asyncio.timeout(FACT_S):
                async for heard in self.bus:
                    self._take(heard)
                    return
        except TimeoutError:
            raise AssertionError(f"waiting for {what}") from None

    def _take(self, heard: Heard) -> None:
        if isinstance(heard, Forgotten):
            self.peers.pop(heard.levels.get("peer", ""), None)
            self.paths.pop(heard.levels.get("exit", ""), None)
        elif not isinstance(heard, Received):
            return
        elif heard.topic is ENTRY_STATE:
            self.report = heard.payload
        elif heard.topic is ENTRY_EVENT:
            self.events.append(heard.payload)
        elif heard.topic is RESPONSE:
            self.responses[heard.payload.transaction] = heard.payload
        elif heard.topic is PEER_STATE:
            self.peers[heard.levels["peer"]] = heard.payload
        elif heard.topic is PATH_STATE:
            self.paths[heard.levels["exit"]] = heard.payload


def _has(value: object, fields: dict[str, Any]) -> bool:
    return all(getattr(value, key) == wanted for key, wanted in fields.items())
