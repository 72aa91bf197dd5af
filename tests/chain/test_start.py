"""How the chain comes up: nobody gets in before an exit carries traffic."""

from typing import Final

import pytest

from bus.messages.entries import EntryEvent, EntryEventKind
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from bus.messages.orders import Decision, DecisionKind, Gate
from lab.inside import encrypted, handshake_at, leftovers
from lab.scene import Scene
from lab.topology import seen_address
from tests.chain.acts import Leaked

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

FETCH_S: Final = 20.0
CLIMB: Final = (Stage.IKE, Stage.IPSEC, Stage.L2TP, Stage.PPP, Stage.READY)


async def test_the_gate_is_closed_while_no_exit_is_ready(started: Scene) -> None:
    # That wg0 was not there and no handshake was answered, `steps.closed` has seen.
    happened = [one.what for one in started.observer.happened]
    ready = next(
        number
        for number, one in enumerate(happened)
        if isinstance(one, ExitEvent) and one.after is Stage.READY
    )
    before = happened[:ready]

    assert not [one for one in before if isinstance(one, Decision)]
    assert not [
        one
        for one in before
        if isinstance(one, EntryEvent) and one.kind is EntryEventKind.GATE_OPENED
    ]


async def test_stages_come_in_order_each_with_its_duration(started: Scene) -> None:
    for name in started.lab.topology.exits:
        # While the providers were out of reach an attempt may have failed.
        told = started.observer.since(0.0, ExitEvent, name)
        stages = [one for one in told if one.kind is ExitEventKind.STAGE]
        events = stages[: len(CLIMB)]

        assert tuple(one.after for one in events) == CLIMB
        assert all(one.duration_s is not None for one in events)


async def test_the_gate_opens_once_and_for_a_ready_exit(started: Scene) -> None:
    decided = started.observer.since(0.0, Decision)
    opened = [one for one in decided if one.kind is DecisionKind.GATE_OPENED]

    assert len(opened) == 1
    assert opened[0].after in started.lab.topology.exits
    assert "is ready" in opened[0].reason


async def test_the_entry_runs_wireguard_as_ordered(standing: Scene) -> None:
    report = standing.observer.entries["entry"]

    assert report.gate is Gate.OPEN
    assert report.wireguard == standing.chain.wireguard
    assert report.cause == ""


async def test_a_client_leaves_through_the_first_provider(standing: Scene) -> None:
    assert await handshake_at(standing.lab)
    assert await standing.client.fetch(FETCH_S) == seen_address("provider-a")


async def test_between_exit_and_provider_there_is_only_the_tunnel(
    standing: Scene, leaked: Leaked
) -> None:
    page = await encrypted(standing.lab, "provider-a", standing.client, FETCH_S)

    assert page == seen_address("provider-a")
    assert await leaked() == []


async def test_an_exit_needs_one_of_each(standing: Scene) -> None:
    for name in standing.lab.topology.exits:
        assert await leftovers(standing.lab, name) == []
