"""Requests and their answers."""

import asyncio
from typing import Final

import pytest

from agents.dashboard.desk import PENDING, Desk
from bus.commands import Response
from bus.examples import example_of
from bus.interface import Bus
from bus.topics import REQUEST
from tests.fakes.bus import FakeBroker

LIMIT_S: Final = 10.0


async def answer_all(broker: FakeBroker, desk: Desk, *, ok: bool, error: str) -> None:
    levels = {"agent": "coordinator", "verb": "prefer"}
    request = await broker.until(REQUEST, lambda _: True, **levels)
    desk.answered(Response(transaction="a stranger's", ok=True))
    desk.answered(Response(transaction=request.transaction, ok=ok, error=error))


@pytest.mark.parametrize(
    ("ok", "error", "told"),
    [(True, "", ""), (False, "no", "no"), (False, "", "refused")],
)
async def test_the_answer_of_the_same_transaction_counts(
    ok: bool, error: str, told: str
) -> None:
    broker, desk = FakeBroker(), Desk()
    async with (
        asyncio.timeout(LIMIT_S),
        broker.open_link("dashboard", "dashboard") as bus,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(answer_all(broker, desk, ok=ok, error=error))
        assert await desk.ask(bus, "coordinator", "prefer", "exit-b") == told


@pytest.mark.parametrize(
    ("agent", "verb", "exit_"),
    [
        ("coordinator", "restart", ""),
        ("coordinator", "", ""),
        ("a/b", "auto", ""),
        ("coordinator", "prefer", "#"),
    ],
)
async def test_what_is_no_request_is_not_said(
    agent: str, verb: str, exit_: str
) -> None:
    broker = FakeBroker()
    async with broker.open_link("dashboard", "dashboard") as bus:
        assert (await Desk().ask(bus, agent, verb, exit_)).startswith("there is no")
    assert not [name for name, _ in broker.said if name.startswith("request/")]


async def test_a_client_is_asked_for_by_name_and_public_key() -> None:
    broker, desk = FakeBroker(), Desk()
    terms = example_of(Response).peer

    async def grant() -> None:
        wished = await broker.until(
            REQUEST, lambda _: True, agent="entry", verb="add-peer"
        )
        assert (wished.peer, wished.public_key) == ("phone", "a key")
        desk.answered(Response(transaction=wished.transaction, ok=True, peer=terms))

    async with (
        asyncio.timeout(LIMIT_S),
        broker.open_link("dashboard", "dashboard") as bus,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(grant())
        assert await desk.add_peer(bus, "entry", "phone", "a key") == ("", terms)
        refused = await desk.add_peer(bus, "entry/#", "phone", "a key")
        assert refused == ("there is no entry 'entry/#'", None)


async def test_without_a_broker_nobody_waits() -> None:
    broker = FakeBroker(up=False)
    async with broker.open_link("dashboard", "dashboard") as bus:
        assert await Desk().ask(bus, "coordinator", "auto", "") == "the broker is away"


async def test_so_many_requests_at_once_are_nobody_s_fingers() -> None:
    broker, desk = FakeBroker(), Desk()

    async def press(bus: Bus) -> str:
        return await desk.ask(bus, "coordinator", "auto", "")

    async with (
        broker.open_link("dashboard", "dashboard") as bus,
        asyncio.TaskGroup() as tasks,
    ):
        pressing = [tasks.create_task(press(bus)) for _ in range(PENDING)]
        levels = {"agent": "coordinator", "verb": "auto"}
        await broker.until(REQUEST, lambda _: True, **levels)
        assert "too many" in await press(bus)
        for task in pressing:
            task.cancel()
