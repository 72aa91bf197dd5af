"""What a broker lets us do, found out by trying it on a real one."""

from dataclasses import replace
from pathlib import Path

import pytest

from bus.secret import Secret
from bus.wire import Broker
from cli.doctor.broker import Rights, of_rights, tried
from cli.doctor.finding import State
from tests.cli.test_init import broker as broker_of
from tests.cli.test_init import made, running
from tests.mosquitto import Mosquitto


def states(rights: Rights, broker: Broker) -> list[State]:
    return [one.state for one in of_rights(rights, broker)]


@pytest.mark.broker
async def test_the_broker_that_init_makes_is_well(tmp_path: Path) -> None:
    chain = made(tmp_path / "chain")

    with running(chain, tmp_path / "broker") as (_, people_port):
        operator = broker_of(chain, "operator", people_port)
        rights = await tried(operator)

    assert rights == Rights(reached=True, asks=True)
    assert states(rights, operator) == [State.OK, State.OK]


@pytest.mark.broker
async def test_a_broker_without_passwords_is_wrong(broker: Broker) -> None:
    rights = await tried(broker)

    assert rights == Rights(reached=True, asks=True, forges=True, strangers=True)
    assert states(rights, broker) == [State.OK, State.WRONG]


def test_strangers_are_wrong_even_where_rights_hold() -> None:
    rights = Rights(reached=True, asks=True, strangers=True)

    (_, found) = of_rights(rights, Broker("broker"))

    assert found.state is State.WRONG
    assert "without a password" in found.what


@pytest.mark.broker
async def test_a_broker_without_rights_is_wrong(tmp_path: Path) -> None:
    chain = made(tmp_path / "chain")
    conf = chain / "config/broker/mosquitto.conf"
    lines = conf.read_text().splitlines()
    conf.write_text("\n".join(one for one in lines if not one.startswith("acl_file")))

    with running(chain, tmp_path / "broker") as (_, people_port):
        operator = broker_of(chain, "operator", people_port)
        rights = await tried(operator)

    assert rights == Rights(reached=True, asks=True, forges=True)
    assert states(rights, operator) == [State.OK, State.WRONG]


@pytest.mark.broker
async def test_who_may_only_listen_is_warned(tmp_path: Path) -> None:
    chain = made(tmp_path / "chain")

    with running(chain, tmp_path / "broker") as (agents_port, _):
        watcher = broker_of(chain, "metrics", agents_port)
        rights = await tried(watcher)

    assert rights == Rights(reached=True)
    assert states(rights, watcher) == [State.OK, State.WARNING]


@pytest.mark.broker
async def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    chain = made(tmp_path / "chain")

    with running(chain, tmp_path / "broker") as (_, people_port):
        operator = broker_of(chain, "operator", people_port)
        rights = await tried(replace(operator, password=Secret("another")))

    assert states(rights, operator) == [State.WRONG, State.UNKNOWN]


async def test_a_broker_that_is_not_there_is_told(tmp_path: Path) -> None:
    nobody = Mosquitto(tmp_path)

    rights = await tried(Broker(nobody.host, nobody.port))

    (found, _) = of_rights(rights, Broker(nobody.host, nobody.port))
    assert found.state is State.WRONG
    assert f"127.0.0.1:{nobody.port}" in found.what


async def test_a_name_that_only_containers_know_is_no_fault() -> None:
    known = Broker("broker.invalid")

    rights = await tried(known)

    (found,) = of_rights(rights, known)
    assert found.state is State.UNKNOWN
    assert "docker compose run" in found.todo
