"""DNS of clients through a real entry: who answers, over UDP and TCP."""

import asyncio
import errno
import logging
import socket
import struct
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final, NoReturn

import pytest

from agents.entry.nameserver import Nameserver
from agents.firewall import Firewall
from agents.settings_model import Settings
from bus.messages.orders import Gate, Hop, Order
from tests.agents.entry.chain import Chain
from tests.agents.entry.ear import ADDRESSES, FACT_S, Ear
from tests.agents.netns import inside, namespace
from tests.agents.scarcity import no_descriptors

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.broker]

NEVER_S: Final = 1000.0
OWN: Final = ("10.13.13.1", 53)
RESOLVERS: Final = {"exit-a": "10.201.0.1", "exit-b": "10.202.0.1"}
AGAIN_S: Final = 0.5
NAME: Final = b"\x07example\x03org\x00"
QUESTION: Final = NAME + struct.pack("!HH", 1, 1)  # its address, in the internet
QUERY: Final = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + QUESTION
POINTER: Final = b"\xc0\x0c"  # to the name in the question


def through(epoch: int, active: str | None, *, known: bool = True) -> Order:
    """An order for this exit; `known`: the resolvers of both are."""
    hops = tuple(
        Hop(
            exit=name,
            address=address,
            usable=name == active,
            dns=(RESOLVERS[name],) if known else (),
        )
        for name, address in ADDRESSES.items()
    )
    return Order(epoch=epoch, gate=Gate.OPEN, active=active, exits=hops)


def answer(query: bytes, resolver: str) -> bytes:
    """The resolver's own address, for any name."""
    (number,) = struct.unpack_from("!H", query)
    head = struct.pack("!6H", number, 0x8180, 1, 1, 0, 0)
    record = POINTER + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(resolver)
    return head + query[12:] + record


async def by_datagrams(sock: socket.socket, resolver: str) -> NoReturn:
    """Answers over UDP."""
    loop = asyncio.get_running_loop()
    while True:
        query, sender = await loop.sock_recvfrom(sock, 512)
        await loop.sock_sendto(sock, answer(query, resolver), sender)


async def by_streams(sock: socket.socket, resolver: str) -> NoReturn:
    """Answers over TCP, one question after the other."""
    loop = asyncio.get_running_loop()
    while True:
        stream, _ = await loop.sock_accept(sock)
        with stream:
            query = await loop.sock_recv(stream, 512)
            said = answer(query[2:], resolver)
            await loop.sock_sendall(stream, len(said).to_bytes(2) + said)


@asynccontextmanager
async def resolvers(chain: Chain) -> AsyncIterator[None]:
    """Each exit's provider has one, reached through that exit alone."""
    with ExitStack() as stack:
        async with asyncio.TaskGroup() as tasks:
            begun = []
            for label, resolver in RESOLVERS.items():
                chain.ip(label, "address", "add", f"{resolver}/32", "dev", "lo")
                with inside(chain.names[label]):
                    datagrams = socket.socket(type=socket.SOCK_DGRAM)
                    streams = socket.create_server((resolver, 53))
                datagrams.bind((resolver, 53))
                for sock, serve in ((datagrams, by_datagrams), (streams, by_streams)):
                    stack.enter_context(sock).setblocking(False)
                    begun.append(tasks.create_task(serve(sock, resolver), name=label))
            yield
            for task in begun:
                task.cancel()


async def ask(sock: socket.socket) -> str:
    """Who answers; lost questions are asked again, from the same port."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(FACT_S):
        while True:
            await loop.sock_sendall(sock, QUERY)
            try:
                async with asyncio.timeout(AGAIN_S):
                    return socket.inet_ntoa((await loop.sock_recv(sock, 512))[-4:])
            except TimeoutError:
                continue


async def ask_by_tcp(chain: Chain) -> str:
    """Who answers over TCP."""
    loop = asyncio.get_running_loop()
    with inside(chain.names["client"]):
        sock = socket.socket()
    with sock:
        sock.setblocking(False)
        async with asyncio.timeout(FACT_S):
            await loop.sock_connect(sock, OWN)
            await loop.sock_sendall(sock, len(QUERY).to_bytes(2) + QUERY)
            said = b""
            while part := await loop.sock_recv(sock, 512):
                said += part
    return socket.inet_ntoa(said[-4:])


async def answered_by(chain: Chain, sock: socket.socket, wanted: str) -> None:
    """Both ways of asking lead there, before long."""
    async with asyncio.timeout(FACT_S):
        while await ask(sock) != RESOLVERS[wanted]:
            pass
    assert await ask_by_tcp(chain) == RESOLVERS[wanted]


async def opened(ear: Ear, order: Order) -> None:
    """The order is obeyed."""
    await ear.order(order)
    await ear.until(gate=Gate.OPEN, active=order.active, epoch=order.epoch)


async def test_names_are_answered_beyond_the_exit_that_is_in_use(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    async with resolvers(chain), chain.bus() as ear:
        await opened(ear, through(1, "exit-a"))
        with chain.client_socket(OWN) as sock:
            await answered_by(chain, sock, "exit-a")

            await opened(ear, through(2, "exit-b"))

            await answered_by(chain, sock, "exit-b")


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        pytest.param({}, False, id="no exit named one"),
        pytest.param({"dns": "'off'"}, True, id="off"),
    ],
)
async def test_without_a_resolver_clients_are_refused_at_once(
    chain: Chain, settings: dict[str, str], known: bool
) -> None:
    chain.start_client()
    chain.start_agent(**settings)
    async with resolvers(chain), chain.bus() as ear:
        await opened(ear, through(1, "exit-a", known=known))

        with pytest.raises(OSError, match=f"Errno {errno.EHOSTUNREACH}"):
            await ask_by_tcp(chain)


async def test_the_rules_of_others_are_left_alone(chain: Chain) -> None:
    """Docker leads the names of containers to itself by rules in the same table."""
    dockers = ["-t", "nat", "-A", "OUTPUT", "-d", "127.0.0.11/32", "-j", "ACCEPT"]
    chain.run("entry", "iptables", *dockers)
    chain.start_client()
    chain.start_agent()
    async with resolvers(chain), chain.bus() as ear:
        await opened(ear, through(1, "exit-a"))
        with chain.client_socket(OWN) as sock:
            await answered_by(chain, sock, "exit-a")

    rules = chain.run("entry", "iptables", "-t", "nat", "-S")
    assert "-A OUTPUT -d 127.0.0.11/32 -j ACCEPT" in rules


async def test_a_move_is_obeyed_at_once_where_the_one_before_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    there, elsewhere = through(1, None).exits
    firewall = Firewall()
    with namespace("names") as name, inside(name):
        names = Nameserver(firewall, Settings(), ["10.13.13.1/24"], retry_s=NEVER_S)
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(names.keep())
            with no_descriptors():
                names.follow(there)
                await logged(caplog, f"leading DNS to {RESOLVERS['exit-a']}: ")

            names.follow(elsewhere)
            await logged(caplog, f"answered by {RESOLVERS['exit-b']}")
            keeping.cancel()

        tool = f"iptables-{firewall.backend}-save"
        rules = subprocess.run([tool], check=True, capture_output=True, text=True)  # noqa: ASYNC221
    assert f"--to-destination {RESOLVERS['exit-b']}" in rules.stdout


async def logged(caplog: pytest.LogCaptureFixture, part: str) -> None:
    """Waits until the log has it."""
    async with asyncio.timeout(FACT_S):
        while part not in caplog.text:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
