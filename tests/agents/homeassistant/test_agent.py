"""Home automation's agent on a fake bus: what the rules do not know."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from agents.homeassistant.agent import HomeAssistant
from agents.settings_model import HomeAssistantSettings, Settings
from bus.commands import Enable, Request, Response
from bus.discovery import Discovery
from bus.messages.exits import ExitReport, Stage
from bus.messages.home import HomeChain
from bus.topics import EXIT_STATE, HOME_CHAIN, HOME_ENABLE, REQUEST, RESPONSE
from tests.fakes.bus import FakeBroker

DISCOVERY: Final = Discovery()
SELECT: Final = DISCOVERY.topic("select")
SWITCH: Final = DISCOVERY.topic("switch")
DOWN: Final = ExitReport(stage=Stage.DOWN, since=1.0)
CHOICE: Final = {"node": "vpnchain", "object": "chain-exit"}
ENABLED: Final = {"node": "vpnchain", "object": "exit-exit-a-enabled"}
BIRTH: Final = DISCOVERY.birth.name()


class Jitter:
    """Waits for as long as the test says, and notes how long it might have been."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []

    def __call__(self, most_s: float) -> float:
        self.asked_s.append(most_s)
        return 0.0


@asynccontextmanager
async def living(broker: FakeBroker, jitter: Jitter) -> AsyncIterator[None]:
    own = HomeAssistantSettings(jitter_s=1.5)
    agent = HomeAssistant(Settings(homeassistant=own), jitter=jitter)
    async with (
        broker.open_link(agent.name, agent.role, agent.subscriptions) as bus,
        asyncio.TaskGroup() as tasks,
    ):
        running = [tasks.create_task(job()) for job in agent.jobs(bus).values()]
        yield
        for task in running:
            task.cancel()


async def test_it_declares_the_chain_and_says_how_it_is() -> None:
    broker = FakeBroker()
    async with living(broker, Jitter()):
        config = await broker.until(SELECT, lambda _: True, **CHOICE)
        await broker.until(HOME_CHAIN, lambda chain: chain.held)
    assert config["options"] == ["auto"]


async def test_it_declares_all_again_when_home_automation_comes() -> None:
    broker, jitter = FakeBroker(), Jitter()
    async with living(broker, jitter):
        await broker.until(HOME_CHAIN, lambda _: True)
        broker.put("/homeassistant/select/vpnchain/chain-exit/config", b"", retain=True)
        broker.put(BIRTH, b"online", retain=False)
        await broker.until(SELECT, lambda _: True, **CHOICE)
    assert jitter.asked_s == [1.5]


async def test_a_birth_of_long_ago_is_no_news_and_a_death_neither() -> None:
    broker, jitter = FakeBroker(), Jitter()
    broker.put(BIRTH, b"online", retain=True)
    async with living(broker, jitter):
        broker.put(BIRTH, b"offline", retain=False)
        broker.say(EXIT_STATE, DOWN, exit="exit-a")
        await broker.until(SWITCH, lambda _: True, **ENABLED)
    assert jitter.asked_s == []


async def test_what_is_left_of_an_exit_that_went_meanwhile_is_taken_back() -> None:
    broker = FakeBroker()
    name = SWITCH.name(**ENABLED)
    broker.put(name, b'{"name": "Enabled"}', retain=True)
    async with living(broker, Jitter()):
        await gone(broker, name)


async def test_what_is_of_another_chain_is_left_alone() -> None:
    broker = FakeBroker()
    name = SWITCH.name(node="another", object="exit-exit-z-enabled")
    broker.put(name, b'{"name": "Enabled"}', retain=True)
    async with living(broker, Jitter()):
        broker.say(EXIT_STATE, DOWN, exit="exit-a")
        await broker.until(SWITCH, lambda _: True, **ENABLED)
        broker.forget(EXIT_STATE, exit="exit-a")
        await gone(broker, SWITCH.name(**ENABLED))
    assert name in broker.retained
    ours = SWITCH.name(node="vpnchain", object="exit-exit-z-enabled")
    assert ours not in [said for said, _ in broker.said]


async def test_wishes_reach_the_coordinator_and_its_answer_comes_back() -> None:
    broker = FakeBroker()
    to_us, to_it = {"agent": "homeassistant"}, {"agent": "coordinator"}
    async with living(broker, Jitter()):
        await broker.until(HOME_CHAIN, lambda _: True)
        broker.say(REQUEST, Request(transaction="7", exit="b"), **to_us, verb="use")
        await broker.until(REQUEST, lambda one: one.exit == "b", **to_it, verb="prefer")
        broker.say(RESPONSE, Response(transaction="7", ok=True), **to_it, verb="prefer")
        await broker.until(RESPONSE, lambda one: one.ok, **to_us, verb="use")
        broker.say(HOME_ENABLE, Enable(enabled=False), exit="b")
        asked = await broker.until(REQUEST, lambda _: True, **to_it, verb="drain")
    assert asked.exit == "b"
    assert asked.transaction


async def test_it_says_its_state_again_on_and_on() -> None:
    broker = FakeBroker()
    agent = HomeAssistant(Settings(), heartbeat_s=0.01)
    seen: list[HomeChain] = []

    def third(chain: HomeChain) -> bool:
        seen.append(chain)
        return len({one.seq for one in seen}) >= 3

    async with (
        broker.open_link(agent.name, agent.role, agent.subscriptions) as bus,
        asyncio.TaskGroup() as tasks,
    ):
        running = [tasks.create_task(job()) for job in agent.jobs(bus).values()]
        await broker.until(HOME_CHAIN, third)
        for task in running:
            task.cancel()


async def gone(broker: FakeBroker, name: str) -> None:
    """Waits until nothing is retained there."""
    async with asyncio.timeout(20):
        while name in broker.retained:
            await broker.changed()
