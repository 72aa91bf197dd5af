"""The broker: whether it lets us in, keeps others out, and knows rights."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from bus.commands import Request, Verb
from bus.interface import Bus, Received, Subscription
from bus.link import open_link
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from bus.topics import EXIT_EVENT, REQUEST
from bus.wire import Broker
from cli.doctor.finding import Finding, ok, unknown, warning, wrong
from cli.listen import own_name, reached

ECHO_TIMEOUT_S: Final = 1.5
TRIES: Final = 3
NAME_TIMEOUT_S: Final = 5.0
NOBODY: Final = "nobody-asked-by-doctor"  # a name that no agent has

# Said by whom it is not: nobody keeps an event, and nobody acts on an exit's.
_FORGED: Final = ExitEvent(
    kind=ExitEventKind.FAILED, at=0.0, before=Stage.DOWN, after=Stage.DOWN
)


@dataclass(frozen=True, slots=True)
class Rights:
    """What was found out by trying.

    Attributes:
        named: The broker's name leads somewhere.
        reached: We are let in, as whom the settings say.
        asks: A wish of ours comes through.
        forges: So does what only an exit may say.
        strangers: Who has no name and password is let in as well.
    """

    reached: bool
    named: bool = True
    asks: bool = False
    forges: bool = False
    strangers: bool = False


async def tried(broker: Broker) -> Rights:
    """What the broker lets us do."""
    if not await _has_address(broker.host):
        return Rights(reached=False, named=False)
    # In this order: whoever hears the wish hears the event as well.
    wanted = (
        Subscription(EXIT_EVENT, {"exit": NOBODY}),
        Subscription(REQUEST, {"agent": NOBODY}),
    )
    async with open_link(own_name(), "", broker, wanted) as bus:
        if not await reached(bus):
            return Rights(reached=False)
        asks = await _asks(bus)
        await bus.publish(EXIT_EVENT, _FORGED, exit=NOBODY)
        forges = await _echoes(bus, ExitEvent, ECHO_TIMEOUT_S)
    nameless = replace(broker, username="", password=None)
    async with open_link(own_name(), "", nameless, ()) as bus:
        strangers = await reached(bus)
    return Rights(reached=True, asks=asks, forges=forges, strangers=strangers)


async def _has_address(host: str) -> bool:
    if host.startswith("/"):  # a socket's path
        return True
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(NAME_TIMEOUT_S):
            await loop.getaddrinfo(host, None)
    except (TimeoutError, OSError, UnicodeError):
        return False
    return True


async def _asks(bus: Bus) -> bool:
    """Whether a wish comes back; said again, the first may come before we listen."""
    wish = Request(transaction="doctor")
    for _ in range(TRIES):
        await bus.publish(REQUEST, wish, agent=NOBODY, verb=Verb.RECONNECT)
        if await _echoes(bus, Request, ECHO_TIMEOUT_S / TRIES):
            return True
    return False


async def _echoes(bus: Bus, kind: type, within_s: float) -> bool:
    """Whether a message of ours comes back; by then it is not let through."""
    try:
        async with asyncio.timeout(within_s):
            async for heard in bus:
                if isinstance(heard, Received) and isinstance(heard.payload, kind):
                    return True
    except TimeoutError:
        pass
    return False


def of_rights(rights: Rights, broker: Broker) -> Iterator[Finding]:
    """What is wrong with them."""
    where = f"{broker.host}:{broker.port}"
    if not rights.named:
        todo = "in compose: docker compose run --rm vpnchain doctor"
        yield unknown("broker", f"nobody here knows the name {broker.host}", todo)
        return
    if not rights.reached:
        what = f"{where} does not let {broker.username or 'us'} in, or is not there"
        todo = "start it; see [broker] of the settings, and password_file"
        yield wrong("broker", what, todo)
        yield unknown("broker rights", "it is not reached")
        return
    yield ok("broker", f"{where} lets {broker.username or 'us'} in")
    anew = "vpnchain init --renew-broker, then restart the broker"
    if rights.strangers:
        yield wrong("broker rights", "anybody is let in, without a password", anew)
    elif rights.forges:
        yield wrong("broker rights", "anybody may speak as an exit", anew)
    elif not rights.asks:
        what = f"{broker.username} may not ask for anything"
        yield warning("broker rights", what, f"be another user, or {anew}")
    else:
        yield ok("broker rights", "we may ask, and speak for nobody else")
