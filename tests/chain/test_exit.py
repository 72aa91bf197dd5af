"""An exit's own troubles: it says what went, and comes back from a clean state.

They are those of the second exit: what happens to a standby moves nobody.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from agents.exit.ikectl import Ikectl
from bus.commands import Verb
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from bus.messages.paths import Health
from lab import steps
from lab.inside import leftovers, pids, spis
from lab.scene import Scene, now_s
from tests.chain.acts import WITHIN_S, moves, restart, silent

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

EXIT: Final = "exit-b"
PROVIDER: Final = "provider-b"
PROVIDER_CONNECTION: Final = "any"
LOOK_S: Final = 0.1
_ENCAPSULATED: Final = re.compile(r"espinudp sport (\d+) dport (\d+)")


async def associations(scene: Scene) -> str:
    return (await scene.lab.exec(EXIT, ["ip", "xfrm", "state"])).stdout


async def lost(scene: Scene, since_s: float) -> ExitEvent:
    """How the exit told that its tunnel is gone."""

    def told() -> list[ExitEvent]:
        heard = scene.observer.since(since_s, ExitEvent, EXIT)
        return [one for one in heard if one.kind is ExitEventKind.LOST]

    return (await scene.observer.until(told, f"{EXIT} lost its tunnel", WITHIN_S))[0]


@asynccontextmanager
async def filtered(scene: Scene) -> AsyncIterator[None]:
    """The provider lets no echo request of its customers out; all else passes."""
    rule = "FORWARD -o eth1 -p icmp --icmp-type echo-request -j DROP"

    async def change(how: str) -> None:
        await scene.lab.restore(PROVIDER, f"*filter\n{how} {rule}\nCOMMIT\n")

    await change("-I")
    try:
        yield
    finally:
        await change("-D")


async def renewed(scene: Scene, before: set[str]) -> bool:
    """Whether there is ESP both ways, and none of it is of before."""
    now = await spis(scene.lab, EXIT)
    return len(now) == 2 and not now & before


@pytest.mark.parametrize(
    ("daemon", "cause"),
    [("pppd", "ppp"), ("xl2tpd", "xl2tpd"), ("charon", "charon: it ended")],
)
async def test_a_killed_daemon_is_named_and_started_again(
    standing: Scene, daemon: str, cause: str
) -> None:
    start_s = now_s()

    (pid,) = await pids(standing.lab, EXIT, daemon)
    await standing.lab.exec("", ["kill", "-KILL", pid])
    event = await lost(standing, start_s)
    await steps.ready(standing, EXIT, start_s, WITHIN_S)

    assert cause in event.cause
    assert event.before is Stage.READY
    assert await leftovers(standing.lab, EXIT) == []
    assert moves(standing, start_s) == []


async def test_a_server_that_ends_ipsec_does_not_end_the_tunnel(
    standing: Scene,
) -> None:
    start_s = now_s()
    before = await spis(standing.lab, EXIT)

    async with await Ikectl.open(standing.lab.run_of(PROVIDER) / "charon.vici") as link:
        await link.request("terminate", {"ike": PROVIDER_CONNECTION, "timeout": "1000"})
    async with asyncio.timeout(WITHIN_S):
        while not await renewed(standing, before):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(LOOK_S)

    kinds = {one.kind for one in standing.observer.since(start_s, ExitEvent, EXIT)}
    assert not kinds & {ExitEventKind.LOST, ExitEventKind.FAILED}


async def test_a_stopped_exit_leaves_nothing_here_nor_at_the_server(
    standing: Scene,
) -> None:
    status = await standing.chain.agents[EXIT].end()

    assert status == 0
    assert not await spis(standing.lab, EXIT)
    assert not await spis(standing.lab, PROVIDER)
    assert await pids(standing.lab, EXIT, "charon") == []
    await restart(standing, EXIT)


async def test_an_exit_can_be_stopped_while_its_server_is_silent(
    standing: Scene,
) -> None:
    async with silent(standing, PROVIDER):
        status = await standing.chain.agents[EXIT].end()

    assert status == 0
    await restart(standing, EXIT)


async def test_after_silence_the_next_attempt_leaves_by_other_ports(
    standing: Scene,
) -> None:
    start_s = now_s()
    usual = _ENCAPSULATED.findall(await associations(standing))

    async with silent(standing, PROVIDER):
        await lost(standing, start_s)
    await steps.ready(standing, EXIT, start_s, WITHIN_S)
    fresh = _ENCAPSULATED.findall(await associations(standing))

    assert ("4500", "4500") in usual
    assert ("4500", "4500") not in fresh


async def test_behind_a_provider_that_filters_echoes_it_becomes_ready(
    standing: Scene,
) -> None:
    start_s, observer = now_s(), standing.observer

    def faltered() -> bool:
        heard = observer.since(start_s, ExitEvent, EXIT)
        return any(one.before is Stage.READY for one in heard)

    def well() -> bool:
        path, report = observer.paths.get(f"entry/{EXIT}"), observer.exits[EXIT]
        measured = path is not None and path.health is Health.UP
        return measured and report.stage is Stage.READY and not report.cause

    async with filtered(standing):
        await observer.until(faltered, f"{EXIT} misses its echoes", WITHIN_S)
        await steps.ready(standing, EXIT, start_s, WITHIN_S)
        again_s = now_s()
        assert (await observer.ask(EXIT, Verb.RECONNECT, WITHIN_S)).ok
        await steps.ready(standing, EXIT, again_s, WITHIN_S)
        await observer.until(well, f"{EXIT} is well, and its path up", WITHIN_S)

        heard = observer.since(start_s, ExitEvent, EXIT)
        ended = [one.cause for one in heard if one.kind is ExitEventKind.FAILED]
        assert not [cause for cause in ended if cause.startswith("probe:")]
    assert moves(standing, start_s) == []
