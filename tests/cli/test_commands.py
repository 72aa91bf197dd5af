"""The commands, as a person and as a program runs them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from bus.interface import Bus, Subscription
from bus.link import open_link
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitEventKind, ExitReport, Stage
from bus.messages.orders import Gate, Order
from bus.topics import ENTRY_STATE, EXIT_STATE, ORDER
from bus.wire import Broker
from cli.listen import Novelty, own_name
from cli.render import line_of
from tests.bus.hearing import message
from tests.cli.said import happened, report
from tests.mosquitto import Mosquitto

TIMEOUT_S: Final = 30.0

READY: Final = ExitReport(stage=Stage.READY, since=1.0, address="172.20.0.10")
OBEYED: Final = EntryReport(epoch=1, gate=Gate.OPEN, active="exit-a")
OPEN: Final = Order(epoch=1, gate=Gate.OPEN, active="exit-a", reason="exit-a is ready")


def environment(broker: Broker, **more: str) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "VPNCHAIN_BROKER_HOST": broker.host,
        "VPNCHAIN_BROKER_PORT": str(broker.port),
        "VPNCHAIN_BROKER_BASE": broker.base,
        **more,
    }


@asynccontextmanager
async def started(
    env: Mapping[str, str], *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`vpnchain` with these arguments, ended at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ran(env: Mapping[str, str], *arguments: str) -> tuple[int | None, str, str]:
    """Exit status, output, errors."""
    async with started(env, *arguments) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()


async def record(process: asyncio.subprocess.Process, topic: str) -> dict[str, Any]:
    """The next thing told about this topic; what else is told is passed over."""
    while text := await line(process):
        told: dict[str, Any] = json.loads(text)
        if told.get("topic") == topic:
            return told
    raise AssertionError(f"waiting for {topic}: the watch ended")


@asynccontextmanager
async def standing(broker: Broker) -> AsyncIterator[tuple[Bus, Bus]]:
    """An exit, an entry and a coordinator that have said that all is well."""
    mine = [Subscription(topic) for topic in (EXIT_STATE, ENTRY_STATE, ORDER)]
    async with (
        open_link("exit-a", "exit", broker, mine[:1]) as exit_a,
        open_link("entry", "entry", broker, mine[1:2]) as entry,
        open_link("coordinator", "coordinator", broker, mine[2:]) as coordinator,
    ):
        await exit_a.publish(EXIT_STATE, READY, exit="exit-a")
        await entry.publish(ENTRY_STATE, OBEYED, entry="entry")
        await coordinator.publish(ORDER, OPEN)
        await message(exit_a, EXIT_STATE)
        await message(entry, ENTRY_STATE)
        await message(coordinator, ORDER)
        yield exit_a, coordinator


@pytest.mark.broker
async def test_status_of_a_chain_that_carries_traffic_succeeds(broker: Broker) -> None:
    async with standing(broker):
        code, out, _ = await ran(environment(broker), "status")

    assert "clients leave through exit-a  order 1" in out
    assert "* exit-a  ready" in out
    assert "\x1b" not in out
    assert code == 0


@pytest.mark.broker
async def test_status_of_a_chain_without_an_order_says_so(broker: Broker) -> None:
    code, out, _ = await ran(environment(broker), "status")

    assert out.startswith("gate closed: nothing has been ordered yet")
    assert code == 1


@pytest.mark.broker
async def test_status_for_programs_is_one_object(broker: Broker) -> None:
    async with standing(broker):
        code, out, _ = await ran(environment(broker), "status", "--json")

    told = json.loads(out)
    assert told["ok"] is True
    assert told["order"]["active"] == "exit-a"
    assert told["exits"]["exit-a"]["stage"] == "ready"
    assert told["agents"]["coordinator"]["status"] == "online"
    assert code == 0


@pytest.mark.parametrize(
    "words", [("status",), ("watch",), ("events", "--follow"), ("top", "--json")]
)
async def test_without_a_broker_nobody_waits_for_it(
    unused_tcp_port: int, words: tuple[str, ...]
) -> None:
    env = {"PATH": os.environ["PATH"]}
    where = ("--host", "127.0.0.1", "--port", str(unused_tcp_port))

    code, out, err = await ran(env, *words, *where)

    assert out == ""
    assert err == f"reaching the broker at 127.0.0.1:{unused_tcp_port}: no answer\n"
    assert code == 3


async def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text("[broker]\nport = 99999\n")
    env = {"PATH": os.environ["PATH"]}

    code, _, err = await ran(env, "watch", "--settings", str(file))

    assert err == f"{file}: broker.port: got 99999, wanted 1..65535\n"
    assert code == 2


@pytest.mark.broker
async def test_watch_for_programs_tells_each_message_as_a_line(broker: Broker) -> None:
    async with (
        standing(broker) as (exit_a, _),
        started(environment(broker), "watch", "--json") as process,
    ):
        retained = await record(process, "exit/exit-a/state")
        await exit_a.publish(EXIT_STATE, READY, exit="exit-a")
        live = await record(process, "exit/exit-a/state")

    assert (retained["retained"], live["retained"]) == (True, False)
    assert live["payload"]["stage"] == "ready"
    assert live["payload"]["seq"] > retained["payload"]["seq"]


@pytest.mark.broker
async def test_watch_tells_in_words_until_it_is_interrupted(broker: Broker) -> None:
    async with (
        standing(broker),
        started(environment(broker), "watch") as process,
    ):
        while "gate open, through exit-a" not in (told := await line(process)):
            assert told
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()

    assert "\x1b" not in told
    assert "Traceback" not in err.decode()
    assert process.returncode == 0


@pytest.mark.broker
async def test_watch_outlives_a_broker_that_was_there(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path)
    env = environment(Broker(mosquitto.host, mosquitto.port, base="test"))
    mosquitto.start()
    try:
        async with started(env, "watch", "--json") as process:
            told = [json.loads(await line(process))]
            mosquitto.stop()
            told.append(json.loads(await line(process)))
            mosquitto.start()
            told.append(json.loads(await line(process)))
    finally:
        mosquitto.stop()

    assert [one["link"] for one in told] == ["up", "down", "up"]


@pytest.mark.broker
async def test_nobody_is_told_that_somebody_watches(broker: Broker) -> None:
    env = environment(broker)
    async with standing(broker), started(env, "watch", "--json") as process:
        await record(process, "coordinator/order")
        _, out, _ = await ran(env, "status", "--json")

    assert set(json.loads(out)["agents"]) == {"coordinator", "entry", "exit-a"}


def test_no_two_watches_have_one_name() -> None:
    assert own_name() != own_name()


def test_a_state_said_again_is_no_news_but_an_event_is() -> None:
    novelty = Novelty()

    said = [
        report(stage=Stage.READY, rtt_ms=3.0),
        report(stage=Stage.READY, rtt_ms=4.0),
        report(stage=Stage.PPP),
        report(stage=Stage.READY, rtt_ms=3.0),
        happened(ExitEventKind.LOST),
        happened(ExitEventKind.LOST),
    ]

    told = [novelty.has(one, line_of(one)) for one in said]
    assert told == [True, False, True, True, True, True]
