"""What the whole entry does when things go wrong around it."""

import asyncio
import os
import signal

import pytest

from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import Health
from tests.agents.entry.chain import Chain
from tests.agents.entry.ear import order
from tests.agents.entry.traffic import carries

GATEWAY = "172.20.0.1"

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.broker]


async def test_an_older_order_is_ignored(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(7, "exit-a"))

            await ear.order(order(6, "exit-b"))
            await ear.order(order(7, None, Gate.CLOSED))
            await ear.order(order(8, "exit-a"))

            await ear.until(epoch=8)
            assert not [one for one in ear.events if one.after == "exit-b"]
            assert not [one for one in ear.events if one.kind == "gate-closed"]
            assert await traffic.answer() == "exit-a"


async def test_the_way_comes_back_with_the_device_towards_the_exits(
    chain: Chain,
) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))

            chain.ip("entry", "link", "set", "eth0", "down")
            await ear.until(active=None)
            chain.ip("entry", "link", "set", "eth0", "up")

            await ear.until(active="exit-a")
            assert await traffic.answer() == "exit-a"


async def test_the_way_comes_back_when_the_container_is_on_the_bridge_again(
    chain: Chain,
) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
            await ear.until_path("exit-b", health=Health.UP)

            chain.unplug()
            await ear.until(active=None)
            await ear.until_path("exit-b", health=Health.DOWN)
            chain.plug()

            await ear.until(active="exit-a")
            assert await traffic.answer() == "exit-a"
            await ear.until_path("exit-b", health=Health.UP)


async def test_a_bridge_at_another_device_is_left_to_the_next_agent(
    chain: Chain,
) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))

            chain.unplug()
            chain.plug("eth7")
            assert chain.agent_ends() == 1
            chain.start_agent()

            await ear.until(active="exit-a")
            assert await traffic.answer() == "exit-a"


async def test_a_wg0_that_vanishes_is_made_again(chain: Chain) -> None:
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until(gate=Gate.OPEN)

        chain.ip("entry", "link", "delete", "wg0")

        await ear.until(gate=Gate.CLOSED)
        await ear.until(gate=Gate.OPEN)


async def test_a_wg0_that_is_no_wireguard_gives_way(chain: Chain) -> None:
    chain.ip("entry", "link", "add", "wg0", "type", "bridge")
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.until(gate=Gate.CLOSED)

        await ear.order(order(1, "exit-a"))

        assert (await ear.until(gate=Gate.OPEN)).public_key == chain.public


@pytest.mark.parametrize("address", ["192.0.2.9", "172.20.0.2", GATEWAY])
async def test_where_no_exit_can_be_no_packet_goes_and_the_reason_is_said(
    chain: Chain, address: str
) -> None:
    chain.ip("entry", "route", "add", "198.18.0.0/15", "via", GATEWAY)
    chain.start_agent()
    stranger = Hop(exit="exit-z", address=address)
    wanted = Order(epoch=2, gate=Gate.OPEN, active="exit-z", exits=(stranger,))
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until(active="exit-a")

        await ear.order(wanted)

        report = await ear.until(epoch=2, active=None)
        assert report.cause == "exit-z cannot be where order 2 says"
        path = await ear.until_path("exit-z", health=Health.DOWN)
        assert path.cause == "no exit can be at this address"
        table = chain.ip("entry", "route", "show", "table", "200")
        assert table.split()[:2] == ["unreachable", "default"]


async def test_a_wireguard_go_that_dies_is_started_again(chain: Chain) -> None:
    chain.start_agent(wireguard="'userspace'")
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until(gate=Gate.OPEN, wireguard="userspace")
        first = chain.wireguard_go()

        os.kill(first, signal.SIGKILL)

        await ear.until(gate=Gate.CLOSED)
        await ear.until(gate=Gate.OPEN)
        assert chain.wireguard_go() != first


async def test_no_wireguard_go_is_left_when_the_gate_closes(chain: Chain) -> None:
    chain.start_agent(wireguard="'userspace'")
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until(gate=Gate.OPEN)
        process = os.pidfd_open(chain.wireguard_go())
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process, ended.set)

        await ear.order(order(2, None, Gate.CLOSED))

        await ended.wait()
        asyncio.get_running_loop().remove_reader(process)
        os.close(process)


async def test_the_data_plane_needs_neither_broker_nor_coordinator(
    chain: Chain,
) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))

        chain.mosquitto.stop()

        assert await traffic.answer() == "exit-a"


@pytest.mark.parametrize("line", ["PublicKey = nonsense", "Nonsense = 1"])
async def test_a_wrong_file_ends_the_agent_before_it_touches_anything(
    chain: Chain, line: str
) -> None:
    chain.wg_conf.write_text(f"{chain.wg_conf.read_text()}{line}\n")

    chain.start_agent()

    assert chain.agent_ends() == 2
    assert chain.ip("entry", "rule", "show", "pref", "1000") == ""


async def test_a_port_in_use_ends_the_agent_before_it_touches_anything(
    chain: Chain,
) -> None:
    with chain.entry_socket() as sock:
        sock.bind(("198.51.100.2", 51820))

        chain.start_agent()

        assert chain.agent_ends() == 2
    assert chain.ip("entry", "rule", "show", "pref", "1000") == ""
