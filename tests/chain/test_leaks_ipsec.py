"""L2TP never leaves outside ESP, also when the provider deletes its SA under it.

Two guards hold it, the policy in the kernel and a rule of the packet filter: each is
enough, and without both it goes on in the clear, which is seen.
"""

import asyncio
from typing import Final

import pytest

from agents.exit.ikectl import Ikectl
from lab import steps
from lab.inside import spis
from lab.scene import Scene, now_s
from lab.topology import seen_address
from tests.chain.acts import WITHIN_S, stand
from tests.chain.sabotage import Filter, Guard, without
from tests.chain.vigil import Vigil

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

EXIT: Final = "exit-a"
PROVIDER: Final = "provider-a"
A: Final = seen_address(PROVIDER)
LOOK_S: Final = 0.1
L2TP: Final = 2 * f"{1701:04x}"  # the ports, as a packet shows them


def rules() -> tuple[Guard, ...]:
    """What the packet filter knows of L2TP."""
    return tuple(Filter(f"VPNCHAIN-{way}", "1701") for way in ("OUTPUT", "INPUT"))


async def delete_sa(scene: Scene) -> None:
    """The provider ends IPsec; returns once there is another SA."""
    before = await spis(scene.lab, EXIT)
    async with await Ikectl.open(scene.lab.run_of(PROVIDER) / "charon.vici") as link:
        await link.request("terminate", {"ike": "any", "timeout": "1000"})
    async with asyncio.timeout(WITHIN_S):
        while not await renewed(scene, before):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(LOOK_S)


async def renewed(scene: Scene, before: set[str]) -> bool:
    """Whether there is ESP both ways, and none of it is of before."""
    now = await spis(scene.lab, EXIT)
    return len(now) == 2 and not now & before


async def drop_policies(scene: Scene) -> None:
    """The exit's kernel knows of no ESP any more; its charon believes it does."""
    for what in ("policy", "state"):
        await scene.lab.exec(EXIT, ["ip", "xfrm", what, "flush"])


async def without_both(scene: Scene, vigil: Vigil) -> None:
    """L2TP goes on in the clear, which is seen, and counts no more."""
    async with without(scene.lab, EXIT, *rules()):
        await drop_policies(scene)
        await vigil.spills("L2TP without policy and rule", L2TP)
    await vigil.forgive()


async def test_nothing_leaks_while_the_provider_deletes_its_sa(
    standing: Scene, vigil: Vigil
) -> None:
    start_s = now_s()
    await without_both(standing, vigil)
    await steps.ready(standing, EXIT, start_s, WITHIN_S)
    await stand(standing)
    assert await vigil.leaked() == []

    await delete_sa(standing)
    await vigil.course.arrives(A, WITHIN_S)

    assert await vigil.leaked() == []


async def test_the_policy_alone_holds_l2tp_back(standing: Scene, vigil: Vigil) -> None:
    async with without(standing.lab, EXIT, *rules()):
        await delete_sa(standing)
        await vigil.course.arrives(A, WITHIN_S)

        assert await vigil.leaked() == []


async def test_the_rule_alone_holds_l2tp_back(standing: Scene, vigil: Vigil) -> None:
    await without_both(standing, vigil)

    await drop_policies(standing)

    assert await vigil.leaked() == []
    await stand(standing)
    assert await vigil.leaked() == []
