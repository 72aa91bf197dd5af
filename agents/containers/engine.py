"""Docker, as far as the containers agent needs it: list, listen, restart.

The one rule: only EngineError leaves this file. Whatever is asked names the chain's
label, so that a proxy in between can refuse everything else. Owner of aiodocker.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Protocol

import aiodocker
import aiohttp

from agents.containers.model import Container, Happened
from bus.messages.containers import ContainerEventKind, ContainerStatus
from bus.names import ID

LABEL: Final = "vpnchain.name"
CALL_TIMEOUT_S: Final = 10.0
RESTART_TIMEOUT_S: Final = 60.0  # it may need its whole time to end in order

# Word for word what the proxy lets pass: images/socket-proxy/haproxy.cfg.
LISTED: Final = f'{{"label":["{LABEL}"]}}'
HEARD: Final = f'{{"type":["container"],"label":["{LABEL}"]}}'

_KINDS: Final[Mapping[str, ContainerEventKind]] = {
    "start": ContainerEventKind.STARTED,
    "die": ContainerEventKind.DIED,
    "oom": ContainerEventKind.OUT_OF_MEMORY,
    "destroy": ContainerEventKind.REMOVED,
    "health_status": ContainerEventKind.HEALTH,
}

TROUBLE: Final = (aiohttp.ClientError, OSError, ValueError)
# What reading an answer raises that has not the form of Docker's, here or in aiodocker.
MISFITS: Final = (LookupError, TypeError, AttributeError)


class EngineError(Exception):
    """Docker does not answer, or does not want to."""


class Engine(Protocol):
    """What the agent needs of Docker."""

    async def containers(self) -> tuple[Container, ...]:
        """All containers of the chain, running or not; EngineError."""

    def happenings(self) -> AsyncGenerator[Happened, None]:
        """What happens from now on, nothing left out; EngineError at its end."""

    async def restart(self, container: str) -> None:
        """Restarts the container of this name, and waits for it; EngineError."""


@asynccontextmanager
async def open_engine(url: str) -> AsyncIterator[Engine]:
    """Docker behind `url`: tcp://HOST:PORT, or unix:///PATH.

    Raises:
        EngineError: No such scheme.
    """
    limit = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
    with _translated("connecting to Docker"):
        docker = aiodocker.Docker(url, timeout=limit)
    try:
        yield _Engine(docker)
    finally:
        # An error that ended the stream is told again here, before all is closed.
        with suppress(aiodocker.DockerError, *TROUBLE, *MISFITS):
            await docker.close()
        await docker.session.close()


class _Engine:
    def __init__(self, docker: aiodocker.Docker) -> None:
        self._docker = docker
        # What happens before anybody listens is told later.
        self._since_s = time.time()

    async def containers(self) -> tuple[Container, ...]:
        with _translated("listing containers"):
            found = await self._docker.containers.list(all="true", filters=LISTED)
            listed = [_container(dict(one._container)) for one in found]  # noqa: SLF001
        return tuple(one for one in listed if one is not None)

    async def happenings(self) -> AsyncGenerator[Happened, None]:
        events: Any = self._docker.events
        subscriber = events.subscribe(filters=HEARD, since=f"{self._since_s:.3f}")
        while (said := await subscriber.get()) is not None:
            with _translated("listening to Docker"):
                happened = _happened(said)
            if happened is not None:
                yield happened
        with _translated("listening to Docker"):
            await events.task  # tells why
        raise EngineError("listening to Docker: it ended")

    async def restart(self, container: str) -> None:
        with _translated(f"restarting {container}"):
            one = self._docker.containers.container(container)
            await one.restart(timeout=RESTART_TIMEOUT_S)


def _container(said: Mapping[str, Any]) -> Container | None:
    """A container of the list; None: its label is no name."""
    agent = said["Labels"].get(LABEL, "")
    if not ID.fullmatch(agent):
        return None
    status = ContainerStatus(said["State"])
    _, _, health = said["Status"].partition("(")  # "Up 5 minutes (healthy)"
    health = health.rstrip(")").removeprefix("health: ")
    if status is not ContainerStatus.RUNNING:
        health = ""  # there it is the exit code
    return Container(agent, said["Names"][0].lstrip("/"), status, health)


def _happened(said: Mapping[str, Any]) -> Happened | None:
    """What Docker said; None: nothing that we tell."""
    verb, _, health = said["Action"].partition(": ")
    attributes = said["Actor"]["Attributes"]
    agent, kind = attributes.get(LABEL, ""), _KINDS.get(verb)
    if kind is None or not ID.fullmatch(agent):
        return None
    code = attributes.get("exitCode", "")
    return Happened(
        time.monotonic(),
        agent,
        attributes["name"],
        kind,
        exit_code=int(code) if code else None,
        health=health,
    )


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except aiodocker.DockerError as error:
        raise EngineError(f"{doing}: {_words(error)}") from error
    except TimeoutError as error:  # one of OSError's
        raise EngineError(f"{doing}: no answer in time") from error
    except TROUBLE as error:
        cause = str(error) or type(error).__name__
        raise EngineError(f"{doing}: {cause}") from error
    except MISFITS as error:
        cause = f"an answer of another form ({error!r})"
        raise EngineError(f"{doing}: {cause}") from error


def _words(error: aiodocker.DockerError) -> str:
    """What Docker, or a proxy before it, said, as one line."""
    said = " ".join(str(error.message).split())
    return f"status {error.status}: {said}" if "<" in said else said
