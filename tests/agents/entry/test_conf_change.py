"""wg0.conf is obeyed while the entry runs; nobody who stays in it notices."""

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from agents.entry.conf_file import LOOK_S, ConfFile
from tests.agents.entry.chain import Chain, genkey
from tests.agents.entry.ear import FACT_S, Ear, order
from tests.agents.entry.traffic import carries

TABLET = "\n# tablet\n[Peer]\nPublicKey = {key}\nAllowedIPs = {address}/32\n"


def tablet(address: str = "10.13.13.3") -> str:
    """Text of another peer."""
    return TABLET.format(key=genkey()[1], address=address)


async def told(ear: Ear, peers: set[str]) -> None:
    """These peers are on the bus."""
    async with asyncio.timeout(FACT_S):
        while set(ear.peers) != peers:
            await ear.listen(0.05)


@pytest.mark.kernel
@pytest.mark.daemon
@pytest.mark.broker
async def test_a_peer_that_is_written_there_comes_and_goes(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    text = chain.wg_conf.read_text()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
            holder, traffic.lost = chain.wireguard_go(), 0

            chain.wg_conf.write_text(text + tablet())
            await told(ear, {"phone", "tablet"})
            await ear.until(peers=2)
            assert len(chain.wg_peers()) == 2

            chain.wg_conf.write_text(text)
            await told(ear, {"phone"})
            await ear.until(peers=1)
            assert len(chain.wg_peers()) == 1

            assert await traffic.answer() == "exit-a"
            assert (chain.wireguard_go(), traffic.lost) == (holder, 0)


@pytest.mark.kernel
@pytest.mark.daemon
@pytest.mark.broker
async def test_what_does_not_fit_changes_nothing(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    text = chain.wg_conf.read_text()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))

            chain.wg_conf.write_text(text + tablet("192.168.1.9"))
            await ear.listen(3 * LOOK_S)
            assert len(chain.wg_peers()) == 1
            assert await traffic.answer() == "exit-a"

            chain.wg_conf.write_text(text + tablet())
            await told(ear, {"phone", "tablet"})


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[AsyncGenerator[None, None]]:
    """The changes of a file."""
    file = tmp_path / "wg0.conf"
    file.write_text("one")
    async with aclosing(ConfFile(file).changes()) as changes:
        yield changes


async def test_a_change_is_seen_once(
    seen: AsyncGenerator[None, None], tmp_path: Path
) -> None:
    file = tmp_path / "wg0.conf"

    file.write_text("another")
    async with asyncio.timeout(FACT_S):
        await anext(seen)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3 * LOOK_S):
            await anext(seen)


async def test_a_file_that_takes_the_place_of_another_is_a_change(
    seen: AsyncGenerator[None, None], tmp_path: Path
) -> None:
    new = tmp_path / "new"
    new.write_text("two")

    new.rename(tmp_path / "wg0.conf")

    async with asyncio.timeout(FACT_S):
        await anext(seen)


async def test_a_hangup_asks_for_it_at_once(tmp_path: Path) -> None:
    file = tmp_path / "wg0.conf"
    file.write_text("one")
    never_s = 100 * FACT_S
    async with (
        aclosing(ConfFile(file, look_s=never_s).changes()) as changes,
        asyncio.TaskGroup() as tasks,
    ):
        change = tasks.create_task(anext(changes), name="change")
        await asyncio.sleep(0)

        signal.raise_signal(signal.SIGHUP)

        async with asyncio.timeout(FACT_S):
            await change
