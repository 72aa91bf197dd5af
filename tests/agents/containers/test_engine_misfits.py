"""Docker's own forms are understood, others are an error: no daemon, but its words.

The forms are those of its API: https://docs.docker.com/reference/api/engine/
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from agents.containers.engine import EngineError, open_engine
from bus.messages.containers import ContainerEventKind

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
    """Where somebody listens who answers so; a tuple is several events."""

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = request.path.rpartition("/")[2]
        if asked == "version":
            return web.json_response({"ApiVersion": "1.43"})
        if asked == "json":
            return web.json_response(listed)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for one in event if isinstance(event, tuple) else (event,):
            raw = one if isinstance(one, bytes) else json.dumps(one).encode()
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


def told(action: str, **more: str) -> dict[str, Any]:
    """As Docker says it: the container's labels are among the attributes."""
    identity, image = "ede54ee1afda", "vpnchain-exit:latest"
    composed = {"com.docker.compose.service": "l2tp-ipsec", "image": image}
    return {
        "status": action,  # of old, as `id` and `from` are
        "id": identity,
        "from": image,
        "Type": "container",
        "Action": action,
        "Actor": {"ID": identity, "Attributes": {**SUBJECT, **composed, **more}},
        "scope": "local",
        "time": 1629574695,
        "timeNano": 1629574695515050031,
    }


# What Docker says -> the kind, the exit code, the health.
TOLD: Final = {
    "start": (told("start"), ContainerEventKind.STARTED, None, ""),
    "die": (
        told("die", exitCode="137", execDuration="5"),
        *(ContainerEventKind.DIED, 137, ""),
    ),
    "die_by_itself": (
        told("die", exitCode="0", execDuration="5"),
        *(ContainerEventKind.DIED, 0, ""),
    ),
    "oom": (told("oom"), ContainerEventKind.OUT_OF_MEMORY, None, ""),
    "destroy": (told("destroy"), ContainerEventKind.REMOVED, None, ""),
    "healthy": (
        told("health_status: healthy"),
        *(ContainerEventKind.HEALTH, None, "healthy"),
    ),
    "unhealthy": (
        told("health_status: unhealthy"),
        *(ContainerEventKind.HEALTH, None, "unhealthy"),
    ),
}
# A health check is a process: with each there are three of these.
PASSED_OVER: Final = (
    *("create", "kill", "stop", "restart", "pause", "exec_die"),
    "exec_create: python3 -m agents health",
    "exec_start: python3 -m agents health",
)
STRANGER: Final = {**told("oom"), "Actor": {"Attributes": {"name": "other"}}}
HEALTHS: Final = {
    "Up 5 minutes (healthy)": "healthy",
    "Up 5 minutes (unhealthy)": "unhealthy",
    "Up 2 seconds (health: starting)": "starting",
    "Up 5 minutes": "",
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


@pytest.mark.parametrize(
    ("event", "kind", "exit_code", "health"), TOLD.values(), ids=TOLD
)
async def test_an_event_in_docker_s_words_is_told_in_ours(
    event: object,
    kind: ContainerEventKind,
    exit_code: int | None,
    health: str,
    tmp_path: Path,
) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        speaking(tmp_path, [], event) as url,
        open_engine(url) as engine,
        aclosing(engine.happenings()) as happenings,
    ):
        happened = await anext(happenings)
    assert (happened.agent, happened.name) == ("exit-a", "l2tp-ipsec-exit")
    assert happened.kind is kind
    assert (happened.exit_code, happened.health) == (exit_code, health)


async def test_what_docker_says_besides_is_passed_over(tmp_path: Path) -> None:
    others = (STRANGER, *(told(action) for action in PASSED_OVER))
    async with (
        asyncio.timeout(LIMIT_S),
        speaking(tmp_path, [], (*others, told("oom"))) as url,
        open_engine(url) as engine,
        aclosing(engine.happenings()) as happenings,
    ):
        assert (await anext(happenings)).kind is ContainerEventKind.OUT_OF_MEMORY


@pytest.mark.parametrize(("words", "health"), HEALTHS.items())
async def test_the_health_is_read_from_the_words_of_the_list(
    words: str, health: str, tmp_path: Path
) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        speaking(tmp_path, [{**LISTED, "Status": words}], DIED) as url,
        open_engine(url) as engine,
    ):
        assert [one.health for one in await engine.containers()] == [health]
