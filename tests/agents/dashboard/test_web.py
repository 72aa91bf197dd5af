"""The door of the page: what is served, to whom, and under which rules."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from aiohttp import ClientResponse, ClientSession, TCPConnector
from aiohttp.test_utils import TestClient, TestServer

from agents.dashboard.access import SESSION, Access
from agents.dashboard.hub import Hub
from agents.dashboard.picture import Picture
from agents.dashboard.web import BODY_BYTES, HEADERS, PAGES, STATIC, VENDORED, Site
from bus.codec import as_data
from bus.commands import Response
from bus.examples import example_of
from bus.interface import Received
from bus.messages.exits import ExitReport
from bus.messages.peers import PeerTerms
from bus.secret import Secret
from bus.topics import EXIT_STATE

PATIENCE_S: Final = 20.0
WISH: Final = {"agent": "coordinator", "verb": "prefer", "exit": "exit-b"}
CLIENT: Final = {"entry": "entry", "name": "tablet", "public_key": "a key"}
TERMS: Final = example_of(Response).peer


@dataclass
class World:
    client: TestClient[Any, Any]
    hub: Hub
    session: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    wished: list[tuple[str, str, str]] = field(default_factory=list)

    async def post(self, path: str, body: object, **headers: str) -> ClientResponse:
        known = {**self.session, **headers}
        return await self.client.post(path, json=body, headers=known)

    async def log_in(self, **headers: str) -> ClientResponse:
        answer = await self.post("/api/login", {"token": "right"}, **headers)
        self.session = {SESSION: (await answer.json())["session"]}
        return answer


@pytest.fixture
async def world() -> AsyncIterator[World]:
    asked: list[tuple[str, str, str]] = []
    wished: list[tuple[str, str, str]] = []

    async def ask(agent: str, verb: str, exit_: str) -> str:
        asked.append((agent, verb, exit_))
        return "" if exit_ != "exit-z" else "there is no exit-z"

    async def add_peer(
        entry: str, name: str, public_key: str
    ) -> tuple[str, PeerTerms | None]:
        wished.append((entry, name, public_key))
        return ("", TERMS) if name != "phone" else ("there is one of this name", None)

    hub = Hub(Picture())
    site = Site(hub, Access(Secret("right")), ask, add_peer)
    async with TestClient(TestServer(site.app())) as client:
        yield World(client, hub, {}, asked, wished)


@pytest.mark.parametrize("path", ["/", "/api/me", "/static/style.css", "/nothing"])
async def test_every_answer_bears_the_headers(world: World, path: str) -> None:
    answer = await world.client.get(path)
    assert HEADERS.items() <= answer.headers.items()


async def test_the_stream_bears_them_too(world: World) -> None:
    answer = await world.client.get("/api/stream")
    assert HEADERS.items() <= answer.headers.items()
    assert answer.content_type == "text/event-stream"


async def test_the_stream_begins_with_the_whole_picture(world: World) -> None:
    report = example_of(ExitReport)
    heard = Received(EXIT_STATE, {"exit": "exit-a"}, report)
    world.hub.picture.take(heard, as_data(report), 1.0)

    answer = await world.client.get("/api/stream")

    frame = (await answer.content.readuntil(b"\n\n")).decode()
    data = json.loads(frame.partition("data: ")[2])
    assert data["states"]["exit/exit-a/state"]["stage"] == "ready"


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = (STATIC / "index.html").read_text()
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count("<script type=") == 1
    assert "></script>" in page
    assert " on" not in [part[:3] for part in page.split('"')]


def test_nothing_of_the_page_names_another_host() -> None:
    for file in STATIC.iterdir():
        lines = file.read_text().splitlines()
        assert not [
            line
            for line in lines
            if "//" in line and "http" in line and "w3.org" not in line
        ], file.name


@pytest.mark.parametrize(
    "path",
    ["/static/..%2fagent.py", "/static/../agent.py", "/vendor/uPlot.d.ts", "/agent.py"],
)
async def test_no_other_file_is_served(world: World, path: str) -> None:
    answer = await world.client.get(path)
    assert answer.status == 404


async def test_looking_is_free_and_acting_is_not(world: World) -> None:
    me = await (await world.client.get("/api/me")).json()
    assert me == {"may_act": False, "login": True}

    refused = await world.post("/api/request", WISH)

    assert refused.status == 403
    assert world.asked == []


async def test_who_said_the_token_may_act(world: World) -> None:
    await world.log_in()

    answer = await world.post("/api/request", WISH)

    assert await answer.json() == {"ok": True, "error": ""}
    assert world.asked == [("coordinator", "prefer", "exit-b")]


async def test_nothing_is_given_that_the_browser_sends_to_other_ports(
    world: World,
) -> None:
    entered = await world.log_in()
    assert "Set-Cookie" not in entered.headers

    name, session = next(iter(world.session.items()))
    world.session = {"Cookie": f"{name}={session}; vpnchain-session={session}"}
    assert (await world.post("/api/request", WISH)).status == 403
    assert world.asked == []


async def test_the_page_is_told_whether_its_session_lives(world: World) -> None:
    await world.log_in()
    me = await world.client.get("/api/me", headers=world.session)
    assert (await me.json())["may_act"]
    nobody = await world.client.get("/api/me", headers={SESSION: "guessed"})
    assert not (await nobody.json())["may_act"]


async def test_a_refusal_says_why(world: World) -> None:
    await world.log_in()
    answer = await world.post("/api/request", {**WISH, "exit": "exit-z"})
    assert await answer.json() == {"ok": False, "error": "there is no exit-z"}


async def test_who_logs_out_may_not_act_any_more(world: World) -> None:
    await world.log_in()
    await world.post("/api/logout", {})
    assert (await world.post("/api/request", WISH)).status == 403


async def test_a_wrong_token_does_not_let_in(world: World) -> None:
    answer = await world.post("/api/login", {"token": "wrong"})
    assert answer.status == 403
    assert "session" not in await answer.text()


async def test_another_page_may_not_act_in_the_name_of_who_is_logged_in(
    world: World,
) -> None:
    await world.log_in()
    answer = await world.post("/api/request", WISH, Origin="http://evil.example")
    assert answer.status == 403
    assert world.asked == []


async def test_our_own_page_may(world: World) -> None:
    await world.log_in()
    origin = f"http://{world.client.host}:{world.client.port}"
    assert (await world.post("/api/request", WISH, Origin=origin)).status == 200


async def test_a_proxy_that_passes_host_on_is_no_other_page(world: World) -> None:
    """What nginx sends with the lines of docs/dashboard.md, and what without them."""
    seen = {"Origin": "https://vpn.example.net:8443"}
    passed_on = {**seen, "Host": "vpn.example.net:8443"}
    await world.log_in(**passed_on)

    answer = await world.post("/api/request", WISH, **passed_on)
    changed = await world.post("/api/request", WISH, **seen)

    assert answer.status == 200
    assert changed.status == 403
    assert "Host" in await changed.text()


async def test_a_form_of_another_page_is_no_request(world: World) -> None:
    await world.log_in()
    answer = await world.client.post("/api/request", data=WISH, headers=world.session)
    assert answer.status == 415
    assert world.asked == []


async def test_who_may_act_adds_a_client(world: World) -> None:
    await world.log_in()

    answer = await world.post("/api/peer", CLIENT)

    assert await answer.json() == {"ok": True, "error": "", "peer": as_data(TERMS)}
    assert world.wished == [("entry", "tablet", "a key")]


async def test_nobody_else_does(world: World) -> None:
    assert (await world.post("/api/peer", CLIENT)).status == 403
    await world.log_in()
    foreign = await world.post("/api/peer", CLIENT, Origin="http://evil.example")
    assert foreign.status == 403
    assert world.wished == []


async def test_why_a_client_was_not_added_is_told(world: World) -> None:
    await world.log_in()
    answer = await world.post("/api/peer", {**CLIENT, "name": "phone"})
    refused = {"ok": False, "error": "there is one of this name", "peer": None}
    assert await answer.json() == refused


@pytest.mark.parametrize("name", VENDORED)
async def test_what_npm_brings_is_served_as_what_it_is(world: World, name: str) -> None:
    answer = await world.client.get(f"/vendor/{name}")
    assert answer.status == 200
    assert answer.content_type.endswith("css" if name.endswith("css") else "javascript")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 4000, 400),
        (b'{"agent": 1}', 400),
        (b" " * (BODY_BYTES + 1), 413),
    ],
)
async def test_rubbish_is_refused(world: World, body: bytes, status: int) -> None:
    await world.log_in()
    kind = {"Content-Type": "application/json", **world.session}
    answer = await world.client.post("/api/request", data=body, headers=kind)
    assert answer.status == status


async def test_series_of_every_exit_are_served(world: World) -> None:
    report = example_of(ExitReport)
    heard = Received(EXIT_STATE, {"exit": "exit-a"}, report)
    world.hub.picture.take(heard, as_data(report), 1.0)

    series = await (await world.client.get("/api/series")).json()

    assert list(series) == ["exit-a"]
    assert len(series["exit-a"]["hour"]) == 5


@pytest.mark.parametrize("charset", ["foo", "hex", "utf-7", "idna"])
async def test_json_is_utf_8_whatever_is_said_of_it(world: World, charset: str) -> None:
    await world.log_in()
    kind = {"Content-Type": f"application/json; charset={charset}", **world.session}
    body = json.dumps(WISH).encode()
    answer = await world.client.post("/api/request", data=body, headers=kind)
    assert answer.status == 200
    assert world.asked == [("coordinator", "prefer", "exit-b")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://["}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
async def test_rubbish_in_headers_is_refused_too(
    world: World, headers: dict[str, str], status: int
) -> None:
    await world.log_in()
    answer = await world.post("/api/request", WISH, **headers)
    assert answer.status == status
    assert world.asked == []


async def test_a_body_that_does_not_come_is_not_waited_for(world: World) -> None:
    async def ask(*_: str) -> str:
        return ""

    async def add_peer(*_: str) -> tuple[str, None]:
        return "", None

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    site = Site(world.hub, Access(), ask, add_peer, body_s=0.1)
    async with TestClient(TestServer(site.app())) as client:
        kind = {"Content-Type": "application/json"}
        async with asyncio.timeout(PATIENCE_S):
            answer = await client.post("/api/login", data=body(), headers=kind)
    assert answer.status == 408


async def test_pages_are_counted(world: World) -> None:
    url = world.client.make_url("/api/stream")
    browsers = ClientSession(connector=TCPConnector(limit=0))
    async with browsers, AsyncExitStack() as pages:
        for _ in range(PAGES):
            page = await pages.enter_async_context(browsers.get(url))
            assert page.status == 200
        async with browsers.get(url) as one_more:
            assert one_more.status == 503
