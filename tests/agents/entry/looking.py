"""An entry that asks where its clients are seen, and somebody in each exit who says."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Generic, TypeVar

from bus.commands import Verb
from bus.messages.entries import EntryEventKind
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate
from bus.topics import EXIT_STATE
from tests.agents.entry.chain import SERVICE, Chain
from tests.agents.entry.ear import ADDRESSES, Ear, order
from tests.agents.entry.pages import PORT, Page, page
from tests.agents.entry.secure_pages import SecurePage, secure_page

SEEN: Final = {"exit-a": "192.0.2.1", "exit-b": "192.0.2.2"}
LANE: Final = "1011"  # of exit-a
SAYS_S: Final = 2.0  # how often an exit says how it is
ASKED: Final = 3  # the first may be from before, the answer to the second is taken in
READY: Final = ExitReport(stage=Stage.READY, since=time.time() - 60)


AnyPage = TypeVar("AnyPage", bound=Page)


class Looking(Generic[AnyPage]):
    """An entry that asks, and a service in each exit which says that exit's address."""

    def __init__(self, chain: Chain, ear: Ear, pages: Mapping[str, AnyPage]) -> None:
        self.chain = chain
        self.ear = ear
        self.pages = pages

    async def known(self, name: str) -> None:
        """Clients leave there, and what they are seen as is known to be its tunnel's.

        What the exits said before the wish is heard before it; then it is asked anew.
        """
        await self.ear.until(active=name, gate=Gate.OPEN)
        await say_ready(self.ear)
        await self.ear.ask(Verb.ACCEPT)
        page = self.pages[name]
        wanted = len(page.asked) + ASKED
        while len(page.asked) < wanted:
            await self.ear.listen(0.05)
        await self.ear.until(public_address=SEEN[name])

    def sabotage(self, verb: str = "add") -> None:
        """What is meant for exit-a leaves elsewhere: its lane has a better way."""
        way = ("default", "via", ADDRESSES["exit-b"], "table", LANE, "metric", "1")
        self.chain.ip("entry", "route", verb, *way)

    async def leak(self) -> None:
        """Clients are seen to leave elsewhere, and the gate is closed."""
        await self.ear.order(order(1, "exit-a"))
        await self.known("exit-a")
        self.sabotage()
        await self.ear.until(public_address=SEEN["exit-b"], gate=Gate.CLOSED)

    def gate_openings(self) -> int:
        """How often the gate was opened until now."""
        kinds = [event.kind for event in self.ear.events]
        return kinds.count(EntryEventKind.GATE_OPENED)


def start(chain: Chain, scheme: str = "http", **settings: Any) -> None:
    """The agent, asking five times a second."""
    url = f"'{scheme}://{SERVICE[0]}:{PORT}/'"
    chain.start_agent(public_address_url=url, public_address_interval_s=0.2, **settings)


@asynccontextmanager
async def looking(chain: Chain, **settings: Any) -> AsyncIterator[Looking[Page]]:
    """All of it, by http."""
    start(chain, **settings)
    async with AsyncExitStack() as stack:
        pages = {
            name: await stack.enter_async_context(
                page(chain.names[name], SERVICE[0], said_by(name))
            )
            for name in SEEN
        }
        yield await stack.enter_async_context(_looking(chain, pages))


@asynccontextmanager
async def looking_safely(
    chain: Chain, tls: ssl.SSLContext
) -> AsyncIterator[Looking[SecurePage]]:
    """The same by https; `tls`: what the services show of themselves at first."""
    start(chain, "https")
    async with AsyncExitStack() as stack:
        pages = {
            name: await stack.enter_async_context(
                secure_page(chain.names[name], SERVICE[0], said_by(name), tls)
            )
            for name in SEEN
        }
        yield await stack.enter_async_context(_looking(chain, pages))


def said_by(name: str) -> bytes:
    """What the service behind that exit says at first."""
    return f"ip={SEEN[name]}\n".encode()


@asynccontextmanager
async def _looking(
    chain: Chain, pages: Mapping[str, AnyPage]
) -> AsyncIterator[Looking[AnyPage]]:
    async with chain.bus() as ear, asyncio.TaskGroup() as exits:
        saying = exits.create_task(stay_ready(ear))
        try:
            yield Looking(chain, ear, pages)
        finally:
            saying.cancel()


async def say_ready(ear: Ear) -> None:
    """The exits say that they are ready since long ago."""
    for name in SEEN:
        await ear.bus.publish(EXIT_STATE, READY, exit=name)


async def stay_ready(ear: Ear) -> None:
    """They say it again and again."""
    while True:
        await say_ready(ear)
        await asyncio.sleep(SAYS_S)
