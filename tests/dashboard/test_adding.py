"""A client added in the browser: a real registrar at a real file, on a real broker.

Whatever goes over HTTP and over the bus meanwhile is kept, and searched for its key.
"""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import aiomqtt
import pytest
import segno
from playwright.async_api import Page, Request, Response, expect

from agents.entry.registrar import OFF, Registrar
from agents.entry.wgconf import WgConf, parse
from agents.settings_model import CLIENTS, EntrySettings, Settings
from bus.interface import Subscription
from bus.link import open_link
from bus.secret import Secret
from bus.topics import REQUEST
from bus.wire import Broker
from cli.clientconf import ClientConf
from cli.qr import QUIET
from cli.wgkeys import new_pair, public_of
from tests.dashboard.test_page import (
    LIMIT_MS,
    PHONE,
    TOKEN,
    WIDE,
    World,
    both_ready,
    keep,
    log_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.daemon]

ENDPOINT: Final = "vpn.example.org"
TEXT: Final = """\
[Interface]
Address = 10.13.13.1/24
PrivateKey = {key}

# phone
[Peer]
PublicKey = {phone}
AllowedIPs = 10.13.13.2/32
"""
MARK: Final = b"this was all"
# The picture of a text, drawn by the page.
DRAWN: Final = """async (text) => {
  const { code } = await import("/static/adding.js");
  const { qrcode } = await import("/vendor/qrcode.mjs");
  return code(text, qrcode).querySelector("path").getAttribute("d");
}"""
MODULE: Final = re.compile(r"M(\d+) (\d+)h1v1h-1z")


@dataclass
class House:
    """An entry's wg0.conf, and all that was said while somebody came in."""

    file: Path
    key: Secret
    broker: Broker
    news: asyncio.Event = field(default_factory=asyncio.Event)
    said: list[bytes] = field(default_factory=list)  # on the bus
    sent: list[str] = field(default_factory=list)  # by the page
    got: list[Response] = field(default_factory=list)

    @property
    def conf(self) -> WgConf:
        return parse(self.file.read_text(), "wg0.conf", CLIENTS)

    async def everything(self) -> bytes:
        """What went anywhere, once the bus has told all of it."""
        async with asyncio.timeout(LIMIT_MS / 1000):
            async with aiomqtt.Client(self.broker.host, self.broker.port) as client:
                await client.publish("mark", MARK)
            while MARK not in self.said:
                self.news.clear()
                await self.news.wait()
        whole = [one for one in self.got if not one.url.endswith("/api/stream")]
        bodies = [await one.body() for one in whole if one.ok]
        return b"\n".join((*self.said, *(one.encode() for one in self.sent), *bodies))

    def hear(self, payload: bytes) -> None:
        self.said.append(payload)
        self.news.set()


@pytest.fixture
async def house(world: World, tmp_path: Path) -> AsyncIterator[House]:
    """An entry that may add clients."""
    async with open_house(world, tmp_path, may=True) as house:
        yield house


@asynccontextmanager
async def open_house(world: World, folder: Path, *, may: bool) -> AsyncIterator[House]:
    pair = new_pair()
    file = folder / "wg0.conf"
    file.write_text(TEXT.format(key=pair.private.reveal(), phone=new_pair().public))
    file.chmod(0o600)
    own = EntrySettings(wg_conf=file, endpoint=ENDPOINT, peers_by_request=may)
    registrar = Registrar(Settings(entry=own), lambda _: None)
    house = House(file, pair.private, world.broker)
    world.page.on("request", lambda one: house.sent.append(_told(one)))
    world.page.on("response", lambda one: house.got.append(one))
    heard = [Subscription(REQUEST, {"agent": "entry"})]
    link = open_link("registrar", "entry", world.broker, heard)
    async with link as bus, asyncio.TaskGroup() as tasks:

        async def listen() -> None:
            async for one in bus:
                registrar.takes(one)

        listening = asyncio.Event()
        jobs = [
            tasks.create_task(listen()),
            tasks.create_task(registrar.keep(bus, "entry")),
            tasks.create_task(_overhear(world.broker, house, listening)),
        ]
        await listening.wait()
        yield house
        for job in jobs:
            job.cancel()


async def _overhear(broker: Broker, house: House, listening: asyncio.Event) -> None:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe("#")
        listening.set()
        async for message in client.messages:
            house.hear(bytes(message.payload))


def _told(request: Request) -> str:
    return f"{request.url} {request.headers} {request.post_data}"


async def add(page: Page, name: str) -> None:
    await page.click("#add-peer")
    await expect(page.locator("#adding-name")).to_be_focused()
    await page.fill("#adding-name", name)
    await page.keyboard.press("Enter")


async def shown(page: Page) -> str:
    await expect(page.locator("#added")).to_be_visible()
    return await page.locator("#added-conf").input_value()


def private_key(config: str) -> Secret:
    return Secret(config.split("PrivateKey = ")[1].split("\n")[0])


