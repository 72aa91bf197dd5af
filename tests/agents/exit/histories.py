"""Long histories of an exit, and what must hold in every one of them.

A history is a list of moves. Most of them fit what the exit is busy with, so that it
gets far; the others come at any time, as late or wrong words of a daemon do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from types import ModuleType
from typing import Final

from hypothesis import strategies as st

from agents.exit.model import (
    Action,
    Carry,
    Cause,
    Close,
    Closed,
    Connect,
    Dial,
    Event,
    Failed,
    IpsecDown,
    Ordered,
    PppLink,
    PppUp,
    Prepare,
    Probed,
    Reached,
    ReconnectAsked,
    Report,
    Reroute,
    Resolved,
    State,
    StopAsked,
    Tell,
    Unheard,
    Woke,
)
from agents.exit.phases import (
    Closing,
    Connecting,
    Dialling,
    Leaving,
    Preparing,
    Probing,
    Ready,
    Waiting,
)
from bus.messages.exits import Stage
from tests.agents.exit import story
from tests.agents.exit.courtesy import Courtesy
from tests.agents.exit.story import GONE, REFUSED, SILENT, WRONG_PASSWORD


@dataclass(frozen=True)
class Moment:
    """When a move is made, in which state, and what chance adds to it."""

    at_s: float
    state: State
    due_s: float | None
    chance: float


_DETOURS: Final = ("", "172.20.0.12")

MOVES: Final[Mapping[str, Callable[[Moment], Event]]] = {
    "onwards": lambda now: _onwards(now.state, now.at_s, now.chance),
    "wake": lambda now: Woke(max(now.at_s, now.due_s or 0)),
    "fail": lambda now: Failed(now.at_s, SILENT, vague=now.chance > 0.5),
    "fail for good": lambda now: Failed(now.at_s, WRONG_PASSWORD),
    "refuse": lambda now: Failed(
        now.at_s, REFUSED, refused=isinstance(now.state.phase, Connecting)
    ),
    "miss": lambda now: Probed(now.at_s, answered=False, loss_ratio=now.chance),
    "hit": lambda now: Probed(now.at_s, answered=True, rtt_ms=now.chance),
    "end abruptly": lambda now: Closed(now.at_s, clean=False, jitter=now.chance),
    "late end": lambda now: Closed(now.at_s, clean=True, jitter=now.chance, cause=GONE),
    "reconnect": lambda now: ReconnectAsked(now.at_s),
    "late link": lambda now: PppUp(now.at_s, PppLink("10.0.0.9", 1400)),
    "late stage": lambda now: Reached(
        now.at_s, Stage.IPSEC if now.chance > 0.5 else Stage.L2TP
    ),
    "late address": lambda now: Resolved(now.at_s, "203.0.113.9"),
    "ours": lambda now: Ordered(now.at_s, ours=True, detour=_DETOURS[now.chance > 0.2]),
    "another's": lambda now: Ordered(
        now.at_s, ours=False, detour=_DETOURS[now.chance > 0.2]
    ),
    "bus away": lambda now: Unheard(now.at_s),
    "stop": lambda now: StopAsked(now.at_s),
    "ipsec gone": lambda now: IpsecDown(now.at_s),
}
_WEIGHTED: Final = (
    *("onwards",) * 8,
    *("miss",) * 4,
    *("ours",) * 2,
    *("wake", "refuse") * 2,
    *MOVES,
)

_PASSED_S: Final = (0.0, 0.25, 1.0, 9.9)

Moves = Sequence[tuple[str, float, float]]
moves = st.lists(
    st.tuples(st.sampled_from(_WEIGHTED), st.sampled_from(_PASSED_S), st.floats(0, 1)),
    min_size=30,
    max_size=80,
)


def random_history(chance: Random) -> Moves:
    """A long history, quickly."""
    return [
        (chance.choice(_WEIGHTED), chance.choice(_PASSED_S), chance.random())
        for _ in range(100)
    ]


# Tight limits, so that short histories reach them.
POLICY: Final = replace(story.POLICY, probe_misses=2, backoff_max_s=2)


def _onwards(state: State, at_s: float, jitter: float) -> Event:
    """What the exit waits for."""
    match state.phase:
        case Waiting(retry_at_s):
            return Woke(max(at_s, retry_at_s))
        case Preparing():
            return Resolved(at_s, "203.0.113.2")
        case Connecting():
            ike = state.stage is Stage.DOWN and jitter > 0.5
            return Reached(at_s, Stage.IKE if ike else Stage.IPSEC)
        case Dialling():
            l2tp = state.stage is Stage.IPSEC and jitter > 0.5
            link = PppUp(at_s, PppLink("10.0.0.1", 1400))
            return Reached(at_s, Stage.L2TP) if l2tp else link
        case Probing() | Ready():
            return Probed(at_s, answered=True, rtt_ms=jitter)
        case Leaving() | Closing():
            return _away(state, at_s, jitter)


def _away(state: State, at_s: float, chance: float) -> Event:
    """What an exit waits for that lets go."""
    if isinstance(state.phase, Leaving):
        return Ordered(at_s, ours=False, detour=_DETOURS[chance > 0.5])
    return Closed(at_s, clean=chance < 0.7, jitter=chance)


@dataclass
class World:
    """What is true outside, as far as the exit's own orders made it so."""

    open: bool = False  # an attempt has begun and is not cleaned up yet
    closing: bool = False  # its clean-up has begun
    link: bool = False  # ppp0 is up
    answered: bool = False  # and a probe was answered since
    ike: bool = False
    tried: list[str] = field(default_factory=list)  # presets since the last pause
    unclean: bool = False  # the last attempt with IKE ended without the server knowing

    def before(self, event: Event, state: State) -> None:
        """The event happens to the world first."""
        match event:
            case ReconnectAsked():
                self.tried.clear()
            case StopAsked() if isinstance(state.phase, Probing | Ready):
                self.tried.clear()
            case Closed(_, clean) if self.closing:
                self.unclean = self.unclean if not self.ike else not clean
                self.open = self.closing = self.link = self.answered = self.ike = False
            case PppUp() if isinstance(state.phase, Dialling):
                self.link = True
            case Probed(_, answered) if self.link and answered:
                self.answered = True
            case Reached(_, Stage.IKE | Stage.IPSEC):
                self.ike = self.ike or isinstance(state.phase, Connecting)
            case _:
                pass

    def after(self, actions: Sequence[Action]) -> None:
        """The exit's orders are carried out."""
        for action in actions:
            match action:
                case Prepare():
                    assert not self.open, "one attempt at a time"
                    self.open = True
                case Connect(_, preset, fresh_ports):
                    self._runs()
                    assert preset in POLICY.presets, "only allowed presets"
                    assert preset not in self.tried, "no preset twice in a round"
                    self.tried.append(preset)
                    assert fresh_ports or not self.unclean, "fresh ports when unclean"
                    self.unclean = False
                case Dial() | Carry():
                    self._runs()
                case Close():
                    assert self.open, "only what was begun is closed"
                    assert not self.closing, "closed once"
                    self.closing, self.link, self.answered = True, False, False
                case Reroute() | Report() | Tell():
                    pass

    def _runs(self) -> None:
        assert self.open, "steps belong to an attempt"
        assert not self.closing, "no step during the clean-up"


