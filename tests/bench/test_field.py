"""The bench measures what happens, on namespaces of its own."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.failover import episode
from bench.failover.field import Field, open_field
from bench.failover.ground import TARGETS, ppp_address
from bench.failover.system import Pace, System
from lab.talk import LabError
from lab.topology import exit_address

pytestmark = pytest.mark.kernel
WITHIN_S = 10.0
PACE = Pace(settle_s=0.0, phase_s=0.0, fail_s=0.5)


@dataclass(frozen=True)
class Fixed(System):
    """Knows one way only."""

    @property
    def programs(self) -> tuple[Path, ...]:
        return ()

    async def start(self, field: Field) -> None:
        await field.ip("entry", f"route add default via {exit_address('exit-a')}")

    async def start_exit(self, field: Field, name: str) -> None:
        await field.spawn(name, ["sleep", "60"], log="sleep")

    async def move(self, field: Field, to: str) -> None:
        await field.ip("entry", f"route replace default via {exit_address(to)}")


FIXED = Fixed("fixed", "a static route", PACE)


@pytest.fixture
async def field() -> AsyncIterator[Field]:
    async with open_field(translating=True) as standing:
        await FIXED.start(standing)
        await standing.start_flow()
        await episode.steady(standing, FIXED, WITHIN_S)
        yield standing


@pytest.mark.parametrize("kind", ["F1", "F2", "F3", "F4"])
async def test_a_fault_stops_the_flow_until_it_is_healed(
    field: Field, kind: str
) -> None:
    seen = await episode.fault(field, FIXED, kind)

    assert not seen.noticed
    assert seen.out.lost > 300
    assert seen.out.ways == (ppp_address("exit-a"),)
    await episode.steady(field, FIXED, WITHIN_S)


async def test_a_change_of_route_is_seen_as_one_change_of_way(field: Field) -> None:
    passage = await episode.planned(field, FIXED, "exit-b")

    assert passage.changes == 1
    assert passage.ways[-1] == ppp_address("exit-b")


async def test_only_the_first_hop_answers_in_f4(field: Field) -> None:
    await field.fault("F4")

    near = await field.lab.exec("exit-a", ["ping", "-c1", "-W1", "10.200.1.1"])
    far = ["ping", "-c1", "-W1", TARGETS[0]]
    assert near.status == 0
    assert (await field.lab.exec("exit-a", far, check=False)).status != 0


async def test_what_asks_and_computes_is_counted(field: Field) -> None:
    before = await field.asked()
    await field.lab.exec("entry", ["ping", "-c3", "-i0.01", exit_address("exit-a")])
    asked = await field.asked() - before
    busy_s = await field.busy_s()
    await field.spawn("entry", ["sh", "-c", "while :; do :; done"], log="busy")
    async with asyncio.timeout(WITHIN_S):
        while await field.busy_s() - busy_s < 0.1:  # noqa: ASYNC110 - /proc tells
            await asyncio.sleep(0.05)

    assert asked == 3


async def test_a_program_that_ended_by_itself_is_named(field: Field) -> None:
    argv = ["sh", "-c", "echo no good; exit 3"]
    await (await field.spawn("entry", argv, log="failing")).wait()

    assert field.ended() == ["failing: status 3: no good"]


async def test_a_flow_that_is_elsewhere_is_not_steady(field: Field) -> None:
    await episode.planned(field, FIXED, "exit-b")

    with pytest.raises(LabError, match="does not go by exit-a"):
        await episode.steady(field, FIXED, 0.1)
