"""The page in a real browser, in front of a real coordinator on a real broker.

Exits and the entry stand in (tests/standin.py); the screenshots are for people, in the
folder that VPNCHAIN_SCREENSHOTS names.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import (
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
)

from agents.dashboard.agent import Dashboard
from agents.settings_model import DashboardSettings, Settings
from bus.commands import Choice
from bus.examples import example_of
from bus.interface import Received, Subscription
from bus.link import open_link
from bus.messages.containers import ContainerEvent, ContainerEventKind
from bus.messages.entries import PeerReport
from bus.messages.exits import Stage
from bus.messages.presence import Presence, Status
from bus.topics import CONTAINER_EVENT, ENTRY_STATE, MODE, PRESENCE
from bus.wire import Broker
from tests.dashboard.browser import chromium
from tests.mosquitto import free_port
from tests.standin import StandIns, stand_ins

pytestmark = [pytest.mark.browser, pytest.mark.broker]

LIMIT_MS: Final = 20_000
WIDE: Final = ViewportSize(width=1240, height=900)
PHONE: Final = ViewportSize(width=360, height=740)
NO_SERVER: Final = "Failed to load resource: net::"
DIED: Final = ContainerEventKind.DIED
TOKEN: Final = "let me in"  # noqa: S105 -- of the test's own page


class Server:
    """The dashboard, as often as it is started."""

    def __init__(self, broker: Broker, settings: Settings) -> None:
        self._broker = broker
        self._settings = settings
        self._stopping = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._life = asyncio.create_task(self._live())

    async def stop(self) -> None:
        """What went wrong in its life is raised."""
        self._stopping.set()
        if self._life:
            await self._life

    async def _live(self) -> None:
        agent = Dashboard(self._settings)
        link = open_link(agent.name, agent.role, self._broker, agent.subscriptions)
        async with link as bus, asyncio.TaskGroup() as tasks:
            jobs = [tasks.create_task(job()) for job in agent.jobs(bus).values()]
            await self._stopping.wait()
            for job in jobs:
                job.cancel()


@dataclass
class World:
    chain: StandIns
    page: Page
    broker: Broker
    server: Server
    errors: list[str]
    cut: bool = False  # the server goes away: the browser tells of that, at any moment

    async def shown(self, text: str) -> None:
        """Waits until the headline says so."""
        await expect(self.page.locator("#headline")).to_contain_text(text)


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def world(broker: Broker, tmp_path: Path) -> AsyncIterator[World]:
    """A chain whose exits are ready, and the page in front of it."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    own = DashboardSettings(port=free_port(), token_file=str(token))
    settings = Settings(dashboard=own)
    async with (
        stand_ins(broker) as chain,
        serving(Server(broker, settings)) as server,
        chromium() as browser,
    ):
        page = await browser.new_page(viewport=WIDE)
        page.set_default_timeout(LIMIT_MS)
        expect.set_options(timeout=LIMIT_MS)
        errors: list[str] = []
        world = World(chain, page, broker, server, errors)

        def complained(said: ConsoleMessage) -> None:
            lost = world.cut and said.text.startswith(NO_SERVER)
            if said.type == "error" and not lost:
                errors.append(said.text)

        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", complained)
        await page.goto(f"http://127.0.0.1:{own.port}/")
        yield world
        assert not errors


async def keep(page: Page, name: str) -> None:
    """A picture for people, if they said where."""
    if folder := os.environ.get("VPNCHAIN_SCREENSHOTS"):
        await page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


async def both_ready(world: World) -> None:
    await world.chain.ready("exit-a")
    await world.chain.ready("exit-b", rtt_ms=31.0)
    await world.shown("Traffic leaves through exit-a")


def card(name: str) -> str:
    """Where an exit is on the page."""
    return f".exit:has(.name:text-is('{name}'))"


async def log_in(page: Page) -> None:
    await page.click("#login")
    await page.fill("#token", TOKEN)
    await page.click("#enter button.main")
    await expect(page.locator("#login")).to_have_text("Log out")


