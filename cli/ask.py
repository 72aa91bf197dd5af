"""Asking an agent for something, and its answer."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from bus.commands import Request, Response
from bus.interface import BusUp, Heard, Received, Subscription
from bus.link import open_link
from bus.topics import REQUEST, RESPONSE
from bus.wire import Broker
from cli.listen import REACH_TIMEOUT_S, own_name

ANSWER_TIMEOUT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, and of whom."""

    agent: str
    verb: str
    exit: str = ""


async def ask(broker: Broker, wish: Wish) -> Response | str:
    """What became of the wish; text if there is no answer: what was waited for."""
    levels = {"agent": wish.agent, "verb": wish.verb}
    wanted = (Subscription(RESPONSE, levels),)
    async with open_link(own_name(), "", broker, wanted) as bus:
        waiting = f"reaching the broker at {broker.host}:{broker.port}"
        try:
            async with asyncio.timeout(REACH_TIMEOUT_S):
                while not isinstance(await anext(aiter(bus)), BusUp):
                    pass
            waiting = f"asking {wish.agent} to {wish.verb}"
            request = Request(transaction=secrets.token_hex(8), exit=wish.exit)
            await bus.publish(REQUEST, request, **levels)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await _answer_to(request, aiter(bus))
        except TimeoutError:
            return waiting


async def _answer_to(request: Request, heard: AsyncIterator[Heard]) -> Response:
    while True:
        match await anext(heard):
            case Received(payload=Response() as answer) if (
                answer.transaction == request.transaction
            ):
                return answer
            case _:
                pass
