"""`python -m bench.discovery`: how soon Home Assistant knows a large chain.

From its birth message until every declaration of 16 exits and 250 peers has been said
again, the jitter included; the agent is a process of its own. About ten seconds.
"""

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.loopback import mosquitto
from bus.discovery import BIRTH, Discovery
from bus.examples import example_of
from bus.interface import Bus
from bus.link import open_link
from bus.messages.entries import EntryReport, PeerReport
from bus.messages.exits import ExitReport
from bus.outbox import Parcel
from bus.topics import ENTRY_STATE, EXIT_STATE, PEER_STATE
from bus.wire import Broker, Wire, open_wire

EXITS: Final = 16
PEERS: Final = 250
ROUNDS: Final = 3
GOAL_S: Final = 5.0
LIMIT_S: Final = 60.0
DISCOVERY: Final = Discovery()


@asynccontextmanager
async def agent(broker: Broker) -> AsyncIterator[None]:
    """Home automation's agent, with its defaults, but that it shows peers."""
    environment = {
        **os.environ,
        "VPNCHAIN_BROKER_HOST": broker.host,
        "VPNCHAIN_BROKER_PORT": str(broker.port),
        "VPNCHAIN_HOMEASSISTANT_PEERS": "true",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agents", "homeassistant"),
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def populate(bus: Bus) -> None:
    """A large chain, as the broker retains it."""
    for number in range(EXITS):
        await bus.publish(EXIT_STATE, example_of(ExitReport), exit=f"exit-{number}")
    await bus.publish(ENTRY_STATE, example_of(EntryReport), entry="entry")
    for number in range(PEERS):
        report = replace(example_of(PeerReport), name=f"client {number}")
        levels = {"entry": "entry", "peer": f"peer-{number}"}
        await bus.publish(PEER_STATE, report, **levels)


async def first(house: Wire) -> set[str]:
    """All declarations: those until the last peer is there, and nothing is missing."""
    names: set[str] = set()
    last = {f"peer-entry-peer-{number}-sent-bytes" for number in range(PEERS)}
    last |= {f"exit-exit-{number}-sent-bytes" for number in range(EXITS)}
    async for delivery in house.deliveries():
        names.add(delivery.name)
        last.discard(delivery.name.split("/")[-2])
        if not last:
            break
    return names


async def again_s(house: Wire, wanted: set[str]) -> float:
    """Seconds from a birth until all that is wanted was said again."""
    missing = set(wanted)
    began_s = time.monotonic()
    birth = DISCOVERY.birth.name().removeprefix("/")
    await house.say(Parcel(birth, BIRTH.encode(), 1, retain=False))
    async for delivery in house.deliveries():
        missing.discard(delivery.name)
        if not missing:
            break
    return time.monotonic() - began_s


async def measure(broker: Broker) -> tuple[int, float]:
    """How many declarations there are, and the longest of some rounds in seconds."""
    async with (
        asyncio.timeout(LIMIT_S),
        open_link("bench", "", broker, []) as bus,
        open_wire(broker, "house", None, asyncio.Lock()) as house,
    ):
        await populate(bus)
        await house.ask(f"{DISCOVERY.prefix}/+/{DISCOVERY.node}/+/config", 1)
        async with agent(broker):
            wanted = await first(house)
            rounds = [await again_s(house, wanted) for _ in range(ROUNDS)]
    return len(wanted), max(rounds)


async def run() -> None:
    """Measures, prints; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        async with mosquitto(Path(folder)) as port:
            count, took_s = await measure(Broker("127.0.0.1", port))
    print(f"discovery of {EXITS} exits and {PEERS} peers: {count} declarations")
    print(f"{'all said again, s':20}{took_s:10.2f}   goal, at most {GOAL_S:g}")
    told = {"declarations": count, "again_s": round(took_s, 2)}
    print(json.dumps({"kernel": platform.release(), "discovery": told}))


if __name__ == "__main__":
    asyncio.run(run())
