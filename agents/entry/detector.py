"""Is the path through one exit alive? The rules of one path's probes: pure.

Rule 1: one lost probe is no reason, silence is. The first probe that is not answered in
its time is confirmed at once by a burst to all targets; the path is down only when the
whole burst stays unanswered; answers meanwhile from `quorum` targets, also late ones,
call it off.
Rule 2: how long an answer may take follows the path: smoothed round trip plus four
times its deviation, as TCP waits for an acknowledgement (RFC 6298), but not less than
`floor_s`, below which the machine's own hiccups lie, nor than the longest round trip of
late: who has stalled for a moment will stall again.
Rule 3: when we ourselves were held up, others on the same machine were too: what is
silent then is given that much more time, once.

`advance` is asked at `wake_at_s` and says what to send; `answered` takes what comes
back. A probe is known by its number, which grows by one with each.
"""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from agents.entry.path_model import (
    Burst,
    Path,
    Profile,
    Send,
    Sent,
    Target,
)
from agents.round_trip import LONGEST_TIMEOUT_S
from bus.messages.paths import Health

HELD_UP_S: Final = 0.003  # what a timer of a busy loop may well be late by
REMEMBERED: Final = 100  # probes that the loss ratio is taken over
FORGET_S: Final = 10.0  # an answer later than this is nobody's
MUTE: Final = 3  # misses in a row after which a target is asked less often
RETRY_TARGET_S: Final = 10.0


def watch(targets: tuple[str, ...], at_s: float) -> Path:
    """A path of which nothing is known yet; its first probe is due at once."""
    known = tuple(Target(address) for address in targets)
    return Path(known, since_s=at_s, next_s=at_s, peak_at_s=at_s)


def wake_at_s(path: Path) -> float:
    """When `advance` is to be asked next."""
    dues = [one.due_s for one in path.open.values() if not one.missed]
    if path.burst is not None and path.burst.left:
        dues.append(path.burst.next_s)
    return min((path.next_s, *dues))


def advance(path: Path, at_s: float, profile: Profile) -> tuple[Path, tuple[Send, ...]]:
    """The path at this moment, and the probes to send."""
    path = _spare(path, at_s, at_s - wake_at_s(path))
    path = _judge(_expire(path, at_s, profile), at_s)
    path, confirming = _confirm(path, at_s, profile)
    path, beat = _beat(path, at_s, profile)
    return path, confirming + beat


def answered(
    path: Path, number: int, rtt_s: float, at_s: float, profile: Profile
) -> Path:
    """The path after an answer; the same if nobody waits for it any more."""
    sent = path.open.get(number)
    if sent is None:
        return path
    left = {n: one for n, one in path.open.items() if n != number}
    path = _timed(replace(path, open=MappingProxyType(left)), rtt_s, at_s, profile)
    path = _target(path, sent.target, lambda one: replace(one, misses=0))
    if not sent.burst:
        path = _count(path, number, lost=False)
    burst = path.burst
    if burst is not None:
        burst = replace(burst, answered=burst.answered | {sent.target})
        settled = len(burst.answered) >= _quorum(path, profile)
        path = replace(path, burst=None if settled else burst)
    return _risen(path, sent.target, at_s, profile)


# --- what time does -------------------------------------------------------------------


def _spare(path: Path, at_s: float, late_s: float) -> Path:
    """More time for what is silent, if we come late; never twice for the same probe.

    From now on, at least: an answer may be there that we have not been told of yet.
    """
    if late_s <= HELD_UP_S:
        return path
    more_s = min(late_s, LONGEST_TIMEOUT_S)
    spared = {
        number: one
        if one.missed or one.spared
        else replace(one, due_s=max(one.due_s, at_s) + more_s, spared=True)
        for number, one in path.open.items()
    }
    return replace(path, open=MappingProxyType(spared))


def _expire(path: Path, at_s: float, profile: Profile) -> Path:
    """Probes whose time is over are missed; the first one calls for a burst."""
    if all(one.missed or one.due_s > at_s for one in path.open.values()):
        return path
    still: dict[int, Sent] = {}
    for number, one in path.open.items():
        if one.missed or one.due_s > at_s:
            if at_s - one.sent_s < FORGET_S:
                still[number] = one
            continue
        still[number] = replace(one, missed=True)
        path = _target(path, one.target, _missed)
        if one.burst:
            continue
        path = _count(path, number, lost=True)
        if path.health is Health.DOWN:
            path = replace(path, streak=0, heard=frozenset())
        elif path.burst is None:
            path = replace(path, burst=Burst(profile.burst, at_s))
    return _graded(replace(path, open=MappingProxyType(still)), at_s, profile)


