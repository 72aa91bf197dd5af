"""Asking targets that answer no echo request: whether each way works."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from agents.fallback_probe import OPEN_LIMIT, REMEMBERED, FallbackProbe
from agents.probe_habit import Method
from tests.agents.netns import inside, ip, namespace

TARGET = "127.0.0.1"
SILENT = "192.0.2.1"
MARK = 1011
WITHIN_S = 10


@pytest.fixture
def host() -> Iterator[str]:
    """A namespace in which nothing leaves but to itself and into a dead end."""
    with namespace("asked") as name, inside(name):
        ip("link", "add", "dead", "type", "bridge")
        ip("link", "set", "dead", "up")
        ip("route", "add", f"{SILENT}/32", "dev", "dead")
        yield name


class Heard:
    """What was told."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[tuple[int, str, Method]] = asyncio.Queue()

    def tell(self, number: int, target: str, method: Method) -> None:
        self.answers.put_nowait((number, target, method))

    async def next(self) -> tuple[int, str, Method]:
        async with asyncio.timeout(WITHIN_S):
            return await self.answers.get()


def marked(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)


def nowhere(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"ppp-none")


@asynccontextmanager
async def asking() -> AsyncIterator[tuple[FallbackProbe, Heard]]:
    heard = Heard()
    fallback = FallbackProbe(marked, heard.tell)
    try:
        yield fallback, heard
    finally:
        fallback.close()


@contextmanager
def resolver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((TARGET, 53))
        yield sock


@contextmanager
def no_connections() -> Iterator[None]:
    """Whoever begins one is not heard meanwhile."""
    drop = ("INPUT", "-p", "tcp", "--syn", "-j", "DROP")
    subprocess.run(["iptables", "-w", "-A", *drop], check=True)
    try:
        yield
    finally:
        subprocess.run(["iptables", "-w", "-D", *drop], check=True)


def begun() -> bool:
    """Whether a connection waits for its first answer (SYN_SENT in proc(5))."""
    rows = Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[3] == "02" for row in rows)


@pytest.mark.kernel
@pytest.mark.usefixtures("host")
async def test_an_answer_to_the_kernels_second_try_is_none() -> None:
    async with asking() as (fallback, heard):
        with no_connections():
            fallback.ask(Method.TLS, 7, TARGET)
            assert begun()

        async with asyncio.timeout(WITHIN_S):
            while begun():  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.02)
        fallback.ask(Method.TLS, 8, TARGET)

        assert await heard.next() == (8, TARGET, Method.TLS)
        assert heard.answers.empty()


@pytest.mark.kernel
@pytest.mark.usefixtures("host")
async def test_any_answer_of_a_resolver_is_one() -> None:
    loop = asyncio.get_running_loop()
    async with asking() as (fallback, heard):
        with resolver() as sock:
            fallback.ask(Method.DNS, 0x10007, TARGET)
            async with asyncio.timeout(WITHIN_S):
                query, asker = await loop.sock_recvfrom(sock, 500)
            assert query.hex() == "00070100000100000000000000" + "00020001"

            echo, other, refusal = (
                query,
                b"\0\x08\x80\0" + query[4:],
                b"\0\x07\x80\x05" + query[4:],
            )
            for answer in (b"short", echo, other, refusal, refusal):
                await loop.sock_sendto(sock, answer, asker)

        assert await heard.next() == (0x10007, TARGET, Method.DNS)
        assert heard.answers.empty()


@pytest.mark.kernel
@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("method", [Method.TLS, Method.TCP])
async def test_a_refused_connection_is_an_answer(method: Method) -> None:
    async with asking() as (fallback, heard):
        fallback.ask(method, 7, TARGET)

        assert await heard.next() == (7, TARGET, method)


@pytest.mark.kernel
@pytest.mark.usefixtures("host")
async def test_a_connection_is_an_answer() -> None:
    with socket.create_server((TARGET, 443)):
        async with asking() as (fallback, heard):
            fallback.ask(Method.TLS, 7, TARGET)

            assert await heard.next() == (7, TARGET, Method.TLS)


@pytest.mark.kernel
@pytest.mark.usefixtures("host")
async def test_what_is_not_answered_does_not_pile_up() -> None:
    async with asking() as (fallback, heard):
        for number in range(2 * OPEN_LIMIT):
            fallback.ask(Method.TLS, number, SILENT)
        fallback.ask(Method.DNS, 1, "198.51.100.1")  # no way there at all
        fallback.ask(Method.TLS, 1, "198.51.100.1")

        fallback.ask(Method.TCP, 7, TARGET)
        assert await heard.next() == (7, TARGET, Method.TCP)


@pytest.mark.kernel
@pytest.mark.usefixtures("host")
async def test_the_oldest_query_is_forgotten_however_seldom_dns_is_asked() -> None:
    loop = asyncio.get_running_loop()
    seldom = range(50, 50 * (REMEMBERED + 1), 50)  # other ways of asking in between
    async with asking() as (fallback, heard):
        with resolver() as sock:
            fallback.ask(Method.DNS, 1, TARGET)
            for number in seldom:
                fallback.ask(Method.DNS, number, "198.51.100.1")  # no way there
            fallback.ask(Method.DNS, 60_000, TARGET)
            for _ in range(2):
                async with asyncio.timeout(WITHIN_S):
                    query, asker = await loop.sock_recvfrom(sock, 500)
                answer = query[:2] + b"\x80\0" + query[4:]
                await loop.sock_sendto(sock, answer, asker)

        assert await heard.next() == (60_000, TARGET, Method.DNS)
        assert heard.answers.empty()


@pytest.mark.kernel
@pytest.mark.usefixtures("host")
async def test_what_cannot_be_led_by_the_path_is_not_sent() -> None:
    heard = Heard()
    fallback = FallbackProbe(nowhere, heard.tell)
    with resolver() as sock:
        for method in (Method.DNS, Method.TLS, Method.TCP):
            fallback.ask(method, 7, TARGET)

        with pytest.raises(BlockingIOError):
            sock.recv(500)
    assert heard.answers.empty()
    fallback.close()