async def test_the_picture_says_who_carries_and_follows_a_failover(
    world: World,
) -> None:
    page = world.page
    await world.shown("Waiting for the coordinator")
    phone = PeerReport(name="phone", connected=True, received_bytes=5_000_000)
    await world.chain.entry.meet("phone", phone)
    await both_ready(world)
    await expect(page.locator(card("exit-a"))).to_contain_text("carries")
    await expect(page.locator(card("exit-b"))).to_contain_text("standing by")
    await expect(page.locator("#peers")).to_contain_text("5.0 MB")
    await expect(page.locator(".row .server").first).to_contain_text("203.0.113.10")
    await expect(page.locator(".internet")).to_contain_text("reached")
    await expect(page.locator(".wires .flow")).to_have_count(4)  # to the internet
    await keep(page, "normal")

    await world.chain.fail("exit-a", "ppp: hung up by the server")

    await world.shown("Traffic leaves through exit-b")
    await expect(page.locator(card("exit-a"))).to_contain_text("hung up")
    await expect(page.locator("#events")).to_contain_text("Failover: exit-a → exit-b")
    await keep(page, "failover")

    await world.chain.fail("exit-b")

    await world.shown("Clients are held")
    await expect(page.locator(".internet")).to_contain_text("not reached")
    await expect(page.locator(".wires .flow")).to_have_count(0)
    await keep(page, "all-down")


async def test_the_last_word_of_an_entry_that_vanished_does_not_count(
    world: World,
) -> None:
    page, entry = world.page, world.chain.entry
    await both_ready(world)
    await expect(page.locator(card("exit-a"))).to_contain_text("carries")

    gone = Presence(status=Status.OFFLINE, role="entry")
    await entry.bus.publish(PRESENCE, gone, agent=entry.name)

    await world.shown("No entry is there")
    await expect(page.locator("#subline")).to_have_text("entry is offline")
    await expect(page.locator(card("exit-a"))).not_to_contain_text("carries")
    here = Presence(status=Status.ONLINE, role="entry")
    await entry.bus.publish(PRESENCE, here, agent=entry.name)
    await world.shown("Traffic leaves through exit-a")


async def test_clients_of_a_second_entry_that_are_held_are_told_of(
    world: World,
) -> None:
    page, bus = world.page, world.chain.entry.bus
    await both_ready(world)
    held = replace(world.chain.entry.report, active=None)

    await bus.publish(ENTRY_STATE, held, entry="entry-z")

    await world.shown("Clients of entry-z do not get out")
    await expect(page.locator("#subline")).to_contain_text("no exit carries")
    await expect(page.locator("#subline")).to_contain_text("leave through exit-a")
    await expect(page).to_have_title("vpnchain")
    gone = Presence(status=Status.OFFLINE, role="entry")
    await bus.publish(PRESENCE, gone, agent="entry-z")
    await world.shown("Traffic leaves through exit-a")


async def test_a_button_moves_the_chain_after_a_question(world: World) -> None:
    page = world.page
    await both_ready(world)
    await log_in(page)

    await page.click(f"{card('exit-b')} .more")
    await page.get_by_role("menuitem", name="Move to exit-b").click()
    await page.get_by_role("button", name="Move to exit-b").click()

    await world.shown("Traffic leaves through exit-b")
    await expect(page.locator("#toast")).to_have_text("Move to exit-b: done")
    heard = open_link("test", "", world.broker, [Subscription(MODE)])
    async with asyncio.timeout(LIMIT_MS / 1000), heard as bus:
        async for one in bus:
            if isinstance(one, Received):
                assert (one.payload.choice, one.payload.exit) == (
                    Choice.PREFER,
                    "exit-b",
                )
                break


