"""What keeps an exit from its tunnel is on the bus, in words."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import pytest

from bus.messages.exits import ExitReport, Stage
from lab import steps
from lab.provider_files import Account
from lab.scene import Scene, now_s
from tests.chain.acts import WITHIN_S, restart

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="session")]

EXIT: Final = "exit-b"
CAUSE_S: Final = 90.0  # a wrong PSK is nothing but silence, which takes its time


@asynccontextmanager
async def renewed(scene: Scene, spoil: Callable[[], None]) -> AsyncIterator[float]:
    """The agent starts again with spoiled secrets; afterwards with the right ones."""
    await scene.chain.agents[EXIT].end()
    spoil()
    start_s = await restart(scene, EXIT)
    try:
        yield start_s
    finally:
        scene.chain.write_secrets(EXIT)
        await scene.chain.agents[EXIT].end()
        await restart(scene, EXIT)


def account(scene: Scene) -> Account:
    return scene.chain.providers["provider-b"].account


async def cause_of(scene: Scene, words: str) -> ExitReport:
    """The report in which the cause says these words."""
    observer = scene.observer

    def told() -> ExitReport | None:
        report = observer.exits[EXIT]
        return report if words in report.cause else None

    found = await observer.until(told, f"{words!r} as the cause", CAUSE_S)
    assert found is not None
    return found


async def test_a_wrong_psk_is_suspected(standing: Scene) -> None:
    wrong = replace(account(standing), psk="wrong")

    async with renewed(standing, lambda: standing.chain.write_secrets(EXIT, wrong)):
        report = await cause_of(standing, "wrong PSK?")

    assert report.stage is Stage.DOWN


async def test_a_wrong_password_is_told(standing: Scene) -> None:
    wrong = replace(account(standing), password="wrong")  # noqa: S106

    async with renewed(standing, lambda: standing.chain.write_secrets(EXIT, wrong)):
        report = await cause_of(standing, "authentication failed")

    assert report.permanent


async def test_a_name_that_nobody_knows_is_told(standing: Scene) -> None:
    file = standing.lab.run_of(EXIT) / "secrets" / "vpn_server_ip"

    async with renewed(standing, lambda: void(file.write_text("nobody.invalid\n"))):
        report = await cause_of(standing, "resolve: nobody.invalid: ")

    assert report.stage is Stage.DOWN
    # The exit itself asked its resolver, in the clear: it has no other way by then.
    assert all("nobody" in leak for leak in standing.captured.leaks())
    standing.captured.forgive()


def void(_: object) -> None:
    """Nothing."""


async def test_a_reconnect_that_is_asked_for_is_granted(standing: Scene) -> None:
    start_s = now_s()

    answer = await standing.observer.ask(EXIT, "reconnect", WITHIN_S)
    await steps.ready(standing, EXIT, start_s, WITHIN_S)

    assert answer.ok


async def test_another_wish_is_refused_with_a_reason(standing: Scene) -> None:
    answer = await standing.observer.ask(EXIT, "drain", WITHIN_S)

    assert not answer.ok
    assert "drain" in answer.error
