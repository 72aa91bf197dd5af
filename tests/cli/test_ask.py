"""Asking for something on the command line: granted, refused, unanswered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from click.testing import CliRunner

from bus.commands import VERBS, Request, Response, Verb
from bus.interface import Received, Subscription
from bus.link import open_link
from bus.topics import PRESENCE, REQUEST, RESPONSE
from bus.wire import Broker
from cli.__main__ import main

TIMEOUT_S: Final = 20.0

CASES: Final = {
    "use exit-b": ("coordinator", "prefer", "exit-b"),
    "use --only exit-b": ("coordinator", "only", "exit-b"),
    "use auto": ("coordinator", "auto", ""),
    "drain exit-a": ("coordinator", "drain", "exit-a"),
    "undrain exit-a": ("coordinator", "undrain", "exit-a"),
    "reconnect exit-a": ("exit-a", "reconnect", ""),
    "request prefer exit-b": ("coordinator", "prefer", "exit-b"),
    "request auto": ("coordinator", "auto", ""),
    "request reconnect exit-a": ("exit-a", "reconnect", ""),
    "request restart exit-a": ("containers", "restart", "exit-a"),
    "request use auto": ("homeassistant", "use", "auto"),
    "request move": ("homeassistant", "move", ""),
    "request drain exit-a --to other": ("other", "drain", "exit-a"),
}


async def said(broker: Broker, *arguments: str) -> tuple[int, str]:
    """Exit status and output of the command; it has a loop of its own."""
    where = ("--host", broker.host, "--port", str(broker.port))
    runner = CliRunner(env={"VPNCHAIN_BROKER_BASE": broker.base})
    asked = [*arguments, *where]
    result = await asyncio.to_thread(runner.invoke, main, asked)
    return result.exit_code, result.output


@asynccontextmanager
async def answering(
    broker: Broker, agent: str, error: str = ""
) -> AsyncIterator[list[tuple[str, Request]]]:
    """An agent that answers everything in this way; and what it was asked."""
    mine = {"agent": agent}
    # In this order: whoever hears its own presence hears requests as well.
    wanted = (Subscription(REQUEST, mine), Subscription(PRESENCE, mine))
    asked: list[tuple[str, Request]] = []
    up = asyncio.Event()

    async with open_link(agent, "exit", broker, wanted) as bus:

        async def answer() -> None:
            async for heard in bus:
                if isinstance(heard, Received) and heard.topic == PRESENCE:
                    up.set()
                elif isinstance(heard, Received):
                    verb = heard.levels["verb"]
                    asked.append((verb, heard.payload))
                    response = Response(
                        transaction=heard.payload.transaction,
                        ok=not error,
                        error=error,
                    )
                    await bus.publish(RESPONSE, response, agent=agent, verb=verb)

        async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(answer())
            await up.wait()
            yield asked
            task.cancel()


@pytest.mark.broker
@pytest.mark.parametrize("line", CASES)
async def test_a_wish_reaches_whom_it_is_for(broker: Broker, line: str) -> None:
    agent, verb, name = CASES[line]

    async with answering(broker, agent) as asked:
        status, output = await said(broker, *line.split())

    assert (status, output) == (0, "granted\n")
    assert [(one, request.exit) for one, request in asked] == [(verb, name)]


@pytest.mark.broker
async def test_a_refusal_tells_its_reason(broker: Broker) -> None:
    async with answering(broker, "coordinator", "unknown exit: z\x1b"):
        status, output = await said(broker, "drain", "z")

    assert (status, output) == (1, "unknown exit: z\ufffd\n")


@pytest.mark.broker
async def test_a_program_gets_the_answer_as_it_is(broker: Broker) -> None:
    async with answering(broker, "coordinator"):
        status, output = await said(broker, "use", "auto", "--json")

    assert status == 0
    assert '"ok":true' in output


@pytest.mark.broker
async def test_nobody_answers(broker: Broker) -> None:
    status, output = await said(broker, "drain", "exit-a")

    assert (status, output) == (3, "asking coordinator to drain: no answer\n")


def test_a_name_that_is_none_is_refused_before_anything_is_asked() -> None:
    result = CliRunner().invoke(main, ["drain", "Exit A"])

    assert result.exit_code == 2
    assert "[a-z0-9-]" in result.output


def test_a_verb_that_only_exits_know_needs_one() -> None:
    result = CliRunner().invoke(main, ["request", "reconnect"])

    assert result.exit_code == 2
    assert result.output == "reconnect needs an exit\n"


def test_every_verb_can_be_asked_for() -> None:
    known = [verb for verbs in VERBS.values() for verb in verbs]

    assert sorted(known) == sorted(Verb)


def test_the_broker_is_not_there() -> None:
    result = CliRunner().invoke(
        main, ["use", "auto", "--host", "127.0.0.1", "--port", "1"]
    )

    assert result.exit_code == 3
    assert result.output == "reaching the broker at 127.0.0.1:1: no answer\n"
