"""What the containers agent relies on, of a real Docker and of the fake alike."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final, Protocol

import pytest

from agents.containers.engine import Engine, EngineError, open_engine
from agents.containers.model import Happened
from bus.messages.containers import ContainerEventKind, ContainerStatus
from tests.containers.dockerd import Docker
from tests.fakes.docker import FakeDocker

WITHIN_S: Final = 30.0
_numbers: Final = itertools.count()


class World(Protocol):
    """A Docker, and what can be done to it besides."""

    def open(self) -> AbstractAsyncContextManager[Engine]: ...
    def create(self, agent: str, name: str) -> None: ...
    def start(self, name: str) -> None: ...
    def kill(self, name: str) -> None: ...
    def remove(self, name: str) -> None: ...


class RealWorld:
    """Containers that do nothing."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._made: list[str] = []

    def open(self) -> AbstractAsyncContextManager[Engine]:
        return open_engine(f"unix://{self._docker.socket}")

    def create(self, agent: str, name: str) -> None:
        self._made.append(name)
        label = f"vpnchain.name={agent}"
        self._docker(
            *("create", "--name", name, "--label", label, "--network", "none"),
            *("--init", "--entrypoint", "sleep", "vpnchain-broker", "1000"),
        )

    def start(self, name: str) -> None:
        self._docker("start", name)

    def kill(self, name: str) -> None:
        self._docker("kill", name)

    def remove(self, name: str) -> None:
        self._docker("rm", "-f", name)
        self._made.remove(name)

    def clean(self) -> None:
        for name in self._made:
            self._docker("rm", "-f", name)


@pytest.fixture(
    params=["fake", pytest.param("real", marks=pytest.mark.container)],
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield FakeDocker()
        return
    real = RealWorld(request.getfixturevalue("engine"))
    yield real
    real.clean()


@pytest.fixture
def name() -> str:
    """Of a container, and of the agent in it."""
    return f"trial-{os.getpid()}-{next(_numbers)}"


async def first(
    happenings: AsyncIterator[Happened], name: str, kind: ContainerEventKind
) -> Happened:
    async with asyncio.timeout(WITHIN_S):
        async for happened in happenings:
            if (happened.name, happened.kind) == (name, kind):
                return happened
    raise AssertionError("the stream ended")


async def test_a_container_is_listed_as_it_is(world: World, name: str) -> None:
    world.create(name, name)
    async with world.open() as engine:
        (created,) = [one for one in await engine.containers() if one.name == name]
        world.start(name)
        (running,) = [one for one in await engine.containers() if one.name == name]
    assert (created.agent, created.status) == (name, ContainerStatus.CREATED)
    assert (running.status, running.health) == (ContainerStatus.RUNNING, "")


async def test_what_happens_after_the_opening_is_told_however_late_one_listens(
    world: World, name: str
) -> None:
    world.create(name, name)
    async with world.open() as engine, aclosing(engine.happenings()) as happenings:
        listening = asyncio.create_task(
            first(happenings, name, ContainerEventKind.DIED)
        )
        while not listening.done():
            await asyncio.to_thread(world.start, name)
            await asyncio.to_thread(world.kill, name)
        died = await listening
    assert (died.agent, died.exit_code) == (name, 137)


async def test_a_restart_ends_what_runs_and_starts_it(world: World, name: str) -> None:
    world.create(name, name)
    world.start(name)
    async with world.open() as engine, aclosing(engine.happenings()) as happenings:
        listening = asyncio.create_task(
            first(happenings, name, ContainerEventKind.STARTED)
        )
        await asyncio.sleep(0)
        await engine.restart(name)
        assert (await listening).agent == name
        (there,) = [one for one in await engine.containers() if one.name == name]
    assert there.status is ContainerStatus.RUNNING


async def test_a_removed_container_is_told_and_listed_no_more(
    world: World, name: str
) -> None:
    world.create(name, name)
    async with world.open() as engine, aclosing(engine.happenings()) as happenings:
        listening = asyncio.create_task(
            first(happenings, name, ContainerEventKind.REMOVED)
        )
        await asyncio.sleep(0)
        await asyncio.to_thread(world.remove, name)
        await listening
        assert name not in [one.name for one in await engine.containers()]


async def test_nobody_can_be_restarted_who_is_not_there(world: World) -> None:
    async with world.open() as engine:
        with pytest.raises(EngineError, match="restarting nobody: No such container"):
            await engine.restart("nobody")


async def test_a_docker_that_is_not_there_is_an_error_of_ours() -> None:
    async with open_engine("unix:///run/no-docker-here.sock") as engine:
        with pytest.raises(EngineError, match="listing containers"):
            await engine.containers()
        with pytest.raises(EngineError, match="listening to Docker"):
            async for _ in engine.happenings():
                pass
