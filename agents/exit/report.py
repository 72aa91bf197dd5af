"""What the world is told about an exit, and when: values only."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from agents.exit.model import Cause, Report, State, Tell
from agents.exit.phases import Closing, Waiting
from agents.network import Traffic
from bus.messages.exits import ExitEventKind, ExitReport, Stage

CLOCK_SET_S: Final = 0.1  # more than lies between two readings, a busy machine's too


def news(before: State, after: State) -> tuple[Report | Tell, ...]:
    """What is worth saying about a step of the rules; empty if nothing changed."""
    if after is before:
        return ()
    said: list[Report | Tell] = []
    # The end is told by who decides it.
    if after.stage not in (before.stage, Stage.DOWN):
        said.append(_stage(before, after))
    if _visible(before) != _visible(after):
        said.append(Report())
    return tuple(said)


def offset_by(measured_s: float, before_s: float) -> float:
    """What leads from the monotonic clock to Unix time, as it was measured just now.

    No two measurements agree to the microsecond, and moments that are past must not
    seem to move: only a clock that was set tells another offset.
    """
    return measured_s if abs(measured_s - before_s) > CLOCK_SET_S else before_s


def report(
    state: State, *, address: str, offset_s: float, traffic: Traffic | None = None
) -> ExitReport:
    """The state for the bus.

    `address` is the exit's own on the bridge; `offset_s` leads from the monotonic clock
    to Unix time; `traffic` is what has gone through ppp0, None if nobody has asked.
    """
    cause, link, retry_at_s = state.cause, state.link, _retry_at_s(state)
    return ExitReport(
        stage=state.stage,
        since=state.since_s + offset_s,
        address=address,
        cause=cause.text if cause else "",
        permanent=cause.permanent if cause else False,
        planned=cause.planned if cause else False,
        retry_at=None if retry_at_s is None else retry_at_s + offset_s,
        attempt=state.attempt,
        preset=state.presets[0],
        server=state.server,
        tunnel_address=link.address if link else "",
        dns=link.dns if link else (),
        mtu_bytes=link.mtu_bytes if link else None,
        took_s={stage.value: took_s for stage, took_s in state.took_s.items()},
        rtt_ms=state.rtt_ms,
        loss_ratio=state.loss_ratio,
        received_bytes=traffic.received_bytes if traffic else None,
        sent_bytes=traffic.sent_bytes if traffic else None,
    )


def stopped(state: State, *, at_s: float) -> State:
    """The last state of an exit that is being stopped: what stands is about to go."""
    return replace(
        state,
        phase=Closing(),
        stage=Stage.DOWN,
        since_s=at_s,
        cause=Cause("stopped", planned=True),
        link=None,
        rtt_ms=None,
        loss_ratio=None,
    )


def _stage(before: State, after: State) -> Tell:
    """The news of a stage reached for the first time, once more, or fallen back to."""
    took_s = after.since_s - before.since_s
    if after.stage not in before.took_s:
        took_s = after.took_s[after.stage]
    cause = after.cause.text if before.stage is Stage.READY and after.cause else ""
    return Tell(ExitEventKind.STAGE, before.stage, after.stage, took_s, cause)


def _visible(state: State) -> tuple[Hashable, ...]:
    """What a reader sees change; the probe's figures wait for the next heartbeat."""
    return (
        state.stage,
        state.since_s,
        state.cause,
        state.attempt,
        state.presets[0],
        state.server,
        state.link,
        _retry_at_s(state),
    )


def _retry_at_s(state: State) -> float | None:
    return state.phase.retry_at_s if isinstance(state.phase, Waiting) else None
