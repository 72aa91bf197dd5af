"""The probe behind the exit's own rules and filter, where echoes are not answered."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from agents.exit.forwarding import DEVICE
from agents.exit.probe import Probe
from agents.exit.window import Window
from agents.probe_habit import Habit, Method
from tests.agents.exit.detours import AT_ONCE_S, SERVER, WITHIN_S, Place, place

pytestmark = pytest.mark.kernel

EXIT = "exit-a"
TARGET = SERVER[0]
IGNORE = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")
INTERVAL_S = 0.05


@pytest.fixture
async def net() -> AsyncIterator[Place]:
    async with place() as net:
        with net.inside("internet"):
            IGNORE.write_text("1")
        yield net


@asynccontextmanager
async def probing(net: Place, habit: Habit) -> AsyncIterator[asyncio.Queue[bool]]:
    """The verdicts of a probe of the exit."""
    verdicts: asyncio.Queue[bool] = asyncio.Queue()

    def tell(answered: bool, _window: Window) -> None:
        verdicts.put_nowait(answered)

    probe = Probe(DEVICE, {TARGET: habit}, INTERVAL_S, tell)
    with net.inside(EXIT):
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(probe.run())
            yield verdicts
            running.cancel()


async def until(verdicts: asyncio.Queue[bool], wanted: bool, times: int = 1) -> None:
    """Until there were so many of the kind in a row."""
    row = 0
    async with asyncio.timeout(WITHIN_S):
        while row < times:
            row = row + 1 if await verdicts.get() is wanted else 0


async def test_an_exit_hears_the_answer_to_what_is_no_echo(net: Place) -> None:
    habit = Habit()

    async with probing(net, habit) as verdicts:
        await until(verdicts, wanted=True, times=5)

    assert habit.method in (Method.TLS, Method.TCP)


async def test_an_exit_hears_a_resolver(net: Place) -> None:
    loop = asyncio.get_running_loop()
    resolver = net.sender("internet", TARGET, 53)
    resolver.setblocking(False)

    async with probing(net, Habit(Method.DNS)) as verdicts:
        async with asyncio.timeout(WITHIN_S):
            query, asker = await loop.sock_recvfrom(resolver, 500)
        await loop.sock_sendto(resolver, query[:2] + b"\x80\0" + query[4:], asker)

        await until(verdicts, wanted=True)


@pytest.mark.parametrize("method", list(Method))
async def test_no_probe_takes_the_detour(net: Place, method: Method) -> None:
    bridge = net.watch(EXIT, "eth0")
    habit = Habit(method)
    async with probing(net, habit) as verdicts:
        net.ip(EXIT, "link", "set", "ppp0", "down")
        await until(verdicts, wanted=False, times=5)

        assert to_target(bridge) == 0

        # Were there any, we would hear them.
        net.send(net.sender(EXIT, "0.0.0.0"))  # noqa: S104 - a namespace of our own
        assert to_target(bridge) == 1


def to_target(watch: socket.socket) -> int:
    """How many packets have passed there to the target."""
    watch.settimeout(AT_ONCE_S)
    number = 0
    with suppress(TimeoutError):
        while True:
            number += watch.recv(2048)[16:20] == socket.inet_aton(TARGET)
    return number
