"""The wall's clock is for people: nobody decides by it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bus.messages.exits import ExitEvent, ExitEventKind
from lab.guest import INSIDE
from lab.scene import Scene, now_s
from lab.topology import seen_address
from tests.chain.acts import FETCH_S, WITHIN_S, moves
from tests.needs import need

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

DAY_S = 86_400.0
HOUR_S = 3_600.0


@pytest.fixture(autouse=True)
def ours() -> None:
    """Skips where the clock is the machine's."""
    if INSIDE not in os.environ:
        need("needs a guest: the clock is the machine's")


@contextmanager
def clock_off_by(offset_s: float) -> Iterator[None]:
    """The guest's clock shows another time meanwhile."""
    right_s = time.time() - time.monotonic()
    time.clock_settime(time.CLOCK_REALTIME, time.time() + offset_s)
    try:
        yield
    finally:
        time.clock_settime(time.CLOCK_REALTIME, right_s + time.monotonic())


async def heard_again(scene: Scene) -> None:
    """Everybody has told of the present since now, by whatever clock."""
    before = stamps(scene)
    await scene.observer.until(
        lambda: all(now > before[name] for name, now in stamps(scene).items()),
        "a word of everybody",
        WITHIN_S,
    )


def stamps(scene: Scene) -> dict[str, int]:
    """How much each agent has said in its present life."""
    observer, order = scene.observer, scene.observer.order
    told = {**observer.exits, **observer.entries}
    assert order is not None
    return {
        "coordinator": order.seq,
        **{name: one.seq for name, one in told.items()},
    }


@pytest.mark.parametrize("offset_s", [DAY_S, -HOUR_S])
async def test_a_clock_that_jumps_forth_and_back_moves_nobody(
    offset_s: float, standing: Scene
) -> None:
    # WireGuard numbers its handshakes by the clock: let none fall into the wrong time.
    await standing.chain.connect(standing.client.node)
    await standing.client.ping(WITHIN_S)
    start_s = now_s()

    with clock_off_by(offset_s):
        await heard_again(standing)
        await heard_again(standing)
        seen = await standing.client.fetch(FETCH_S)
    await heard_again(standing)

    assert seen == await standing.client.fetch(FETCH_S) == seen_address("provider-a")
    assert moves(standing, start_s) == []
    events = standing.observer.since(start_s, ExitEvent)
    assert ExitEventKind.LOST not in {one.kind for one in events}
