"""What is said of the containers that the chain runs in."""

from dataclasses import dataclass
from enum import StrEnum

from bus.messages.stamp import Stamp


class ContainerStatus(StrEnum):
    """What Docker calls the state of a container."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerReport(Stamp):
    """The present of one container.

    Attributes:
        container: Its name at Docker.
        health: "starting", "healthy" or "unhealthy"; empty: it is not asked for.
        exit_code: How it ended when it last did; None: not while somebody watched.
        out_of_memory: Something in it was killed for want of memory since it started.
        restarts: How often it was restarted on request within the last hour.
    """

    container: str
    status: ContainerStatus
    health: str = ""
    exit_code: int | None = None
    out_of_memory: bool = False
    restarts: int = 0


class ContainerEventKind(StrEnum):
    """What can happen to a container."""

    STARTED = "started"
    DIED = "died"
    OUT_OF_MEMORY = "out-of-memory"
    HEALTH = "health"
    REMOVED = "removed"
    RESTARTED = "restarted"  # on request, by the containers agent


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEvent:
    """Something happened to a container.

    Attributes:
        exit_code: Of one that died.
        health: Of one whose health changed.
        cause: Why a restart that was begun did not succeed; empty: it did.
    """

    kind: ContainerEventKind
    at: float
    container: str
    exit_code: int | None = None
    health: str = ""
    cause: str = ""
