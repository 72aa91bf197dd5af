"""What the next attempt does differently from the one that failed: values only."""

from dataclasses import replace
from typing import Final

from agents.exit.model import Cause, Closed, State
from agents.exit.phases import Connecting
from agents.exit.policy import Policy
from bus.messages.exits import Stage

_MOST_DOUBLINGS: Final = 16  # beyond any setting, and far from an overflow


def unheard(state: State, cause: Cause) -> bool:
    """Nothing came of the key exchange, and it may be the ports or the proposals."""
    connecting = isinstance(state.phase, Connecting) and state.stage is Stage.DOWN
    return connecting and not cause.permanent


def doubted(state: State, cause: Cause) -> Cause:
    """The cause, believed permanent only if no stale session can be behind it.

    A server that still holds the session of a life that ended abruptly answers as if
    the PSK were wrong: from fresh ports it tells the truth.
    """
    known = state.fresh_ports or (state.cause is not None and state.cause.permanent)
    if known or not unheard(state, replace(cause, permanent=False)):
        return cause
    return replace(cause, permanent=False)


def fresh(state: State, event: Closed) -> bool:
    """Leave by other ports next: the server may keep what it saw no end of."""
    return not event.clean if Stage.IKE in state.took_s else state.fresh_ports


def round_of(policy: Policy, head: str) -> tuple[str, ...]:
    """All presets, best first, but `head` before all others if it is one of them."""
    others = tuple(name for name in policy.presets if name != head)
    return others if len(others) == len(policy.presets) else (head, *others)


def next_round(state: State, cause: Cause, policy: Policy) -> tuple[str, ...]:
    """Begin with what was not refused; a preset met by silence gives way to the next.

    Some servers answer nothing at all to a proposal that they do not like. The preset
    that worked once is not given up so easily: the server may just be away.
    """
    head = state.presets[0]
    if unheard(state, cause) and head != state.accepted:
        position = policy.presets.index(head) + 1
        head = policy.presets[position % len(policy.presets)]
    return round_of(policy, head)


def pause_s(state: State, jitter: float, policy: Policy) -> float:
    """How long to wait before the next attempt: half of it fixed, half by chance."""
    doublings = min(state.failures - 1, _MOST_DOUBLINGS)
    pause_s = min(policy.backoff_max_s, policy.backoff_min_s * 2.0**doublings)
    if state.cause is not None and state.cause.permanent:
        pause_s = max(policy.backoff_max_s, policy.permanent_backoff_s)
    return pause_s * (1 + jitter) / 2
