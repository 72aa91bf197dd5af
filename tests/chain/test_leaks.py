"""Nothing of a client's is seen outside the tunnels, whatever becomes of the chain.

Everything is tried all the time, see `lab.marked`; every interface outside the tunnels
is watched, see `lab.leaks`. Before each situation and in it a guard is taken away once,
and the leak that it prevents is seen: zero means zero.
"""

from typing import Final

import pytest

from lab.scene import Scene, now_s
from lab.topology import seen_address
from tests.chain import situations
from tests.chain.acts import WITHIN_S, stand
from tests.chain.sabotage import Guard, without
from tests.chain.situations import Situation
from tests.chain.vigil import (
    ENTRY_FLOOR,
    ENTRY_LOOKUP,
    EXIT_LOOKUP,
    StartUp,
    Vigil,
    exit_filter,
    exit_guards,
)

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

A: Final = seen_address("provider-a")

# In which situation which guards of whom are missed.
AT_THE_ENTRY: Final = (ENTRY_LOOKUP,)
SITUATIONS: Final[tuple[tuple[Situation, str, tuple[Guard, ...]], ...]] = (
    (situations.a_provider_is_killed, "entry", AT_THE_ENTRY),
    (situations.a_provider_falls_silent, "entry", AT_THE_ENTRY),
    (situations.both_exits_are_dead, "entry", (ENTRY_FLOOR,)),
    (situations.the_order_is_replaced, "entry", AT_THE_ENTRY),
    (situations.the_coordinator_is_killed, "entry", AT_THE_ENTRY),
    (situations.the_coordinator_is_upgraded, "entry", AT_THE_ENTRY),
    (situations.the_entry_agent_is_killed, "entry", AT_THE_ENTRY),
    (situations.the_entry_agent_is_upgraded, "entry", AT_THE_ENTRY),
    (situations.the_entry_is_reconnected, "entry", AT_THE_ENTRY),
    (situations.an_exit_is_reconnected, "exit-a", exit_guards()),
    (situations.wireguard_is_killed, "entry", AT_THE_ENTRY),
    (situations.the_exit_agents_are_killed, "exit-a", exit_guards()),
    (situations.an_exit_agent_is_upgraded, "exit-a", exit_guards()),
    (situations.charon_is_killed, "exit-b", exit_guards()),
    (situations.xl2tpd_is_killed, "exit-b", exit_guards()),
    (situations.pppd_is_killed, "exit-a", exit_guards()),
    (situations.ppp0_flaps, "exit-a", exit_guards()),
)


async def test_nothing_leaks_while_the_chain_comes_up(coming_up: StartUp) -> None:
    assert coming_up.unguarded
    assert coming_up.closed
    assert coming_up.otherwise == []


async def test_a_client_that_tries_everything_leaves_by_its_exit_only(
    vigil: Vigil,
) -> None:
    assert await vigil.caught("entry", ENTRY_LOOKUP)
    start_s = now_s()
    await vigil.course.arrives(A, WITHIN_S)

    assert await vigil.leaked() == []
    assert vigil.course.sources(start_s) == {A}


@pytest.mark.parametrize(
    ("happens", "node", "guards"),
    [pytest.param(*one, id=one[0].__name__) for one in SITUATIONS],
)
async def test_nothing_leaks_while(
    happens: Situation,
    node: str,
    guards: tuple[Guard, ...],
    standing: Scene,
    vigil: Vigil,
) -> None:
    assert await vigil.caught("entry", ENTRY_LOOKUP)
    async with happens(standing):
        assert await vigil.caught(node, *guards)
    await stand(standing)
    await vigil.course.arrives(A, WITHIN_S)

    assert await vigil.leaked() == []


async def test_an_exits_routes_hold_without_its_filter_and_the_reverse(
    standing: Scene, vigil: Vigil
) -> None:
    assert await vigil.caught("exit-a", *exit_guards())

    async with without(standing.lab, "exit-a", EXIT_LOOKUP):
        assert await vigil.leaked() == []
    async with without(standing.lab, "exit-a", *exit_filter()):
        assert await vigil.leaked() == []