def play(rules: ModuleType, history: Moves, *, left: bool = False) -> None:
    """Plays a history by these rules; AssertionError says what did not hold.

    `left`: it begins with the tunnel of a predecessor.
    """
    decide: Callable[..., tuple[State, tuple[Action, ...]]] = rules.decide
    at_s, world, courtesy = 0.0, World(open=left), Courtesy(POLICY)
    state: State = rules.first(POLICY, left=left, at_s=0.0)
    courtesy.leaving_s = 0.0 if left else None
    for move, passed_s, chance in history:
        now = Moment(at_s + passed_s, state, rules.wake_at_s(state), chance)
        event = MOVES[move](now)
        at_s = event.at_s
        world.before(event, state)
        courtesy.before(event)
        after, actions = decide(state, event, POLICY)
        world.after(actions)
        courtesy.judge(state, event, after, actions)
        _judge(rules, world, state, event, after, actions)
        _repeat(decide, event, after)
        state = after


def _judge(
    rules: ModuleType,
    world: World,
    state: State,
    event: Event,
    after: State,
    actions: Sequence[Action],
) -> None:
    phase = after.phase
    if after.stage is Stage.READY:
        assert world.link, "ready only over a link"
        assert world.answered, "ready only once answered"
        assert isinstance(phase, Ready), "stage and phase agree"
    if isinstance(phase, Waiting):
        assert not world.open, "a pause only over nothing"
        if isinstance(state.phase, Closing):
            _pause(phase.retry_at_s - event.at_s, after.cause)
            world.tried.clear()
    if not isinstance(phase, Ready | Closing):
        due = rules.wake_at_s(after)
        assert due is not None, "whoever waits is woken"
        woken, _ = rules.decide(after, Woke(due), POLICY)
        assert woken.phase != phase, "being woken in time leads on"
    if isinstance(phase, Ready):
        assert phase.misses < POLICY.probe_misses, "not ready without answers"
    assert (after.link is not None) == isinstance(phase, Probing | Ready)
    told = [one for one in actions if isinstance(one, Tell)]
    assert (after.stage != state.stage) <= bool(told), "each change of stage is told"
    visible = (after.stage, after.cause, after.attempt, after.link)
    if visible != (state.stage, state.cause, state.attempt, state.link):
        assert Report() in actions, "each change is reported"


def _pause(pause_s: float, cause: Cause | None) -> None:
    assert cause is not None, "a pause has a cause"
    least_s, most_s = POLICY.backoff_min_s / 2, POLICY.backoff_max_s
    if cause.permanent:
        least_s, most_s = POLICY.permanent_backoff_s / 2, POLICY.permanent_backoff_s
    assert least_s <= pause_s + 1e-6, "the pause is long enough"
    assert pause_s <= most_s + 1e-6, "the pause is no longer than allowed"


def _repeat(
    decide: Callable[..., tuple[State, tuple[Action, ...]]], event: Event, after: State
) -> None:
    """The same fact once more says nothing; only rounds of probes count."""
    if isinstance(event, Probed):
        return
    again, actions = decide(after, event, POLICY)
    assert actions == (), "the same fact says nothing twice"
    assert again.stage == after.stage, "the same fact changes nothing twice"
