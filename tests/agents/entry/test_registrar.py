"""Clients added on request: a real file, and whoever else writes it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import pytest

from agents.entry.registrar import OFF, TURN_S, WAITING, Registrar
from agents.entry.wgconf import WgConf, parse
from agents.files import locked
from agents.settings_model import CLIENTS, EntrySettings, Settings
from bus.commands import Request, Response
from bus.interface import Received
from bus.topics import REQUEST
from cli.wgkeys import new_pair, public_of
from tests.agents.entry.chain import Chain
from tests.agents.entry.ear import FACT_S, order
from tests.agents.entry.traffic import carries

pytestmark = pytest.mark.daemon

TEXT: Final = """\
[Interface]
Address = 10.13.13.1/24
PrivateKey = {key}

# phone
[Peer]
PublicKey = {phone}
AllowedIPs = 10.13.13.2/32
# it was bought in 2024
"""


@dataclass
class House:
    file: Path
    may: bool = True
    obeyed: list[WgConf] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pair = new_pair()
        key = self.pair.private.reveal()
        self.file.write_text(TEXT.format(key=key, phone=new_pair().public))
        self.file.chmod(0o600)

    @property
    def conf(self) -> WgConf:
        return parse(self.file.read_text(), "wg0.conf", CLIENTS)

    @property
    def registrar(self) -> Registrar:
        own = EntrySettings(
            wg_conf=self.file, endpoint="vpn.example.org", peers_by_request=self.may
        )
        return Registrar(Settings(entry=own), self.obeyed.append)

    async def ask(self, name: str, key: str = "") -> Response:
        wish = Request(transaction="1", peer=name, public_key=key or new_pair().public)
        return await self.registrar.answer(wish)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "wg0.conf")


async def test_a_client_is_added_obeyed_and_told(house: House) -> None:
    before, key = house.file.read_text(), new_pair().public

    said = await house.ask("tablet", key)

    assert (said.ok, said.error) == (True, "")
    assert said.peer is not None
    assert said.peer.entry_key == public_of(house.pair.private)
    assert house.file.read_text().startswith(before)
    assert house.file.stat().st_mode & 0o777 == 0o600
    assert house.conf.peers[-1].public_key == key
    assert house.obeyed == [house.conf]
    assert [path.name for path in house.file.parent.iterdir()] == ["wg0.conf"]


async def test_it_is_off_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    assert not EntrySettings().peers_by_request
    house = House(tmp_path / "wg0.conf", may=False)
    before = house.file.read_text()

    said = await house.ask("tablet")

    assert (said.ok, said.error, said.peer) == (False, OFF, None)
    assert (house.file.read_text(), house.obeyed) == (before, [])


async def test_wishes_at_once_get_addresses_of_their_own(house: House) -> None:
    names = [f"client {number}" for number in range(6)]

    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(house.ask(name))

    added = house.conf.peers[1:]
    assert sorted(peer.name for peer in added) == names
    addresses = {IPv4Address(peer.allowed_ips[0].split("/")[0]) for peer in added}
    assert addresses == {IPv4Address("10.13.13.3") + n for n in range(len(names))}


async def test_the_same_wish_twice_adds_one(house: House) -> None:
    key = new_pair().public

    said = [await house.ask("tablet", key), await house.ask("tablet", key)]

    assert [one.ok for one in said] == [True, False]
    assert "one of this name" in said[1].error
    assert len(house.conf.peers) == 2


async def test_a_key_that_stands_already_is_refused(house: House) -> None:
    said = await house.ask("tablet", house.conf.peers[0].public_key)
    assert "another's" in said.error


async def test_a_file_that_somebody_else_is_changing_is_waited_for(
    house: House,
) -> None:
    async with asyncio.timeout(FACT_S), asyncio.TaskGroup() as tasks:
        with locked(house.file.parent):
            asked = tasks.create_task(house.ask("tablet"))
            await asyncio.sleep(TURN_S / 20)
            assert not asked.done()
    assert asked.result().ok


async def test_but_not_for_ever(house: House) -> None:
    with locked(house.file.parent):
        said = await house.ask("tablet")
    assert said.error == "somebody else is changing wg0.conf"


def broken(house: House) -> None:
    house.file.write_text("[Interface]\nAddress = nonsense\n")


def gone(house: House) -> None:
    house.file.unlink()


def not_a_file(house: House) -> None:
    house.file.unlink()
    house.file.mkdir()


@pytest.mark.parametrize("harm", [broken, gone, not_a_file])
async def test_what_is_wrong_with_the_file_is_said(
    house: House, harm: Callable[[House], None]
) -> None:
    harm(house)
    said = await house.ask("tablet")
    assert not said.ok
    assert "wg0.conf" in said.error
    assert house.obeyed == []


def test_other_wishes_are_not_its_business_and_too_many_are_dropped(
    house: House,
) -> None:
    registrar = house.registrar
    for verb, mine in (("accept", False), ("add-peer", True)):
        levels = {"agent": "entry", "verb": verb}
        wish = Received(REQUEST, levels, Request(transaction="1", peer="tablet"))
        for _ in range(WAITING + 1):
            assert registrar.takes(wish) is mine


@pytest.mark.kernel
@pytest.mark.broker
async def test_who_is_added_is_a_peer_at_once_and_nobody_else_notices(
    chain: Chain,
) -> None:
    chain.start_client()
    chain.start_agent(peers_by_request="true", endpoint="'198.51.100.2'")
    keys = [new_pair().public for _ in range(2)]
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
            holder, traffic.lost = chain.wireguard_go(), 0

            said = await ear.ask("add-peer", peer="tablet", public_key=keys[0])
            again = await ear.ask("add-peer", peer="tablet", public_key=keys[1])
            await ear.until(peers=2)

            assert (said.ok, again.ok) == (True, False)
            assert said.peer is not None
            assert said.peer.address == "10.13.13.3"
            assert said.peer.entry_key == chain.public
            assert said.peer.endpoint == "198.51.100.2:51820"
            async with asyncio.timeout(FACT_S):
                while keys[0] not in chain.wg_peers():
                    await ear.listen(0.05)
                while "tablet" not in ear.peers:
                    await ear.listen(0.05)
            assert await traffic.answer() == "exit-a"
            assert (chain.wireguard_go(), traffic.lost) == (holder, 0)


@pytest.mark.kernel
@pytest.mark.broker
async def test_an_entry_that_sees_its_file_read_only_says_so(chain: Chain) -> None:
    """As compose mounts it; root may write anything else."""
    folder = str(chain.folder)
    script = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    pid = str(chain.holder.pid)
    chain.start_agent(peers_by_request="true", endpoint="'198.51.100.2'")
    chain.run("entry", "nsenter", "-t", pid, "-m", "sh", "-c", script)
    before = chain.wg_conf.read_text()
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until(epoch=1)

        key = new_pair().public
        said = await ear.ask("add-peer", peer="tablet", public_key=key)

        why = "the entry may not write wg0.conf: read-only file system"
        assert (said.ok, said.error, said.peer) == (False, why, None)
    assert chain.wg_conf.read_text() == before
