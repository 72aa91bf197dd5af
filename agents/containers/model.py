"""The words of the containers agent: what it knows, hears and does. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.messages.containers import (
    ContainerEventKind,
    ContainerReport,
    ContainerStatus,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How often containers may be restarted.

    Attributes:
        pause_s: Between two restarts of one container; doubled by each within an hour.
        per_hour: How many restarts of one container an hour may see.
    """

    pause_s: float = 30.0
    per_hour: int = 5


@dataclass(frozen=True, slots=True)
class Container:
    """A container as Docker lists it; `agent`: who runs in it, by its label."""

    agent: str
    name: str
    status: ContainerStatus
    health: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a container.

    Attributes:
        restarts_s: When it was restarted on request, within the last hour.
        restarting: A restart is under way.
    """

    report: ContainerReport
    restarts_s: tuple[float, ...] = ()
    restarting: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What the agent knows; keys: the agents that run in the containers.

    `connected`: Docker answers, so that what is known is the present.
    """

    containers: Mapping[str, Known] = field(default_factory=dict)
    connected: bool = False


# --- what it hears --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """Docker is there, and these are all containers of the chain."""

    at_s: float
    containers: tuple[Container, ...]


@dataclass(frozen=True, slots=True)
class DockerLost:
    """Docker is away: what happens now is not seen."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Happened:
    """Docker says that something happened to a container.

    Attributes:
        exit_code: Of one that died.
        health: Of one whose health changed.
    """

    at_s: float
    agent: str
    name: str
    kind: ContainerEventKind
    exit_code: int | None = None
    health: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants something of us; `agent`: of whose container."""

    at_s: float
    verb: str
    transaction: str
    agent: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The restart came to its end; `cause`: why it failed, empty if it did not."""

    at_s: float
    agent: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """Time to say everything again."""

    at_s: float


Event = Listed | DockerLost | Happened | Asked | Restarted | Beat


# --- what it does ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SayReport:
    """Let this be what is known of the container."""

    agent: str
    report: ContainerReport


@dataclass(frozen=True, slots=True)
class Forget:
    """There is no such container any more."""

    agent: str


@dataclass(frozen=True, slots=True)
class SayEvent:
    """Tell the world what happened."""

    agent: str
    container: str
    kind: ContainerEventKind
    exit_code: int | None = None
    health: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Restart:
    """Have Docker restart the container of this name."""

    agent: str
    container: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell who asked whether it is granted; `error`: why not, else empty."""

    verb: str
    transaction: str
    error: str = ""


Action = SayReport | Forget | SayEvent | Restart | Answer
