"""A Docker, or what stands in for one, that speaks otherwise than Docker does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from agents.containers.engine import EngineError, open_engine

LIMIT_S: Final = 20.0
LISTED: Final = {
    "Id": "0123",
    "Labels": {"vpnchain.name": "exit-a"},
    "State": "running",
    "Status": "Up 5 minutes",
    "Names": ["/l2tp-ipsec-exit"],
}
SUBJECT: Final = {"vpnchain.name": "exit-a", "name": "l2tp-ipsec-exit"}
DIED: Final = {
    "Action": "die",
    "Actor": {"Attributes": SUBJECT},
    "time": 1_700_000_000,
}


@asynccontextmanager
async def speaking(folder: Path, listed: object, event: object) -> AsyncIterator[str]:
    """Where somebody listens who answers so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = request.path.rpartition("/")[2]
        if asked == "version":
            return web.json_response({"ApiVersion": "1.43"})
        if asked == "json":
            return web.json_response(listed)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        raw = event if isinstance(event, bytes) else json.dumps(event).encode()
        await response.write(raw + b"\n")
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(folder / "docker.sock")).start()
        yield f"unix://{folder / 'docker.sock'}"
    finally:
        await runner.cleanup()


def without(known: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name != key}


LISTS: Final = {
    "no_list": {"message": "hello"},
    "no_labels": [without(LISTED, "Labels")],
    "labels_of_nothing": [{**LISTED, "Labels": None}],
    "no_name": [{**LISTED, "Names": []}],
    "an_unknown_state": [{**LISTED, "State": "dreaming"}],
}
EVENTS: Final = {
    "no_action": without(DIED, "Action"),
    "no_actor": without(DIED, "Actor"),
    "attributes_of_nothing": {**DIED, "Actor": {"Attributes": None}},
    "no_name": {**DIED, "Actor": {"Attributes": {"vpnchain.name": "exit-a"}}},
    "a_code_that_is_none": {
        **DIED,
        "Actor": {"Attributes": {**SUBJECT, "exitCode": "x"}},
    },
    "no_json": b"nonsense",
    "no_object": [1, 2],
    "an_hour_in_words": {**DIED, "time": "noon"},
}


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
async def test_a_list_of_another_form_is_an_engine_error(
    listed: object, tmp_path: Path
) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        speaking(tmp_path, listed, DIED) as url,
        open_engine(url) as engine,
    ):
        with pytest.raises(EngineError, match="listing containers: "):
            await engine.containers()


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
async def test_an_event_of_another_form_is_an_engine_error(
    event: object, tmp_path: Path
) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        speaking(tmp_path, [], event) as url,
        open_engine(url) as engine,
        aclosing(engine.happenings()) as happenings,
    ):
        with pytest.raises(EngineError, match="listening to Docker: "):
            await anext(happenings)


async def test_what_has_docker_s_form_is_told(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        speaking(tmp_path, [LISTED], DIED) as url,
        open_engine(url) as engine,
        aclosing(engine.happenings()) as happenings,
    ):
        assert [one.agent for one in await engine.containers()] == ["exit-a"]
        assert (await anext(happenings)).agent == "exit-a"
