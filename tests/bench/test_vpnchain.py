"""Our agents stand on the bench's ground, cables in place of tunnels."""

from collections.abc import AsyncIterator

import pytest

from bench.failover import episode
from bench.failover.field import Field, open_field
from bench.failover.ground import ppp_address
from bench.failover.vpnchain import NORMAL

pytestmark = [pytest.mark.kernel, pytest.mark.broker]


@pytest.fixture
async def field() -> AsyncIterator[Field]:
    async with open_field(translating=False) as standing:
        await NORMAL.start(standing)
        await standing.start_flow()
        await episode.steady(standing, NORMAL, NORMAL.pace.ready_s)
        await episode.warm(NORMAL)
        yield standing
        assert standing.ended() == []


async def test_clients_leave_a_broken_exit_and_come_back(field: Field) -> None:
    for kind in ("F1", "F2", "F3", "F4"):
        seen = await episode.fault(field, NORMAL, kind)

        assert seen.noticed, kind
        assert seen.out.ways == (ppp_address("exit-a"), ppp_address("exit-b")), kind
        assert seen.back is not None, kind


async def test_clients_move_when_asked(field: Field) -> None:
    there = await episode.planned(field, NORMAL, "exit-b")
    back = await episode.planned(field, NORMAL, "exit-a")

    assert (there.changes, back.changes) == (1, 1)
