"""What an agent's process takes, said on the bus now and then. Source: proc(5)."""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

from bus.interface import Bus
from bus.messages.telemetry import Telemetry
from bus.topics import TELEMETRY

EVERY_S: Final = 15.0
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
STATM: Final = Path("/proc/self/statm")  # in pages: all, resident, ...
FILES: Final = Path("/proc/self/fd")


async def keep_telling(bus: Bus, name: str) -> None:
    """Says it for ever, as the agent of that name."""
    while True:
        await bus.publish(TELEMETRY, present(bus), agent=name)
        await asyncio.sleep(EVERY_S)


def present(bus: Bus) -> Telemetry:
    """What it takes at this moment."""
    counters = bus.counters
    return Telemetry(
        memory_bytes=int(STATM.read_text().split()[1]) * PAGE_BYTES,
        cpu_s=round(time.process_time(), 3),
        open_files=len(list(FILES.iterdir())),
        tasks=len(asyncio.all_tasks()),
        queued=counters.queued,
        dropped=counters.dropped,
        malformed=counters.malformed,
    )
