"""A server that strangers reach: what they may take of it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from aiohttp import ClientSession, web

from agents.http_server import USUAL, Limits, serve
from agents.settings_model import DashboardSettings
from tests.mosquitto import free_port

HOST: Final = "127.0.0.1"
PATIENCE_S: Final = 20.0
WHOLE: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF: Final = WHOLE[:-2]
HEAD_S: Final = 0.2


async def _slow(request: web.Request) -> web.Response:
    del request
    await asyncio.sleep(3 * HEAD_S)
    return web.Response(text="there you are")


async def _quick(request: web.Request) -> web.Response:
    del request
    return web.Response(text="secret")


async def _echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


@asynccontextmanager
async def served(limits: Limits = USUAL, *hosts: str) -> AsyncIterator[int]:
    """The port."""
    app = web.Application()
    app.router.add_get("/", _slow)
    app.router.add_post("/echo", _echo)
    for path in ("/metrics", "/healthz", "/readyz"):
        app.router.add_get(path, _quick)
    place = DashboardSettings(port=free_port(), hosts=hosts)
    async with serve(app, "dashboard", place, limits):
        yield place.port


async def said_to(sock: socket.socket) -> bytes:
    """What comes first; nothing if the connection is cut."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(sock, 4096)
    except ConnectionError:
        return b""


def caller(port: int, text: bytes) -> socket.socket:
    """Connected by the kernel, before the server has been asked."""
    sock = socket.create_connection((HOST, port), PATIENCE_S)
    sock.sendall(text)
    sock.setblocking(False)
    return sock


async def test_of_many_that_come_at_once_no_more_are_let_in_than_may() -> None:
    async with served(Limits(connections=3)) as port:
        callers = [caller(port, WHOLE) for _ in range(20)]
        answers = [await said_to(one) for one in callers]
        assert [bool(one) for one in answers].count(True) == 3

        for one in callers:
            one.close()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with caller(port, WHOLE) as later:
                    if b"200 OK" in await said_to(later):
                        break


@pytest.mark.parametrize("text", [b"", HALF, b"\r\n", b"GET /" + b"a" * 8000])
async def test_who_does_not_ask_to_the_end_is_cut(text: bytes) -> None:
    async with served(Limits(head_s=HEAD_S)) as port:
        with caller(port, text) as half:
            assert await said_to(half) == b""


async def test_who_asks_ever_on_is_cut_too() -> None:
    async with served(Limits(head_s=HEAD_S)) as port:
        with caller(port, HALF) as dripping:
            answer = asyncio.create_task(said_to(dripping))
            while not answer.done():
                try:
                    dripping.send(b"A: b\r\n")
                except ConnectionError:
                    break
                await asyncio.sleep(HEAD_S / 10)
            assert await answer == b""


async def test_who_has_asked_gets_an_answer_and_as_long_to_ask_again() -> None:
    async with served(Limits(head_s=HEAD_S)) as port:
        with caller(port, WHOLE) as slow:
            assert b"200 OK" in await said_to(slow)
            slow.send(HALF)
            while b"there" in await said_to(slow):
                pass  # head and body of the answer may come apart


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("localhost", "/metrics", 200),
        ("vpn.Example.net:8443", "/metrics", 200),
        ("evil.example", "/metrics", 421),
        ("evil.example", "/nothing", 421),
        ("evil.example", "/healthz", 200),
        ("evil.example", "/readyz", 200),
    ],
)
async def test_a_name_that_points_to_us_is_not_enough_to_read(
    host: str, path: str, status: int
) -> None:
    async with served(USUAL, "VPN.example.net") as port, ClientSession() as session:
        url = f"http://{HOST}:{port}{path}"
        async with session.get(url, headers={"Host": host}) as answer:
            assert answer.status == status
            assert ("dashboard.hosts" in await answer.text()) == (status == 421)


async def test_who_knows_no_names_is_no_browser_and_is_answered() -> None:
    async with served() as port:
        with caller(port, b"GET /metrics HTTP/1.0\r\n\r\n") as old:
            assert b"200 OK" in await said_to(old)


async def test_nothing_is_unpacked() -> None:
    """Rubbish would be a traceback, and a few bytes could become many."""
    packed = {"Content-Encoding": "gzip"}
    async with served() as port, ClientSession() as session:
        url = f"http://{HOST}:{port}/echo"
        async with session.post(url, data=b"rubbish", headers=packed) as answer:
            assert (answer.status, await answer.read()) == (200, b"rubbish")
