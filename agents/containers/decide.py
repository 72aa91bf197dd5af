"""The rules of the containers agent: (state, event, policy) -> (state, actions). Pure.

It tells what Docker tells, in the chain's words, and restarts what it is asked to, but
not too often: who asks may be wrong for hours, and a restart costs a tunnel.
"""

from dataclasses import replace
from typing import Final, assert_never

from agents.containers.model import (
    Action,
    Answer,
    Asked,
    Beat,
    Container,
    DockerLost,
    Event,
    Forget,
    Happened,
    Known,
    Listed,
    Policy,
    Restart,
    Restarted,
    SayEvent,
    SayReport,
    State,
)
from bus.commands import Verb
from bus.messages.containers import (
    ContainerEventKind,
    ContainerReport,
    ContainerStatus,
)

HOUR_S: Final = 3600.0
# Somebody has ended it, or never begun it: that is not for a request to change.
_AT_REST: Final = frozenset(
    {
        *(ContainerStatus.CREATED, ContainerStatus.REMOVING),
        *(ContainerStatus.EXITED, ContainerStatus.DEAD),
    }
)

_STATUS: Final = {
    ContainerEventKind.STARTED: ContainerStatus.RUNNING,
    ContainerEventKind.DIED: ContainerStatus.EXITED,
}


def decide(
    state: State, event: Event, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    """The next state, and what to do."""
    match event:
        case Listed():
            return _listed(state, event)
        case DockerLost():
            return _lost(state, event)
        case Happened():
            return _happened(state, event)
        case Asked():
            return _asked(state, event, policy)
        case Restarted():
            return _restarted(state, event)
        case Beat():
            return _said_again(state, event.at_s)
        case _:
            assert_never(event)


# --- what Docker says -----------------------------------------------------------------


def _listed(state: State, event: Listed) -> tuple[State, tuple[Action, ...]]:
    """All that is there; what nobody listed is gone."""
    listed = {one.agent: one for one in event.containers}
    containers = {
        agent: _met(state.containers.get(agent), one) for agent, one in listed.items()
    }
    gone = [agent for agent in state.containers if agent not in containers]
    says = [SayReport(agent, known.report) for agent, known in containers.items()]
    after = State(containers, connected=True)
    return after, (*(Forget(agent) for agent in gone), *says)


def _met(known: Known | None, one: Container) -> Known:
    report = ContainerReport(container=one.name, status=one.status, health=one.health)
    if known is None:
        return Known(report)
    told = replace(
        known.report, container=one.name, status=one.status, health=one.health
    )
    return replace(known, report=told)


def _lost(state: State, event: DockerLost) -> tuple[State, tuple[Action, ...]]:
    """Nobody will tell what became of restarts under way."""
    actions: list[Action] = []
    for agent, known in state.containers.items():
        if known.restarting:
            broken = Restarted(event.at_s, agent, "Docker went away")
            state, said = _restarted(state, broken)
            actions += said
    return replace(state, connected=False), tuple(actions)


def _happened(state: State, event: Happened) -> tuple[State, tuple[Action, ...]]:
    said = SayEvent(event.agent, event.name, event.kind, event.exit_code, event.health)
    if event.kind is ContainerEventKind.REMOVED:
        others = {
            agent: known
            for agent, known in state.containers.items()
            if agent != event.agent or known.report.container != event.name
        }
        gone = (Forget(event.agent),) if len(others) < len(state.containers) else ()
        return replace(state, containers=others), (said, *gone)
    fresh = ContainerReport(container=event.name, status=ContainerStatus.CREATED)
    known = state.containers.get(event.agent) or Known(fresh)
    report = _after(known.report, event)
    if report == known.report and event.kind is ContainerEventKind.HEALTH:
        return state, ()
    after = _with(state, event.agent, replace(known, report=report))
    return after, (said, SayReport(event.agent, report))


def _after(report: ContainerReport, event: Happened) -> ContainerReport:
    """The report after the event."""
    status = _STATUS.get(event.kind, report.status)
    report = replace(report, container=event.name, status=status)
    match event.kind:
        case ContainerEventKind.STARTED:
            return replace(report, health="", out_of_memory=False)
        case ContainerEventKind.DIED:
            return replace(report, health="", exit_code=event.exit_code)
        case ContainerEventKind.OUT_OF_MEMORY:
            return replace(report, out_of_memory=True)
        case ContainerEventKind.HEALTH:
            return replace(report, health=event.health)
        case _:
            return report


# --- restarts -------------------------------------------------------------------------


def _asked(
    state: State, event: Asked, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    error = refusal(state, event, policy)
    if error:
        return state, (Answer(event.verb, event.transaction, error),)
    known = state.containers[event.agent]
    times = (*_recent(known, event.at_s), event.at_s)
    known = replace(
        known,
        restarts_s=times,
        restarting=True,
        report=replace(known.report, restarts=len(times)),
    )
    after = _with(state, event.agent, known)
    begin = Restart(event.agent, known.report.container)
    return after, (Answer(event.verb, event.transaction), begin)


def refusal(state: State, event: Asked, policy: Policy) -> str:
    """Why the wish is not granted; empty if it is."""
    known = state.containers.get(event.agent)
    if event.verb != Verb.RESTART:
        return f"{event.verb}: not a verb of the containers agent"
    if not state.connected:
        return "Docker does not answer"
    if known is None:
        return f"{event.agent or 'nobody'}: no container is known by that name"
    if known.restarting:
        return f"{event.agent}: is being restarted"
    if known.report.status in _AT_REST:
        return f"{event.agent}: does not run: {known.report.status}"
    return _too_often(known, event, policy)


def _too_often(known: Known, event: Asked, policy: Policy) -> str:
    times = _recent(known, event.at_s)
    if not times:
        return ""
    if len(times) >= policy.per_hour:
        return f"{event.agent}: was restarted {len(times)} times within the last hour"
    waits_s = times[-1] + pause_s(len(times), policy) - event.at_s
    if waits_s > 0:
        return f"{event.agent}: was just restarted; again in {waits_s:.0f} s"
    return ""


def pause_s(restarts: int, policy: Policy) -> float:
    """How long to wait after so many restarts within an hour."""
    return float(policy.pause_s * 2 ** max(0, restarts - 1))


def _restarted(state: State, event: Restarted) -> tuple[State, tuple[Action, ...]]:
    known = state.containers.get(event.agent)
    if known is None or not known.restarting:
        return state, ()
    said = SayEvent(
        event.agent,
        known.report.container,
        ContainerEventKind.RESTARTED,
        cause=event.cause,
    )
    after = _with(state, event.agent, replace(known, restarting=False))
    return after, (said, SayReport(event.agent, known.report))


def _recent(known: Known, at_s: float) -> tuple[float, ...]:
    return tuple(one for one in known.restarts_s if at_s - one < HOUR_S)


# --- time -----------------------------------------------------------------------------


def _said_again(state: State, at_s: float) -> tuple[State, tuple[Action, ...]]:
    """All that is known, as a sign of life; nothing while Docker is away."""
    if not state.connected:
        return state, ()
    containers = {
        agent: _aged(known, at_s) for agent, known in state.containers.items()
    }
    says = tuple(SayReport(agent, known.report) for agent, known in containers.items())
    return replace(state, containers=containers), says


def _aged(known: Known, at_s: float) -> Known:
    times = _recent(known, at_s)
    report = replace(known.report, restarts=len(times))
    return replace(known, restarts_s=times, report=report)


def _with(state: State, agent: str, known: Known) -> State:
    return replace(state, containers={**state.containers, agent: known})
