"""The containers agent on a fake bus, before a fake Docker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.containers.agent import Containers
from agents.containers.model import Container
from agents.settings_model import Settings
from bus.commands import Request
from bus.messages.containers import (
    ContainerEvent,
    ContainerEventKind,
    ContainerReport,
    ContainerStatus,
)
from bus.topics import CONTAINER_EVENT, CONTAINER_STATE, REQUEST, RESPONSE
from tests.fakes.bus import FakeBroker
from tests.fakes.docker import FakeDocker

EXIT = Container("exit-a", "l2tp-ipsec-exit", ContainerStatus.RUNNING, "healthy")


@asynccontextmanager
async def living(docker: FakeDocker, broker: FakeBroker) -> AsyncIterator[Containers]:
    one = Containers(Settings(), opener=docker.open, retry_s=0.01)
    async with (
        broker.open_link(one.name, one.role, one.subscriptions) as bus,
        asyncio.TaskGroup() as tasks,
    ):
        running = [tasks.create_task(job()) for job in one.jobs(bus).values()]
        yield one
        for task in running:
            task.cancel()


async def reported(broker: FakeBroker, status: ContainerStatus) -> ContainerReport:
    return await broker.until(
        CONTAINER_STATE, lambda report: report.status is status, agent="exit-a"
    )


async def test_a_death_and_the_next_start_are_on_the_bus() -> None:
    docker, broker = FakeDocker(EXIT), FakeBroker()
    async with living(docker, broker):
        await reported(broker, ContainerStatus.RUNNING)
        docker.kill("l2tp-ipsec-exit", 137)
        event: ContainerEvent = await broker.until(
            CONTAINER_EVENT,
            lambda event: event.kind is ContainerEventKind.DIED,
            agent="exit-a",
        )
        assert event.exit_code == 137
        docker.start("l2tp-ipsec-exit")
        assert (await reported(broker, ContainerStatus.RUNNING)).exit_code == 137


async def test_a_wish_on_the_bus_restarts_the_container() -> None:
    docker, broker = FakeDocker(EXIT), FakeBroker()
    async with living(docker, broker):
        await reported(broker, ContainerStatus.RUNNING)
        wish = Request(transaction="t1", agent="exit-a")
        broker.say(REQUEST, wish, agent="containers", verb="restart")
        answer = await broker.until(
            RESPONSE,
            lambda said: said.transaction == "t1",
            agent="containers",
            verb="restart",
        )
        assert answer.ok
        event = await broker.until(
            CONTAINER_EVENT,
            lambda event: event.kind is ContainerEventKind.RESTARTED,
            agent="exit-a",
        )
        assert not event.cause
        assert docker.restarted == ["l2tp-ipsec-exit"]


async def test_a_docker_that_goes_and_comes_back_is_listed_anew() -> None:
    docker, broker = FakeDocker(EXIT), FakeBroker()
    async with living(docker, broker):
        await reported(broker, ContainerStatus.RUNNING)
        docker.stop()
        docker.kill("l2tp-ipsec-exit")
        docker.up = True
        await reported(broker, ContainerStatus.EXITED)
