"""A Docker without containers: what the agent sees of it, and what a test does to it.

`tests/containers/test_engine.py` runs the same suite over this and over a real one.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from agents.containers.engine import Engine, EngineError
from agents.containers.model import Container, Happened
from bus.messages.containers import ContainerEventKind, ContainerStatus


class FakeDocker:
    """Its containers, by name; `up`: whether it answers."""

    def __init__(self, *containers: Container) -> None:
        self.up = True
        self.there = {one.name: one for one in containers}
        self.restarted: list[str] = []
        self.may_restart = asyncio.Event()
        self.may_restart.set()
        self._ears: list[asyncio.Queue[Happened | None]] = []

    # --- what the agent sees ----------------------------------------------------------

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Engine]:
        """As agents.containers.engine.open_engine."""
        yield _Seen(self)

    # --- what a test does -------------------------------------------------------------

    def create(self, agent: str, name: str) -> None:
        """A container that does not run yet."""
        self.there[name] = Container(agent, name, ContainerStatus.CREATED)

    def start(self, name: str) -> None:
        """It runs, from now on or anew."""
        self._is(name, ContainerStatus.RUNNING)
        self._tell(name, ContainerEventKind.STARTED)

    def kill(self, name: str, code: int = 137) -> None:
        """It dies with this code."""
        self._is(name, ContainerStatus.EXITED)
        self._tell(name, ContainerEventKind.DIED, exit_code=code)

    def judge(self, name: str, health: str) -> None:
        """Its health check says so."""
        self.there[name] = replace(self.there[name], health=health)
        self._tell(name, ContainerEventKind.HEALTH, health=health)

    def remove(self, name: str) -> None:
        """There is no such container any more."""
        self._tell(name, ContainerEventKind.REMOVED)
        del self.there[name]

    def restart(self, name: str) -> None:
        """As `docker restart`."""
        if name not in self.there:
            raise EngineError(f"restarting {name}: No such container: {name}")
        if self.there[name].status is ContainerStatus.RUNNING:
            self.kill(name, 0)
        self.start(name)
        self.restarted.append(name)

    def stop(self) -> None:
        """Docker itself goes away."""
        self.up = False
        for ear in self._ears:
            ear.put_nowait(None)

    def check(self, doing: str) -> None:
        """EngineError while Docker is away."""
        if not self.up:
            raise EngineError(f"{doing}: Cannot connect")

    async def happenings(self) -> AsyncGenerator[Happened, None]:
        """See Engine."""
        ear: asyncio.Queue[Happened | None] = asyncio.Queue()
        self._ears.append(ear)
        while (happened := await ear.get()) is not None:
            yield happened
        raise EngineError("listening to Docker: it ended")

    def _is(self, name: str, status: ContainerStatus) -> None:
        self.there[name] = replace(self.there[name], status=status, health="")

    def _tell(
        self,
        name: str,
        kind: ContainerEventKind,
        exit_code: int | None = None,
        health: str = "",
    ) -> None:
        agent = self.there[name].agent
        said = Happened(time.monotonic(), agent, name, kind, exit_code, health)
        for ear in self._ears:
            ear.put_nowait(said)


class _Seen:
    def __init__(self, docker: FakeDocker) -> None:
        self._docker = docker

    async def containers(self) -> tuple[Container, ...]:
        self._docker.check("listing containers")
        return tuple(self._docker.there.values())

    def happenings(self) -> AsyncGenerator[Happened, None]:
        return self._docker.happenings()

    async def restart(self, container: str) -> None:
        await self._docker.may_restart.wait()
        self._docker.check(f"restarting {container}")
        self._docker.restart(container)
