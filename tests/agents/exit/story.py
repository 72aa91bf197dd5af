"""How stories of an exit are told: what happens, and what the rules make of it.

An outcome is written as `Phase stage: action action`; `Report` is left out of it, an
invariant of the histories looks after that.
"""

from collections.abc import Callable, Sequence
from typing import Final

from agents.exit.model import (
    Action,
    Cause,
    Connect,
    Event,
    Failed,
    Ordered,
    PppLink,
    PppUp,
    Probed,
    Reached,
    Report,
    Reroute,
    Resolved,
    State,
    Tell,
    Woke,
)
from agents.exit.phases import Closing, Leaving, Probing, Ready, Waiting
from agents.exit.policy import Policy
from bus.messages.exits import Stage

Decide = Callable[[State, Event, Policy], tuple[State, tuple[Action, ...]]]
Line = tuple[Event, str]

SERVER: Final = "203.0.113.2"
LINK: Final = PppLink("10.201.0.10", 1400)
POLICY: Final = Policy(
    presets=("modern", "compat", "legacy"),
    probe_misses=3,
    probe_patience_s=10,
    steady_s=60,
    backoff_min_s=1,
    backoff_max_s=8,
    permanent_backoff_s=100,
    prepare_s=5,
    connect_s=20,
    dial_s=15,
    leave_s=2,
    linger_s=0.5,
)

REFUSED: Final = Cause("ike: no proposal chosen (offered x)")
SILENT: Final = Cause("ike: no answer from 203.0.113.2")
WRONG_PSK: Final = Cause("ike: wrong pre-shared key?", permanent=True)
WRONG_PASSWORD: Final = Cause("ppp: authentication failed", permanent=True)
GONE: Final = Cause("ppp: ppp0 went down")


def outcome(state: State, actions: Sequence[Action]) -> str:
    """A state and what is wanted, as a line of a story."""
    done = " ".join(_action(one) for one in actions if not isinstance(one, Report))
    return f"{_phase(state)} {state.stage}: {done}".strip()


def _phase(state: State) -> str:
    match state.phase:
        case Waiting(retry_at_s):
            return f"Waiting({retry_at_s:g})"
        case Probing(until_s, misses):
            return f"Probing({until_s:g}, {misses})"
        case Ready(misses):
            return f"Ready({misses})"
        case Leaving(until_s, moved, then):
            words = (f"{until_s:g}", *["moved"] * moved, *["again"] * then.again)
            return f"Leaving({', '.join(words)})"
        case Closing(again=True):
            return "Closing(again)"
        case _ as phase:
            return type(phase).__name__


def _action(action: Action) -> str:
    match action:
        case Connect(_, preset, fresh_ports):
            return f"Connect({preset}, fresh)" if fresh_ports else f"Connect({preset})"
        case Tell():
            took = f" after {action.duration_s:g}"
            cause = f": {action.cause}" if action.cause else ""
            return f"<{action.kind} {action.before}-{action.after}{took}{cause}>"
        case Reroute(detour):
            return f"Reroute({detour})"
        case _:
            return type(action).__name__


def climb(
    at_s: float = 0, preset: str = "modern", *, fresh: bool = False
) -> list[Line]:
    """An attempt that begins at `at_s` and is ready six seconds later."""
    suffix = ", fresh" if fresh else ""
    return [
        (Woke(at_s), "Preparing down: Prepare"),
        (Resolved(at_s + 1, SERVER), f"Connecting down: Connect({preset}{suffix})"),
        (Reached(at_s + 2, Stage.IKE), "Connecting ike: <stage down-ike after 2>"),
        (
            Reached(at_s + 3, Stage.IPSEC),
            "Dialling ipsec: Dial <stage ike-ipsec after 1>",
        ),
        (Reached(at_s + 4, Stage.L2TP), "Dialling l2tp: <stage ipsec-l2tp after 1>"),
        (
            PppUp(at_s + 5, LINK),
            f"Probing({at_s + 15:g}, 0) ppp: Carry <stage l2tp-ppp after 1>",
        ),
        (Probed(at_s + 6, answered=True), "Ready(0) ready: <stage ppp-ready after 1>"),
    ]


def miss(at_s: float) -> Probed:
    """A round that nobody answered."""
    return Probed(at_s, answered=False)


def hit(at_s: float) -> Probed:
    """A round that was answered."""
    return Probed(at_s, answered=True)


def ordered(at_s: float, *, ours: bool, detour: str = "exit-b") -> Ordered:
    """An order; `detour` names an exit, the rules do not mind."""
    return Ordered(at_s, ours, detour)


def refused(at_s: float, left: bool) -> list[Line]:
    """An attempt that begins now, and whose preset the server does not want."""
    phase = "Closing(again)" if left else "Closing"
    tried = "" if left else "; presets tried: modern, compat, legacy"
    told = f"<failed down-down after 0: {REFUSED.text}{tried}>"
    return [(Failed(at_s, REFUSED, refused=True), f"{phase} down: {told} Close")]


def failed(stage: str, after: float, cause: str) -> str:
    """The end of an attempt that was never ready, as a line tells it."""
    return f"Closing down: <failed {stage}-down after {after:g}: {cause}> Close"


def lost(stage: str, after: float, cause: str) -> str:
    """The end of a tunnel that was ready, as a line tells it."""
    return f"Closing down: <lost {stage}-down after {after:g}: {cause}> Close"


CONNECTING: Final = climb()[:2]
DIALLING: Final = climb()[:4]
PROBING: Final = climb()[:6]
