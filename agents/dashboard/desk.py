"""Requests of people who press buttons, and the answers that come over the bus."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Final

from bus.commands import VERBS, Request, Response, Verb
from bus.interface import Bus
from bus.messages.peers import PeerTerms
from bus.names import ID
from bus.topics import REQUEST

ANSWER_S: Final = 3.0
ADDED_S: Final = 10.0  # it comes once the file is on the entry's disk
PENDING: Final = 50  # at once; more is no person
VERBS_HERE: Final = frozenset({*VERBS["coordinator"], *VERBS["exit"]})


@dataclass(slots=True)
class Desk:
    """Asks on the bus and waits for the answer with the same transaction."""

    _waiting: dict[str, asyncio.Future[Response]] = field(default_factory=dict)

    async def ask(self, bus: Bus, agent: str, verb: str, exit_: str) -> str:
        """What went wrong; empty: it was granted."""
        if verb not in VERBS_HERE or not ID.fullmatch(agent):
            return f"there is no request {verb!r} to {agent!r}"
        if exit_ and not ID.fullmatch(exit_):
            return f"there is no exit {exit_!r}"
        request = Request(transaction=secrets.token_hex(8), exit=exit_)
        answer = await self._answer(bus, agent, verb, request, ANSWER_S)
        return _error(answer)

    async def add_peer(
        self, bus: Bus, entry: str, name: str, public_key: str
    ) -> tuple[str, PeerTerms | None]:
        """What went wrong, and what the new client has to know if nothing did."""
        if not ID.fullmatch(entry):
            return f"there is no entry {entry!r}", None
        request = Request(
            transaction=secrets.token_hex(8), peer=name, public_key=public_key
        )
        answer = await self._answer(bus, entry, Verb.ADD_PEER, request, ADDED_S)
        return _error(answer), answer.peer if isinstance(answer, Response) else None

    async def _answer(
        self, bus: Bus, agent: str, verb: str, request: Request, within_s: float
    ) -> Response | str:
        """The agent's answer; text: why there is none."""
        if not bus.connected:
            return "the broker is away"
        if len(self._waiting) >= PENDING:
            return "too many requests wait for an answer"
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        self._waiting[request.transaction] = answer
        try:
            await bus.publish(REQUEST, request, agent=agent, verb=verb)
            async with asyncio.timeout(within_s):
                return await answer
        except TimeoutError:
            return f"{agent} did not answer"
        finally:
            del self._waiting[request.transaction]

    def answered(self, response: Response) -> None:
        """Hands an answer to whoever waits for it."""
        answer = self._waiting.get(response.transaction)
        if answer is not None and not answer.done():
            answer.set_result(response)


def _error(answer: Response | str) -> str:
    """What went wrong; empty: it was granted."""
    if isinstance(answer, str):
        return answer
    return "" if answer.ok else answer.error or "refused"
