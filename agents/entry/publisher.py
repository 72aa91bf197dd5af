"""What the entry has to say, onto the bus; events into the log too."""

import logging
import time
from typing import assert_never

from agents.entry.model import (
    ForgetLeak,
    ForgetPath,
    ForgetPeer,
    SayEvent,
    Saying,
    SayLeak,
    SayPath,
    SayPeer,
    SayReport,
    SayResponse,
)
from bus.complaints import one_line
from bus.interface import Bus
from bus.messages.entries import EntryEvent, EntryEventKind, LeakReport
from bus.topics import (
    ENTRY_EVENT,
    ENTRY_LEAK,
    ENTRY_STATE,
    PATH_STATE,
    PEER_STATE,
    RESPONSE,
)

log = logging.getLogger(__name__)


async def say(bus: Bus, entry: str, saying: Saying) -> None:
    """Says it as this entry."""
    match saying:
        case SayReport(report=report):
            await bus.publish(ENTRY_STATE, report, entry=entry)
        case SayEvent():
            await bus.publish(ENTRY_EVENT, _event(saying), entry=entry)
        case SayPeer(peer=peer, report=of_peer):
            await bus.publish(PEER_STATE, of_peer, entry=entry, peer=peer)
        case SayPath(exit=name, report=of_path):
            await bus.publish(PATH_STATE, of_path, entry=entry, exit=name)
        case SayLeak(why=why):
            log.warning("the gate is closed against all orders: %s", one_line(why))
            await bus.publish(ENTRY_LEAK, LeakReport(why=why), entry=entry)
        case SayResponse(verb=verb, response=response):
            await bus.publish(RESPONSE, response, agent=entry, verb=verb)
        case ForgetPeer() | ForgetPath() | ForgetLeak():
            await _forget(bus, entry, saying)
        case _:
            assert_never(saying)


async def _forget(
    bus: Bus, entry: str, gone: ForgetPeer | ForgetPath | ForgetLeak
) -> None:
    """Takes back what was said of it."""
    match gone:
        case ForgetPeer(peer=peer):
            await bus.forget(PEER_STATE, entry=entry, peer=peer)
        case ForgetPath(exit=name):
            await bus.forget(PATH_STATE, entry=entry, exit=name)
        case ForgetLeak():
            log.info("no leak stands any more")
            await bus.forget(ENTRY_LEAK, entry=entry)
        case _:
            assert_never(gone)


def _event(said: SayEvent) -> EntryEvent:
    what = said.peer or said.why
    if said.kind is EntryEventKind.MOVED:
        what = f"{said.before or 'nowhere'} -> {said.after or 'nowhere'}"
        if said.outage_ms:
            what = f"{what} after {said.outage_ms:.0f} ms without a way"
    log.info("%s %s (order %d)", said.kind, what, said.epoch)
    return EntryEvent(
        kind=said.kind,
        at=time.time(),
        before=said.before,
        after=said.after,
        peer=said.peer,
        epoch=said.epoch,
        outage_ms=said.outage_ms,
    )
