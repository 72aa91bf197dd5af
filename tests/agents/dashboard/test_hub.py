"""Frames: events at once, figures in their time, nothing piles up."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from agents.dashboard.hub import FRAMES, Hub
from agents.dashboard.picture import CARRIES, Data, Picture
from bus.codec import as_data
from bus.examples import example_of
from bus.interface import Received
from bus.messages.exits import ExitReport, Stage
from bus.topics import EXIT_STATE

LIMIT_S: Final = 10.0
REPORT: Final = example_of(ExitReport)


@asynccontextmanager
async def encoding(calm_s: float = 0.0) -> AsyncIterator[Hub]:
    hub = Hub(Picture(), calm_s)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(hub.keep_encoding())
        yield hub
        task.cancel()


def tell(hub: Hub, **changes: Any) -> None:
    report = replace(REPORT, **changes)
    hub.picture.take(
        Received(EXIT_STATE, {"exit": "exit-a"}, report), as_data(report), 1.0
    )
    hub.changed()


def read(frame: bytes) -> tuple[str, Data]:
    head, _, body = frame.decode().strip().partition("\n")
    return head.removeprefix("id: "), json.loads(body.removeprefix("data: "))


async def following(frames: AsyncIterator[bytes]) -> tuple[str, Data]:
    async with asyncio.timeout(LIMIT_S):
        return read(await anext(frames))


async def test_who_comes_is_sent_everything() -> None:
    async with encoding() as hub:
        tell(hub)

        _, data = await following(hub.frames(""))

    assert data["reset"] is True
    assert list(data["states"]) == ["exit/exit-a/state", CARRIES]


async def test_a_change_follows() -> None:
    async with encoding() as hub:
        frames = hub.frames("")
        await following(frames)

        tell(hub, stage=Stage.PPP)
        _, data = await following(frames)

    assert data["reset"] is False
    assert data["states"]["exit/exit-a/state"]["stage"] == "ppp"


async def test_who_was_cut_off_is_sent_only_what_it_missed() -> None:
    async with encoding() as hub:
        tell(hub)
        seen, _ = await following(hub.frames(""))
        tell(hub, cause="another")

        _, data = await following(hub.frames(seen))

    assert data["reset"] is False
    assert data["states"]["exit/exit-a/state"]["cause"] == "another"


async def test_who_knows_another_life_of_the_server_is_sent_everything() -> None:
    async with encoding() as hub:
        tell(hub)

        for strange in ("0123-1", f"{hub.boot}-x", f"{hub.boot}-", "-", "999999"):
            _, data = await following(hub.frames(strange))
            assert data["reset"] is True


async def test_a_number_that_nobody_was_ever_told_is_one_of_another_life() -> None:
    async with encoding() as hub:
        tell(hub)

        _, data = await following(hub.frames(f"{hub.boot}-{'9' * 5000}"))

    assert data["reset"] is True


async def test_who_fell_far_behind_is_sent_what_holds_now_in_one_frame() -> None:
    async with encoding() as hub:
        frames, watcher = hub.frames(""), hub.frames("")
        await following(frames)
        await following(watcher)
        for number in range(FRAMES + 5):
            tell(hub, stage=Stage.PPP if number % 2 else Stage.IKE, attempt=number)
            await following(watcher)

        _, data = await following(frames)

    assert data["states"]["exit/exit-a/state"]["attempt"] == FRAMES + 4
    assert data["revision"] == hub.picture.revision


async def test_figures_are_gathered_and_an_event_waits_for_none_of_them() -> None:
    async with encoding(calm_s=100 * LIMIT_S) as hub:
        frames = hub.frames("")
        await following(frames)
        tell(hub, rtt_ms=1.0, stage=Stage.IKE)
        await following(frames)

        tell(hub, rtt_ms=2.0)
        tell(hub, rtt_ms=3.0)
        tell(hub, rtt_ms=3.0, stage=Stage.PPP)
        _, data = await following(frames)

    assert data["states"]["exit/exit-a/state"]["rtt_ms"] == 3.0
