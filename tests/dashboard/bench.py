"""`python -m tests.dashboard.bench`: what the dashboard costs, and how soon it shows.

A big chain of stand-ins (16 exits, 250 peers) said again every heartbeat, the dashboard
as a process of its own, one page in Chromium and 100 streams beside it. The last line
is one JSON object.
"""

import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from playwright.async_api import Page, expect

from bus.examples import example_of
from bus.heartbeat import HEARTBEAT_S
from bus.messages.entries import PeerReport
from bus.messages.exits import Stage
from bus.messages.paths import Health
from bus.wire import Broker
from tests.dashboard.browser import chromium
from tests.mosquitto import Mosquitto, free_port
from tests.standin import StandIns, stand_ins

EXITS: Final = 16
PEERS: Final = 250
PAGES: Final = 100
EVENTS: Final = 20
IDLE_S: Final = 20.0
SETTLE_S: Final = 3.0
LIMIT_S: Final = 30.0
PAUSE_S: Final = 0.3
# Resolved with the frame in which the text has been painted.
PAINTED: Final = """(node, text) => new Promise((done) => {
  const look = () => node.textContent.includes(text) && requestAnimationFrame(done);
  new MutationObserver(look).observe(node, { childList: true, subtree: true });
})"""
GOALS: Final = {
    "load_s": 1.0,
    "event_to_pixel_ms": 150.0,
    "cpu_percent": 10.0,
    "resident_mb": 90.0,
}


@asynccontextmanager
async def dashboard(broker: Broker, port: int) -> AsyncIterator[int]:
    """A dashboard's process; its pid."""
    environment = {
        **os.environ,
        "VPNCHAIN_BROKER_HOST": broker.host,
        "VPNCHAIN_BROKER_PORT": str(broker.port),
        "VPNCHAIN_BROKER_BASE": broker.base,
        "VPNCHAIN_DASHBOARD_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agents", "dashboard"),
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def repeat(chain: StandIns) -> None:
    """Says all states again with every heartbeat, a bit changed, spread over it."""
    turn = 0
    while True:
        turn += 1
        for number, exit_ in enumerate(chain.exits.values()):
            rtt_ms = 20.0 + (turn + number) % 7
            await exit_.carry(turn * 1_000_000, turn * 100_000)
            await chain.entry.measure(
                exit_.name, Health.UP, rtt_ms=rtt_ms, jitter_ms=1.0, loss_ratio=0.0
            )
            for peer in range(number, PEERS, EXITS):
                await meet(chain, peer, turn)
            await asyncio.sleep(HEARTBEAT_S / EXITS)


async def meet(chain: StandIns, number: int, turn: int) -> None:
    report = replace(
        example_of(PeerReport), name=f"peer-{number}", received_bytes=turn * 1000
    )
    await chain.entry.meet(f"peer-{number}", report)


@dataclass(slots=True)
class Audience:
    """Pages that only listen.

    Attributes:
        heard_bytes: What all of them were sent.
    """

    url: str
    heard_bytes: int = 0

    async def follow(self, session: ClientSession) -> None:
        """One page, for ever."""
        async with session.get(f"{self.url}/api/stream") as answer:
            async for some in answer.content.iter_any():
                self.heard_bytes += len(some)


async def event_to_pixel_ms(page: Page, chain: StandIns) -> float:
    """Milliseconds from a state said until the page shows it; the median."""
    best = chain.exits["exit-15"]
    taken_ms = []
    for number in range(EVENTS):
        cause = f"cause number {number}"
        painted = asyncio.create_task(
            page.locator("#stations").evaluate(PAINTED, cause)
        )
        await asyncio.sleep(PAUSE_S)  # the page is looking when it happens
        began_s = time.monotonic()
        await best.be(Stage.IKE if number % 2 else Stage.DOWN, cause)
        await painted
        taken_ms.append(1000 * (time.monotonic() - began_s))
    return statistics.median(taken_ms)


def busy_s(pid: int) -> float:
    """Processor time so far (proc(5), 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


async def measure(broker: Broker, stack: AsyncExitStack) -> dict[str, float]:
    """All figures; keys as in GOALS, and what all pages were sent meanwhile."""
    names = [f"exit-{number}" for number in range(EXITS)]
    chain = await stack.enter_async_context(stand_ins(broker, names))
    audience = Audience(f"http://127.0.0.1:{(port := free_port())}")
    pid = await stack.enter_async_context(dashboard(broker, port))
    browser = await stack.enter_async_context(chromium())
    endless, wide = ClientTimeout(total=None), TCPConnector(limit=0)
    session = ClientSession(timeout=endless, connector=wide)
    await stack.enter_async_context(session)
    await _served(session, audience.url)
    for name in names:
        await chain.ready(name)
    async with asyncio.TaskGroup() as tasks:
        pages = (audience.follow(session) for _ in range(PAGES - 1))
        running = [tasks.create_task(job) for job in (repeat(chain), *pages)]
        page = await browser.new_page()
        figures = {
            "load_s": await load_s(page, audience.url),
            "event_to_pixel_ms": await event_to_pixel_ms(page, chain),
            **await cost(pid, audience),
        }
        for task in running:
            task.cancel()
    return {name: round(value, 2) for name, value in figures.items()}


async def load_s(page: Page, url: str) -> float:
    """From the address until the picture lives."""
    began_s = time.monotonic()
    await page.goto(f"{url}/")
    await expect(page.locator("#headline")).to_contain_text("exit-0")
    return time.monotonic() - began_s


async def cost(pid: int, audience: Audience) -> dict[str, float]:
    """What the process takes while all pages look on."""
    await asyncio.sleep(SETTLE_S)
    began_s, before_s, audience.heard_bytes = time.monotonic(), busy_s(pid), 0
    await asyncio.sleep(IDLE_S)
    passed_s = time.monotonic() - began_s
    return {
        "cpu_percent": 100 * (busy_s(pid) - before_s) / passed_s,
        "resident_mb": resident_mb(pid),
        "sent_kb_s": audience.heard_bytes / passed_s / 1000,
    }


async def _served(session: ClientSession, url: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                async with session.get(f"{url}/api/me"):
                    return
            except OSError:
                await asyncio.sleep(0.05)


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mosquitto = Mosquitto(Path(folder))
        mosquitto.start()
        try:
            async with AsyncExitStack() as stack:
                broker = Broker(mosquitto.host, mosquitto.port, base="bench")
                figures = await measure(broker, stack)
        finally:
            mosquitto.stop()
    print(f"dashboard: {EXITS} exits, {PEERS} peers, {PAGES} pages open")
    for name, goal in GOALS.items():
        print(f"{name:20}{figures[name]:10g}   goal, at most {goal:g}")
    print(json.dumps({"kernel": platform.release(), "dashboard": figures}))


if __name__ == "__main__":
    asyncio.run(run())
