"""An exit logs in at its provider as its settings allow, or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from bus.messages.exits import ExitReport, Stage
from lab import steps
from lab.provider_files import USUAL, Terms
from lab.scene import Scene
from tests.chain.acts import WITHIN_S, restart

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

EXIT: Final = "exit-b"
PROVIDER: Final = "provider-b"
TERMS: Final = {
    "CHAP": Terms("chap"),
    "PAP": Terms("pap"),
    "MPPE": Terms(mppe=True),
}
ALLOWED: Final = {
    "CHAP": 'ppp_methods = ["chap"]',
    "PAP": 'ppp_methods = ["pap"]',
    "MPPE": "mppe = true",
}
TOLD: Final = {
    "CHAP": "ppp: no authentication method in common",
    "PAP": "ppp: no authentication method in common",
    "MPPE": "ppp: the server requires MPPE (setting mppe)",
}


@asynccontextmanager
async def asked(scene: Scene, what: str) -> AsyncIterator[None]:
    """The provider asks for it, and for it alone; afterwards for the usual again."""
    provider = scene.chain.providers[PROVIDER]
    provider.ask(TERMS[what])
    try:
        yield
    finally:
        provider.ask(USUAL)


@pytest.mark.parametrize("what", TERMS)
async def test_what_the_settings_do_not_allow_is_refused_and_told(
    what: str, standing: Scene
) -> None:
    observer = standing.observer

    def told() -> ExitReport | None:
        report = observer.exits[EXIT]
        return report if TOLD[what] in report.cause else None

    async with asked(standing, what):
        await observer.ask(EXIT, "reconnect", WITHIN_S)
        report = await observer.until(told, f"{TOLD[what]!r} as the cause", WITHIN_S)

    assert report is not None
    assert (report.stage, report.permanent) == (Stage.DOWN, True)
    await observer.ask(EXIT, "reconnect", WITHIN_S)


@pytest.mark.parametrize("what", TERMS)
async def test_what_the_settings_allow_brings_the_tunnel_up(
    what: str, standing: Scene
) -> None:
    chain = standing.chain
    await chain.agents[EXIT].end()
    chain.write_settings(f"\n[exits.{EXIT}]\n{ALLOWED[what]}\n")
    try:
        async with asked(standing, what):
            start_s = await restart(standing, EXIT)
            await steps.ready(standing, EXIT, start_s, WITHIN_S)
    finally:
        chain.write_settings()
        await chain.agents[EXIT].end()
        await restart(standing, EXIT)
