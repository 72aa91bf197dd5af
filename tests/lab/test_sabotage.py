"""Guards fall and rise again, where and as they stood."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from lab.nodes import Lab, open_lab
from lab.talk import LabError
from lab.topology import Node, Port, Role, Topology
from tests.chain.sabotage import Filter, Guard, Lookup, Policy, Route, without

pytestmark = pytest.mark.kernel

WITHIN_S: Final = 20.0
ALONE: Final = Topology((Node("here", Role.CONTROL, (Port("lan", bridge=True),)),), ())
RULES: Final = """\
*filter
:FORWARD DROP [0:0]
:OURS - [0:0]
-A OURS -i one -j DROP
-A OURS -i two -j ACCEPT
-A OURS -i three -j DROP
COMMIT
"""
FLOOR: Final = "unreachable default metric 4278198272 table 200"
LOOKUP: Final = "iif lan lookup 200 pref 1000"
GUARDS: Final[dict[str, Guard]] = {
    "a_route": Route(FLOOR),
    "a_routing_rule": Lookup(LOOKUP),
    "a_policy": Policy("FORWARD"),
    "rules_of_a_chain": Filter("OURS", "DROP"),
}


@asynccontextmanager
async def guarded() -> AsyncIterator[Lab]:
    """One node, in which all the guards stand."""
    async with asyncio.timeout(WITHIN_S), open_lab(ALONE) as lab:
        await lab.restore("here", RULES)
        batch = f"route add {FLOOR}\nrule add {LOOKUP}\n"
        await lab.exec("here", ["ip", "-batch", "-"], stdin=batch)
        yield lab


async def standing(lab: Lab) -> str:
    """Everything that stands in the node."""
    looks = (f"{lab.iptables} -S", "ip rule", "ip route show table 200")
    return "".join([(await lab.exec("here", one.split())).stdout for one in looks])


@pytest.mark.parametrize("name", GUARDS)
async def test_a_guard_falls_and_stands_again_as_it_stood(name: str) -> None:
    async with guarded() as lab:
        before = await standing(lab)

        async with without(lab, "here", GUARDS[name]):
            assert await standing(lab) != before

        assert await standing(lab) == before


@pytest.mark.parametrize("name", GUARDS)
async def test_what_somebody_else_has_put_back_is_not_there_twice(name: str) -> None:
    async with guarded() as lab:
        before, guard = await standing(lab), GUARDS[name]

        async with without(lab, "here", guard):
            await guard.rise(lab, "here")

        assert await standing(lab) == before


async def test_what_never_stood_is_told() -> None:
    async with guarded() as lab:
        with pytest.raises(LabError, match="OURS: nobody"):
            async with without(lab, "here", Filter("OURS", "nobody")):
                pass