async def test_a_client_is_added_and_its_private_key_stays_in_the_browser(
    world: World, house: House
) -> None:
    page = world.page
    await both_ready(world)
    await log_in(page)
    before = house.file.read_text()

    await add(page, "Anna's tablet")

    config = await shown(page)
    private = private_key(config)
    client = ClientConf(
        private=private,
        address=IPv4Address("10.13.13.3"),
        dns=IPv4Address("10.13.13.1"),
        mtu_bytes=1400,
        entry_key=public_of(house.key),
        shared=None,
        endpoint=f"{ENDPOINT}:51820",
    )
    assert config == client.text()
    peer = house.conf.peers[-1]
    assert (peer.name, peer.public_key) == ("Anna's tablet", public_of(private))
    assert peer.allowed_ips == ("10.13.13.3/32",)
    assert house.file.read_text().startswith(before)
    everything = await house.everything()
    assert public_of(private).encode() in everything
    raw = base64.b64decode(private.reveal())
    for form in (base64.b64encode(raw), base64.urlsafe_b64encode(raw), raw):
        assert form.rstrip(b"=") not in everything
    assert raw.hex().encode() not in everything.lower()


def made(text: str, mask: int = 0) -> segno.QRCode:
    return segno.make(text, error="l", mode="byte", mask=mask, boost_error=False)


def filled(text: str) -> str:
    """The text, as long as its code can hold: what pads it differs by the library."""
    version = made(text).version
    while made(f"{text}\n").version == version:
        text += "\n"
    return text


def matrix(text: str, mask: int) -> set[tuple[int, int]]:
    rows = enumerate(made(text, mask).matrix)
    return {(y, x) for y, row in rows for x, dark in enumerate(row) if dark}


def modules(path: str) -> set[tuple[int, int]]:
    """Where a drawn code is dark, without what is around it."""
    return {(int(y) - QUIET, int(x) - QUIET) for x, y in MODULE.findall(path)}


async def test_the_code_is_that_of_the_text_and_both_go_when_it_is_closed(
    world: World, house: House
) -> None:
    del house
    page = world.page
    await both_ready(world)
    await log_in(page)

    await add(page, "tablet")

    config = await shown(page)
    path = await page.locator("#added-code path").get_attribute("d")
    assert path == await page.evaluate(DRAWN, config)
    full = filled(config)
    drawn = modules(await page.evaluate(DRAWN, full))
    assert drawn in [matrix(full, mask) for mask in range(8)]
    await expect(page.locator("#added-title")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#added")).to_be_visible()
    await page.click("#added-copy")
    await expect(page.locator("#added-said")).to_have_text("Copied")
    async with page.expect_download() as download:
        await page.click("#added-save")
    saved = await download.value
    assert saved.suggested_filename == "tablet.conf"
    assert (await saved.path()).read_text() == config
    await page.get_by_role("button", name="I have it").click()
    await expect(page.locator("#added")).to_be_hidden()
    await expect(page.locator("#added-conf")).to_have_value("")
    await expect(page.locator("#added-code path")).to_have_count(0)


async def test_a_name_that_is_taken_is_refused_and_another_taken(
    world: World, house: House
) -> None:
    page = world.page
    await both_ready(world)
    await log_in(page)

    await add(page, "phone")
    await expect(page.locator("#adding-error")).to_contain_text("one of this name")
    await page.fill("#adding-name", "it's")
    command = page.locator("#adding-command")
    await expect(command).to_have_text("vpnchain peer add 'it'\\''s'")
    await page.click("#adding-yes")

    await shown(page)
    assert [peer.name for peer in house.conf.peers] == ["phone", "it's"]


async def test_an_entry_that_may_not_is_no_dead_end(
    world: World, tmp_path: Path
) -> None:
    page = world.page
    await both_ready(world)
    await log_in(page)
    async with open_house(world, tmp_path, may=False) as house:
        before = house.file.read_text()

        await add(page, "tablet")

        await expect(page.locator("#adding-error")).to_have_text(OFF)
        command = page.locator("#adding-command")
        await expect(command).to_have_text("vpnchain peer add tablet")
        await keep(page, "adding-refused")
        assert house.file.read_text() == before


async def test_who_is_not_logged_in_is_asked_to_first(world: World) -> None:
    await both_ready(world)
    await world.page.click("#add-peer")
    await expect(world.page.locator("#enter")).to_be_visible()
    await expect(world.page.locator("#adding")).to_be_hidden()

    await world.page.fill("#token", TOKEN)
    await world.page.keyboard.press("Enter")

    await expect(world.page.locator("#login")).to_have_text("Log out")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_it_fits_a_phone_and_a_desk(
    world: World, house: House, *, dark: bool
) -> None:
    del house
    page, theme = world.page, "dark" if dark else "light"
    await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    await both_ready(world)
    await log_in(page)
    await page.click("#add-peer")
    await page.fill("#adding-name", "tablet")
    await keep(page, f"adding-{theme}")
    await page.keyboard.press("Enter")
    await shown(page)
    for size, name in ((WIDE, "wide"), (PHONE, "narrow")):
        await page.set_viewport_size(size)
        await keep(page, f"added-{name}-{theme}")
        for part in ("html", "#added"):
            fits = "node => node.scrollWidth <= node.clientWidth"
            assert await page.locator(part).evaluate(fits), part
