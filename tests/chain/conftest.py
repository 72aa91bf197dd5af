"""One chain for all tests of this folder; each test finds it standing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from lab import capability
from lab.client import Stream
from lab.demo import stage
from lab.drops import dropped
from lab.marked import marked
from lab.scene import Scene
from lab.story import Story
from tests.chain import strangers
from tests.chain.acts import Leaked, Overrun, stand
from tests.chain.vigil import StartUp, Vigil, start_up
from tests.needs import need


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scene() -> AsyncIterator[Scene]:
    """The lab with all that watches it; no agent runs."""
    if missing := capability.missing():
        need(f"needs a kernel that can run the chain: {'; '.join(missing)}")
    opened: asyncio.Future[Scene] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def play() -> None:
        # Setting up and tearing down are two tasks to pytest, but one to the scene.
        async with stage(Story()) as scene:
            opened.set_result(scene)
            await over.wait()

    playing = asyncio.create_task(play())
    either: list[asyncio.Future[Any]] = [opened, playing]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if playing.done():
        playing.result()
    yield opened.result()
    over.set()
    await playing


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def foreign(scene: Scene) -> Mapping[str, str]:
    """What others have set at entry and exits, before there was a chain."""
    return await strangers.settle(scene.lab)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def coming_up(scene: Scene, foreign: Mapping[str, str]) -> StartUp:
    """What leaked while the chain came up; afterwards it is up."""
    del foreign
    return await start_up(scene)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def started(scene: Scene, coming_up: StartUp) -> Scene:
    """The chain has come up, step by step."""
    del coming_up
    return scene


@pytest_asyncio.fixture(loop_scope="session")
async def standing(started: Scene) -> Scene:
    """Both exits are ready, the client's traffic leaves through the first."""
    await stand(started)
    return started


@pytest_asyncio.fixture(loop_scope="session")
async def stream(standing: Scene) -> AsyncIterator[Stream]:
    """What the client notices; slow enough that a busy machine drops nothing itself."""
    async with standing.client.stream(rate_hz=50) as stream:
        yield stream


@pytest_asyncio.fixture(loop_scope="session")
async def overrun(standing: Scene) -> Overrun:
    """How many packets the busy guest itself has dropped since the test began."""
    before = await dropped(standing.lab)

    async def since() -> int:
        return await dropped(standing.lab) - before

    return since


@pytest_asyncio.fixture(loop_scope="session")
async def leaked(standing: Scene) -> Leaked:
    """What has leaked since the test began; every capture has seen all there was."""
    captured = standing.captured
    await captured.rehearse()  # what was missed before is nobody's fault here
    before = captured.leaks()

    async def since() -> list[str]:
        await captured.rehearse()
        return [one for one in captured.leaks() if one not in before]

    return since


@pytest_asyncio.fixture(loop_scope="session")
async def vigil(standing: Scene) -> AsyncIterator[Vigil]:
    """A client that tries everything, while the captures look out for what leaks."""
    async with marked(standing.lab, standing.client.node) as course:
        yield Vigil(standing, course)


@pytest.fixture(autouse=True)
def _quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """The story is told only where a test fails."""
    del capsys