def _judge(path: Path, at_s: float) -> Path:
    """The path is down once the whole burst was in vain; too few answers are none."""
    burst = path.burst
    if burst is None or burst.left:
        return path
    if any(one.burst and not one.missed for one in path.open.values()):
        return path
    down = replace(path, burst=None, health=Health.DOWN, since_s=at_s)
    return replace(down, streak=0, heard=frozenset())


def _confirm(
    path: Path, at_s: float, profile: Profile
) -> tuple[Path, tuple[Send, ...]]:
    burst = path.burst
    if burst is None or not burst.left or at_s < burst.next_s:
        return path, ()
    target = path.targets[burst.left % len(path.targets)].address
    burst = replace(burst, left=burst.left - 1, next_s=at_s + profile.spacing_s)
    return _send(replace(path, burst=burst), target, at_s, profile, burst=True)


def _beat(path: Path, at_s: float, profile: Profile) -> tuple[Path, tuple[Send, ...]]:
    if at_s < path.next_s:
        return path, ()
    # A beat that came late is not made up for.
    next_s = path.next_s + profile.interval_s
    path = replace(path, next_s=next_s if next_s > at_s else at_s + profile.interval_s)
    return _send(path, _next_target(path, at_s), at_s, profile)


def _next_target(path: Path, at_s: float) -> str:
    """Whom to ask: the one not asked for longest, mute ones only now and then."""
    wanted = [
        one
        for one in path.targets
        if one.misses < MUTE or at_s - one.asked_s >= RETRY_TARGET_S
    ]
    return min(wanted or path.targets, key=lambda one: one.asked_s).address


def _send(
    path: Path, target: str, at_s: float, profile: Profile, *, burst: bool = False
) -> tuple[Path, tuple[Send, ...]]:
    number = path.number + 1
    sent = Sent(target, at_s, at_s + path.timeout_s(profile), burst)
    waiting = MappingProxyType({**path.open, number: sent})
    path = _target(path, target, lambda one: replace(one, asked_s=at_s))
    return replace(path, number=number, open=waiting), (Send(number, target),)


# --- what answers and misses do -------------------------------------------------------


def _quorum(path: Path, profile: Profile) -> int:
    return min(profile.quorum, len(path.targets))


def _missed(target: Target) -> Target:
    return replace(target, misses=target.misses + 1)


def _target(path: Path, address: str, change: Callable[[Target], Target]) -> Path:
    targets = tuple(change(t) if t.address == address else t for t in path.targets)
    return replace(path, targets=targets)


def _timed(path: Path, rtt_s: float, at_s: float, profile: Profile) -> Path:
    """The path with one more round trip."""
    faded_s = path.peak_s * 0.5 ** ((at_s - path.peak_at_s) / profile.calms_s)
    return replace(
        path,
        round_trip=path.round_trip.after(rtt_s),
        peak_s=max(faded_s, rtt_s),
        peak_at_s=at_s,
    )


def _count(path: Path, number: int, *, lost: bool) -> Path:
    """The probe's fate among those remembered; what came late was not lost."""
    others = path.rounds
    if any(one[0] == number for one in others):
        others = tuple(one for one in others if one[0] != number)
    return replace(path, rounds=(*others, (number, lost))[-REMEMBERED:])


def _risen(path: Path, target: str, at_s: float, profile: Profile) -> Path:
    """What an answer from a target means for the health."""
    if path.health is Health.UNKNOWN:
        return replace(path, health=Health.UP, since_s=at_s)
    if path.health is not Health.DOWN:
        return _graded(path, at_s, profile)
    heard = path.heard | {target}
    streak = path.streak + 1
    if streak >= profile.recover and len(heard) >= _quorum(path, profile):
        return replace(path, health=Health.UP, since_s=at_s, rounds=())
    return replace(path, streak=streak, heard=heard)


def _graded(path: Path, at_s: float, profile: Profile) -> Path:
    """UP or DEGRADED by the thresholds, with half of each as the way back."""
    if path.health not in (Health.UP, Health.DEGRADED):
        return path
    share = 1.0 if path.health is Health.UP else 0.5
    enough = len(path.rounds) == REMEMBERED or path.health is Health.DEGRADED
    lossy = enough and (path.loss_ratio or 0.0) >= share * profile.loss_ratio
    slow = (
        enough and (path.round_trip.smoothed_s or 0.0) * 1e3 >= share * profile.rtt_ms
    )
    health = Health.DEGRADED if lossy or slow else Health.UP
    if health is path.health:
        return path
    return replace(path, health=health, since_s=at_s)