async def test_a_question_that_is_denied_does_nothing(world: World) -> None:
    page = world.page
    await both_ready(world)
    await log_in(page)

    await page.click(f"{card('exit-b')} .more")
    await page.get_by_role("menuitem", name="Reconnect exit-b").click()
    await page.get_by_role("button", name="Cancel").click()
    await page.click(f"{card('exit-a')} .more")
    await page.get_by_role("menuitem", name="Reconnect exit-a").click()
    await page.get_by_role("button", name="Reconnect exit-a").click()

    await expect(page.locator("#toast")).to_have_text("Reconnect exit-a: done")
    assert world.chain.exits["exit-a"].reconnects == 1
    assert world.chain.exits["exit-b"].reconnects == 0


async def test_who_is_not_logged_in_is_asked_to_before_anything(world: World) -> None:
    page = world.page
    await both_ready(world)

    await page.click(f"{card('exit-b')} .more")
    await page.get_by_role("menuitem", name="Drain exit-b").click()

    await expect(page.locator("#enter")).to_be_visible()
    await page.fill("#token", "wrong")
    await page.click("#enter button.main")
    await expect(page.locator("#enter-error")).to_contain_text("not the token")
    assert world.errors == [
        "Failed to load resource: the server responded with a status of 403 (Forbidden)"
    ]
    world.errors.clear()


async def test_the_page_finds_a_server_that_came_back(world: World) -> None:
    await both_ready(world)
    world.cut = True

    await world.server.stop()
    await expect(world.page.locator("#link")).to_have_text("no server")
    await world.chain.fail("exit-a")
    world.server.start()

    await world.shown("Traffic leaves through exit-b")
    await expect(world.page.locator("#link")).to_have_text("live")


async def test_a_server_that_began_anew_tells_of_the_moves_before(world: World) -> None:
    page, events = world.page, world.page.locator("#events")
    await both_ready(world)
    await world.chain.fail("exit-a")
    await world.shown("Traffic leaves through exit-b")
    failover = events.get_by_text("Failover: exit-a → exit-b")
    await expect(failover).to_have_count(1)
    world.cut = True

    await world.server.stop()
    await expect(page.locator("#link")).to_have_text("no server")
    world.server.start()
    await expect(page.locator("#link")).to_have_text("live")

    await expect(events).to_contain_text("clients had no way for 31 ms")
    await expect(failover).to_have_count(1)
    await world.chain.ready("exit-a")
    back = events.get_by_text("Back to the better exit: exit-b → exit-a")
    await expect(back).to_have_count(1)
    died = replace(example_of(ContainerEvent), kind=DIED, container="l2tp-ipsec-exit")
    await world.chain.entry.bus.publish(CONTAINER_EVENT, died, agent="exit-a")
    await expect(events).to_contain_text("Container l2tp-ipsec-exit died")
    await expect(back).to_have_count(1)


async def test_the_chain_is_shown_though_nobody_says_who_is_here(world: World) -> None:
    page = world.page
    world.cut = True
    await page.route("**/api/me", lambda route: route.abort())
    await page.reload()

    await both_ready(world)

    await expect(page.locator("#link")).to_have_text("live")
    await expect(page.locator("#login")).to_be_hidden()
    await page.unroute("**/api/me")
    await expect(page.locator("#login")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_it_fits_a_phone(world: World, *, dark: bool) -> None:
    page = world.page
    await page.set_viewport_size(PHONE)
    await page.emulate_media(color_scheme="dark" if dark else "light")
    await world.chain.exits["exit-b"].be(Stage.IKE, "ike: no answer (wrong PSK?)")
    await world.chain.ready("exit-a")
    await world.shown("Traffic leaves through exit-a")

    width = await page.locator("html").evaluate("node => node.scrollWidth")

    assert width == PHONE["width"]
    await expect(page.locator(".exit .provider").first).to_have_text(
        "provider 203.0.113.10"
    )
    await expect(page.locator(".row .server").first).to_be_hidden()
    await expect(page.locator(".wires .flow")).to_have_count(3)
    theme = await page.locator("html").get_attribute("data-theme")
    assert theme == ("dark" if dark else "light")
    await keep(page, f"narrow-{theme}")
