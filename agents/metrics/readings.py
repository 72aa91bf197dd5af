"""From what is said on the bus to samples.

What was taken back is gone from here too: a removed exit leaves no series behind. What
is counted (moves, outages) is counted from this agent's start on.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from agents.metrics import families as f
from agents.metrics.families import Family, Histogram, Sample
from bus.egress import Evidence, away, carries, exits_in_use
from bus.interface import BusDown, BusUp, Forgotten, Heard, Received
from bus.messages.entries import EntryEvent, EntryReport, PeerReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Decision, DecisionKind, Gate
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.messages.stamp import Stamp
from bus.messages.telemetry import Telemetry
from bus.topics import Topic

# From a failover that nobody notices to one that a person tells others of.
BOUNDS_S: Final = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
MOVES: Final = frozenset(
    {
        *(DecisionKind.FAILOVER, DecisionKind.FAILBACK, DecisionKind.EXHAUSTED),
        *(DecisionKind.RESUMED, DecisionKind.MOVED),
    }
)

Key = tuple[str, ...]


@dataclass(slots=True)
class Readings:
    """The latest of everything that is measured.

    Attributes:
        peers: How many peers have series; the rest is left out.
        connected: The broker is there.
    """

    peers: int
    connected: bool = False
    _states: dict[str, tuple[Mapping[str, str], Stamp]] = field(default_factory=dict)
    _evidence: Evidence = field(default_factory=Evidence)
    _moves: Counter[str] = field(default_factory=Counter)
    _outages: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    _outage_s: float = 0.0

    def take(self, heard: Heard) -> None:
        """Folds one thing in."""
        match heard:
            case BusUp():
                self.connected = True
            case BusDown():
                self.connected = False
            case Forgotten(topic, levels):
                self._states.pop(topic.name(**levels), None)
                self._evidence.take(topic, levels, None)
            case Received(topic, levels, payload):
                self._received(topic, levels, payload)

    def _received(
        self, topic: Topic[object], levels: Mapping[str, str], payload: object
    ) -> None:
        match payload:
            case Stamp():
                self._states[topic.name(**levels)] = (levels, payload)
                self._evidence.take(topic, levels, payload)
            case Decision(kind=kind) if kind in MOVES:
                self._moves[kind] += 1
            case EntryEvent(outage_ms=float(outage_ms)):
                self._outages[bisect_left(BOUNDS_S, outage_ms / 1e3)] += 1
                self._outage_s += outage_ms / 1e3
            case _:
                pass

    @property
    def carrying(self) -> bool:
        """The broker is there, and clients get out, as `bus.egress` judges it."""
        return self.connected and carries(self._evidence)

    def samples(self) -> Iterator[Sample]:
        """Every value that there is now."""
        yield from self._chain()
        active, left = exits_in_use(self._evidence), self.peers
        for levels, state in list(self._states.values()):
            match state:
                case Presence():
                    key = (levels["agent"], state.role)
                    yield Sample(f.AGENT_UP, key, float(state.status is Status.ONLINE))
                case Telemetry():
                    yield from _telemetry((levels["agent"],), state)
                case ExitReport():
                    name = levels["exit"]
                    gone = bool(away(name, self._evidence))
                    yield from _exit(name, state, active=name in active, gone=gone)
                case PathReport():
                    yield from _path((levels["entry"], levels["exit"]), state)
                case EntryReport():
                    yield from _entry((levels["entry"],), state)
                case PeerReport() if left:
                    left -= 1
                    yield from _peer((levels["entry"], levels["peer"]), state)
                case _:
                    pass

    def _chain(self) -> Iterator[Sample]:
        yield Sample(f.BROKER_UP, (), float(self.connected))
        yield from (Sample(f.MOVES, (kind,), self._moves[kind]) for kind in MOVES)
        if self.connected:  # else nobody knows
            yield Sample(f.EGRESS_UP, (), float(self.carrying))

    def outages(self) -> Histogram:
        """Every outage that an entry told of."""
        sums, below = [], 0
        for number in self._outages:
            below += number
            sums.append(below)
        return Histogram(f.OUTAGE, BOUNDS_S, tuple(sums[:-1]), sums[-1], self._outage_s)


def _some(family: Family, key: Key, value: float | None) -> Iterator[Sample]:
    if value is not None:
        yield Sample(family, key, value)


def _telemetry(key: Key, said: Telemetry) -> Iterator[Sample]:
    yield Sample(f.AGENT_MEMORY, key, said.memory_bytes)
    yield Sample(f.AGENT_CPU, key, said.cpu_s)
    yield Sample(f.AGENT_FILES, key, said.open_files)
    yield Sample(f.AGENT_TASKS, key, said.tasks)
    yield Sample(f.BUS_QUEUED, key, said.queued)
    yield Sample(f.BUS_DROPPED, key, said.dropped)
    yield Sample(f.BUS_MALFORMED, key, said.malformed)


def _exit(name: str, said: ExitReport, *, active: bool, gone: bool) -> Iterator[Sample]:
    # The last word of an agent that is gone stands on the bus, but vouches for nothing.
    ready = said.stage is Stage.READY and not gone
    for stage in Stage:
        yield Sample(f.EXIT_STAGE, (name, stage), float(stage is said.stage))
    yield Sample(f.EXIT_READY, (name,), float(ready))
    yield Sample(f.EXIT_ACTIVE, (name,), float(active))
    yield from _some(f.EXIT_RECEIVED, (name,), said.received_bytes)
    yield from _some(f.EXIT_SENT, (name,), said.sent_bytes)


def _path(key: Key, said: PathReport) -> Iterator[Sample]:
    up = said.health in (Health.UP, Health.DEGRADED)
    yield Sample(f.PATH_UP, key, float(up))
    yield from _some(f.PATH_LOSS, key, said.loss_ratio)
    if said.health is Health.DOWN:
        return  # its round trip is that of the last answer
    if said.rtt_ms is not None:
        yield Sample(f.PATH_RTT, key, said.rtt_ms / 1e3)
    if said.jitter_ms is not None:
        yield Sample(f.PATH_JITTER, key, said.jitter_ms / 1e3)


def _entry(key: Key, said: EntryReport) -> Iterator[Sample]:
    yield Sample(f.GATE_OPEN, key, float(said.gate is Gate.OPEN))
    yield Sample(f.LEAK, key, float(bool(said.leak)))


def _peer(key: Key, said: PeerReport) -> Iterator[Sample]:
    yield Sample(f.PEER_UP, key, float(said.connected))
    yield from _some(f.PEER_HANDSHAKE, key, said.handshake_at)
    yield Sample(f.PEER_RECEIVED, key, said.received_bytes)
    yield Sample(f.PEER_SENT, key, said.sent_bytes)
