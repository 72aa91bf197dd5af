"""The active exit loses its link, or lets go of it: the clients hardly notice."""

import pytest

from bus.messages.orders import DecisionKind
from lab import steps
from lab.client import Stream
from lab.inside import leftovers, pids
from lab.scene import Scene, now_s
from lab.topology import seen_address
from tests.chain.acts import WITHIN_S, Leaked, Overrun, kill, restart

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

B = seen_address("provider-b")
MOST_LOST = 2  # ppp0 outlives the session under it by some milliseconds
AFTER_S = 0.5


async def test_a_killed_pppd_costs_next_to_nothing(
    standing: Scene, stream: Stream, leaked: Leaked, overrun: Overrun
) -> None:
    start_s = now_s()
    (pid,) = await pids(standing.lab, "exit-a", "pppd")

    await standing.lab.exec("", ["kill", "-KILL", pid])
    moved_s = await stream.left_by(B, WITHIN_S)
    await steps.decision(standing, DecisionKind.FAILOVER, start_s)

    window = await stream.window(start_s, moved_s + AFTER_S)
    assert window.lost <= MOST_LOST + await overrun()
    assert await leaked() == []


async def test_a_stopped_exit_costs_nothing(
    standing: Scene, stream: Stream, leaked: Leaked, overrun: Overrun
) -> None:
    start_s = now_s()

    assert await standing.chain.agents["exit-a"].end() == 0
    moved_s = await stream.left_by(B, WITHIN_S)

    window = await stream.window(start_s, moved_s + AFTER_S)
    assert window.lost <= await overrun()
    assert await leaked() == []
    await restart(standing, "exit-a")


async def test_a_wished_for_reconnect_costs_nothing(
    standing: Scene, stream: Stream, overrun: Overrun
) -> None:
    start_s = now_s()

    await standing.observer.ask("exit-a", "reconnect", WITHIN_S)
    moved_s = await stream.left_by(B, WITHIN_S)
    await steps.ready(standing, "exit-a", start_s, WITHIN_S)

    window = await stream.window(start_s, moved_s + AFTER_S)
    assert window.lost <= await overrun()


async def test_an_exit_agent_that_was_killed_starts_anew_at_no_cost(
    standing: Scene, stream: Stream, overrun: Overrun
) -> None:
    start_s = now_s()

    await kill(standing, standing.chain.agents["exit-a"])
    again_s = await restart(standing, "exit-a")
    moved_s = await stream.left_by(B, WITHIN_S)
    await steps.ready(standing, "exit-a", again_s, WITHIN_S)

    window = await stream.window(start_s, moved_s + AFTER_S)
    assert window.lost <= await overrun()
    assert await leftovers(standing.lab, "exit-a") == []
