"""What the containers agent says, in words for a person. Pure."""

from typing import Final, assert_never

from bus.messages.containers import (
    ContainerEvent,
    ContainerEventKind,
    ContainerReport,
    ContainerStatus,
)
from cli.line import Line, Mood

HEALTHS: Final = {"healthy": Mood.GOOD, "unhealthy": Mood.BAD}


def container_line(who: str, said: ContainerReport | ContainerEvent) -> Line:
    """A container's present, or what happened to it; `who`: the agent inside."""
    if isinstance(said, ContainerEvent):
        return _event(who, said)
    what = f"container {said.container} is {said.status}"
    if said.health:
        what += f", {said.health}"
    running = said.status is ContainerStatus.RUNNING
    mood = HEALTHS.get(said.health, Mood.NEUTRAL if running else Mood.WORRYING)
    restarts = f"restarted {said.restarts} times" if said.restarts else ""
    return Line(who, what, mood, restarts, said.at)


def _event(who: str, said: ContainerEvent) -> Line:
    name = f"container {said.container}"
    match said.kind:
        case ContainerEventKind.STARTED:
            what, mood = f"{name} started", Mood.GOOD
        case ContainerEventKind.DIED:
            code = "" if said.exit_code is None else f" with {said.exit_code}"
            what, mood = f"{name} died{code}", Mood.BAD
        case ContainerEventKind.OUT_OF_MEMORY:
            what, mood = f"{name} is out of memory", Mood.BAD
        case ContainerEventKind.HEALTH:
            what = f"{name} is {said.health}"
            mood = HEALTHS.get(said.health, Mood.NEUTRAL)
        case ContainerEventKind.REMOVED:
            what, mood = f"{name} is removed", Mood.WORRYING
        case ContainerEventKind.RESTARTED:
            failed = f", in vain: {said.cause}" if said.cause else ""
            what = f"{name} was restarted on request{failed}"
            mood = Mood.BAD if said.cause else Mood.TELLING
        case _:
            assert_never(said.kind)
    return Line(who, what, mood, at=said.at)
