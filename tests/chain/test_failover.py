"""A provider dies, and the clients' traffic goes on through the other one."""

from typing import Final

import pytest

from bus.messages.orders import Decision, DecisionKind, Gate, Move
from lab import steps
from lab.client import Stream
from lab.inside import has_wireguard, leftovers
from lab.scene import Scene, now_s
from lab.topology import seen_address
from tests.chain.acts import (
    FETCH_S,
    WITHIN_S,
    Leaked,
    Overrun,
    dead,
    moves,
    silent,
    unbroken,
)

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

A, B = seen_address("provider-a"), seen_address("provider-b")
MOVES: Final = (
    *(DecisionKind.FAILOVER, DecisionKind.FAILBACK),
    *(DecisionKind.EXHAUSTED, DecisionKind.RESUMED, DecisionKind.MOVED),
)
HELD_S: Final = 1.0
AROUND_S: Final = 0.5
PROBES_MS: Final = 200.0  # between two of them, and as much for a busy machine


@pytest.mark.parametrize("fate", [dead, silent])
async def test_the_clients_move_once_when_their_provider_is(
    fate: object, standing: Scene, stream: Stream, leaked: Leaked
) -> None:
    assert callable(fate)
    start_s = now_s()

    async with fate(standing, "provider-a"):
        await stream.left_by(B, WITHIN_S)
        await steps.decision(standing, DecisionKind.FAILOVER, start_s)

        assert await standing.client.fetch(FETCH_S) == B
        assert moves(standing, start_s) == [DecisionKind.FAILOVER]
    assert await leaked() == []


async def test_the_clients_go_back_without_loss_once_it_has_settled(
    standing: Scene, stream: Stream, overrun: Overrun
) -> None:
    start_s = now_s()
    async with dead(standing, "provider-a"):
        await stream.left_by(B, WITHIN_S)
    back = await steps.ready(standing, "exit-a", start_s, WITHIN_S)

    assert standing.observer.order is not None
    assert standing.observer.order.active == "exit-b"
    assert await leftovers(standing.lab, "exit-a") == []
    settled = await steps.decision(standing, DecisionKind.FAILBACK, start_s)
    assert settled.at - back.at >= standing.chain.tuning.settle_s - steps.HASTE_S
    moved_s = await stream.left_by(A, WITHIN_S)
    window = await stream.window(moved_s - AROUND_S, moved_s + AROUND_S)
    assert window.lost <= await overrun()


async def test_the_death_of_a_standby_moves_nobody(
    standing: Scene, stream: Stream
) -> None:
    start_s = now_s()

    async with dead(standing, "provider-b"):
        await standing.observer.until(
            lambda: standing.observer.exits["exit-b"].cause, "exit-b's end", WITHIN_S
        )
        window = await stream.window(start_s, now_s())

    assert moves(standing, start_s) == []
    assert unbroken(window, A), window


async def test_without_any_provider_the_clients_are_held_and_nothing_leaks(
    standing: Scene, stream: Stream, leaked: Leaked
) -> None:
    start_s = now_s()
    async with dead(standing, "provider-a", "provider-b"):
        exhausted = await steps.decision(standing, DecisionKind.EXHAUSTED, start_s)
        await steps.active(standing, None)
        held_s = now_s()

        window = await stream.window(held_s, held_s + HELD_S)

        order = standing.observer.order
        assert exhausted.after is None
        assert order is not None
        assert (order.gate, order.active) == (Gate.OPEN, None)
        assert await has_wireguard(standing.lab)
        assert (window.lost, window.seen) == (window.sent, {})
        assert await leaked() == []


async def test_one_that_returns_is_enough(
    standing: Scene, stream: Stream, leaked: Leaked
) -> None:
    start_s = now_s()
    async with dead(standing, "provider-a"):
        async with dead(standing, "provider-b"):
            await steps.decision(standing, DecisionKind.EXHAUSTED, start_s)
        resumed = await steps.decision(standing, DecisionKind.RESUMED, start_s)
        await stream.left_by(B, WITHIN_S)

        assert resumed.after == "exit-b"
        assert await standing.client.fetch(FETCH_S) == B
    assert await leaked() == []


async def test_each_decision_says_why(standing: Scene) -> None:
    start_s = now_s()
    async with dead(standing, "provider-a"):
        await steps.decision(standing, DecisionKind.FAILOVER, start_s)

    told = standing.observer.since(0.0, Decision)
    assert told
    assert all(one.reason for one in told)
    assert all(one.before != one.after for one in told if one.kind in MOVES)


async def test_history_says_what_a_move_has_cost(
    standing: Scene, stream: Stream
) -> None:
    start_s = now_s()
    async with silent(standing, "provider-a"):
        decided = await steps.decision(standing, DecisionKind.FAILOVER, start_s)
        await stream.left_by(B, WITHIN_S)
        move = await standing.observer.until(
            lambda: cost(standing, decided.epoch), "what it has cost", WITHIN_S
        )
        window = await stream.window(start_s, now_s())

    assert move is not None
    assert (move.before, move.after) == ("exit-a", "exit-b")
    assert move.reason == decided.reason
    standing.say(f"outage: {move.outage_ms} ms of {window.longest_gap_ms} ms")
    assert 0.0 < (move.outage_ms or 0.0) < window.longest_gap_ms + PROBES_MS


def cost(scene: Scene, epoch: int) -> Move | None:
    """The move by that order, once history knows what it has cost."""
    known = (one for one in scene.observer.moves if one.outage_ms is not None)
    return next((one for one in known if one.epoch == epoch), None)


async def test_an_exit_says_what_goes_through_its_tunnel(
    standing: Scene, stream: Stream
) -> None:
    def sent_bytes() -> int:
        return standing.observer.exits["exit-a"].sent_bytes or 0

    await stream.left_by(A, WITHIN_S)
    before = await standing.observer.until(sent_bytes, "a first figure", WITHIN_S)
    await standing.observer.until(
        lambda: sent_bytes() > before, "a greater one", WITHIN_S
    )
