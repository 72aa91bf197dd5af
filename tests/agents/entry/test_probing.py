"""The whole entry and the paths that it measures, in the real kernel."""

import asyncio
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bus.messages.entries import EntryEventKind
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import Health
from tests.agents.entry.chain import SERVICE, Chain
from tests.agents.entry.ear import ADDRESSES, HOPS, Ear, order
from tests.agents.entry.traffic import carries
from tests.agents.netns import inside

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.broker]

LANES = {"exit-a": "1011", "exit-b": "1012"}
CLOCKS_MS = 5.0  # by which two readings of different clocks may lie apart
ECHOES = "/proc/sys/net/ipv4/icmp_echo_ignore_all"


def through(epoch: int, *hops: Hop) -> Order:
    return Order(epoch=epoch, gate=Gate.OPEN, active=hops[0].exit, exits=hops)


async def test_a_standby_goes_down_and_up_again_and_moves_nobody(chain: Chain) -> None:
    chain.start_agent(probe="'fast'")
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        up = await ear.until_path("exit-b", health=Health.UP)
        assert (up.cause, up.probes_per_s) == ("", 100.0)
        await ear.until_path("exit-a", health=Health.UP)

        chain.silence("exit-b")
        down = await ear.until_path("exit-b", health=Health.DOWN)
        assert down.cause == f"no answer from {SERVICE[0]}"
        chain.silence("exit-b", wanted=False)
        await ear.until_path("exit-b", health=Health.UP)

        assert ear.paths["exit-a"].health is Health.UP
        assert {one.after for one in ear.events if one.kind == "moved"} == {"exit-a"}


async def test_a_move_says_how_long_clients_had_no_way(chain: Chain) -> None:
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until_path("exit-a", health=Health.UP)
        chain.silence("exit-a")
        silent_at = time.time()
        await ear.until_path("exit-a", health=Health.DOWN)
        await ear.order(order(2, "exit-b"))
        moved = await ear.until_event(kind=EntryEventKind.MOVED, after="exit-b")

    assert moved.outage_ms is not None
    assert moved.outage_ms >= (moved.at - silent_at) * 1e3 - CLOCKS_MS


async def test_an_exit_that_left_the_order_leaves_nothing_behind(chain: Chain) -> None:
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until_path("exit-b", health=Health.UP)
        assert LANES["exit-b"] in chain.ip("entry", "rule")

        await ear.order(through(2, HOPS[0]))

        await ear.until_no_path("exit-b")
        await gone(chain, ear, "exit-b")
        assert LANES["exit-a"] in chain.ip("entry", "rule")


async def gone(chain: Chain, ear: Ear, label: str) -> None:
    """Until there is no lane to that exit."""
    number = LANES[label]
    async with asyncio.timeout(10):
        while number in chain.ip("entry", "rule"):
            await ear.listen(0.01)
        while number in chain.ip("entry", "route", "show", "table", "all"):
            await ear.listen(0.01)


async def test_what_a_killed_agent_left_is_taken_away(chain: Chain) -> None:
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until_path("exit-b", health=Health.UP)
        chain.end_agent(signal.SIGKILL)
        await ear.order(through(2, HOPS[0]))

        chain.start_agent()

        await ear.until_no_path("exit-b")
        await gone(chain, ear, "exit-b")


@contextmanager
def echoes_at(chain: Chain, label: str) -> Iterator[socket.socket]:
    """Hears echo requests that reach that exit."""
    with inside(chain.names[label]):
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with sock:
        sock.setblocking(False)
        yield sock


def heard(sock: socket.socket) -> int:
    """How many have come since this was asked last."""
    number = 0
    while True:
        try:
            number += sock.recv(1000)[20] == 8
        except BlockingIOError:
            return number


async def test_no_probe_leaves_by_the_gateway(chain: Chain) -> None:
    """The entry's own default route leads to exit-b; the probes are for exit-a."""
    chain.ip("entry", "route", "add", "default", "via", ADDRESSES["exit-b"])
    chain.start_agent(probe="'fast'")
    with echoes_at(chain, "exit-b") as gateway:
        async with chain.bus() as ear:
            await ear.order(through(1, HOPS[0]))
            await ear.until_path("exit-a", health=Health.UP)

            way = ("default", "via", ADDRESSES["exit-a"], "table", LANES["exit-a"])
            chain.ip("entry", "route", "delete", *way)
            await ear.until_path("exit-a", health=Health.DOWN)
            chain.ip("entry", "route", "add", *way, "dev", "eth0", "metric", "100")
            await ear.until_path("exit-a", health=Health.UP)
            chain.ip("entry", "link", "set", "eth0", "down")
            await ear.until_path("exit-a", health=Health.DOWN)
            chain.ip("entry", "link", "set", "eth0", "up")
            chain.ip("entry", "route", "add", "default", "via", ADDRESSES["exit-b"])
            await ear.until_path("exit-a", health=Health.UP)
            assert heard(gateway) == 0

            # Were there any, we would hear them; but a gateway is no exit.
            chain.ip("entry", "route", "delete", "default")
            await ear.order(order(2, "exit-a"))
            await ear.until_path("exit-b", health=Health.UP)
            assert heard(gateway) > 0


@pytest.mark.parametrize("strict", ["1", "2"])
async def test_answers_come_in_however_the_kernel_asks_for_the_way_back(
    chain: Chain, strict: str
) -> None:
    with inside(chain.names["entry"]):
        Path("/proc/sys/net/ipv4/conf/all/rp_filter").write_text(strict)
    chain.ip("entry", "route", "add", "default", "via", "198.51.100.3")
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until_path("exit-a", health=Health.UP)
        await ear.until_path("exit-b", health=Health.UP)


async def test_where_echoes_are_filtered_other_ways_are_found(chain: Chain) -> None:
    with inside(chain.names["exit-a"]):
        Path(ECHOES).write_text("1")
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))

        await ear.until_path("exit-a", health=Health.UP)


async def test_echoes_filtered_from_now_on_take_a_path_down_for_a_while_only(
    chain: Chain,
) -> None:
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until_path("exit-a", health=Health.UP)

        with inside(chain.names["exit-a"]):
            Path(ECHOES).write_text("1")
        await ear.until_path("exit-a", health=Health.DOWN)

        await ear.until_path("exit-a", health=Health.UP)


async def test_a_target_that_only_advises_is_told_of(chain: Chain) -> None:
    chain.start_agent(probe_advisory=[ADDRESSES["exit-a"]], probe="'fast'")
    async with chain.bus() as ear:
        await ear.order(through(1, HOPS[0]))
        await ear.until_path("exit-a", health=Health.UP)

        while (await ear.until_path("exit-a")).advisory_ms[ADDRESSES["exit-a"]] is None:
            await ear.listen(0.1)

        assert ear.paths["exit-a"].probes_per_s == 101.0


async def test_without_the_broker_the_entry_leaves_a_dead_exit(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent(probe="'fast'")
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
            for name in ADDRESSES:
                await ear.until_path(name, health=Health.UP)
            chain.mosquitto.stop()

            chain.silence("exit-a")
            assert await traffic.answer() == "exit-b"

            chain.silence("exit-a", wanted=False)
            chain.restart_broker()
            report = await ear.until(active="exit-b", epoch=1, walked=True)
            assert report.cause.startswith("walking: exit-a is down by own probes")
            await ear.order(order(1, "exit-a"))  # again: nobody is thrown back
            await carries(ear, traffic, order(2, "exit-b"))
            assert (await ear.until(epoch=2)).walked is False
            assert not [one for one in ear.events if one.after == "exit-a"][1:]


async def test_connections_on_a_dead_exit_begin_anew(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent(probe="'fast'")
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
            tracked = flow(chain)
            await ear.until_path("exit-a", health=Health.UP)

            chain.silence("exit-a")
            await ear.until_path("exit-a", health=Health.DOWN)
            await ear.order(order(2, "exit-b"))

            async with asyncio.timeout(10):
                while tracked == flow(chain):
                    await ear.listen(0.01)


def flow(chain: Chain) -> str:
    """The number of the client's connection in the entry's table; empty: none."""
    table = ["conntrack", "-L", "-p", "udp", "-s", "10.13.13.2", "-o", "id"]
    done = subprocess.run(
        ["ip", "netns", "exec", chain.names["entry"], *table],
        check=True,
        capture_output=True,
        text=True,
        timeout=10,
    )
    return done.stdout.partition(" id=")[2]
