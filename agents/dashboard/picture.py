"""What the page shows: the latest of everything, and which of it is new.

Whatever is on the bus is kept as plain data under the name of its topic, and with it
where each entry's clients leave; what else it means to a person is the page's business.
A state that is only said again changes nothing.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from agents.dashboard.series import Track
from bus.egress import Evidence, away, carries, egress
from bus.interface import BusDown, BusUp, Forgotten, Heard, Received
from bus.messages.containers import ContainerEvent
from bus.messages.entries import EntryEvent
from bus.messages.exits import ExitEvent, ExitReport
from bus.messages.orders import Decision
from bus.messages.paths import Health, PathReport
from bus.messages.stamp import Stamp
from bus.topics import ENTRY_STATE, EXIT_STATE, PATH_STATE, Topic

EVENT: Final = (ContainerEvent, Decision, EntryEvent, ExitEvent)
EVENTS: Final = 300  # remembered; a page is sent as many when it comes
GONE: Final = 300  # what was taken back is remembered, for pages that still show it
# What stands here besides topics: whether the bus is there and whether clients get out,
# and egress of each entry.
BUS: Final = "bus"
CARRIES: Final = "carries"
EGRESS: Final = "egress/"
STAMPED: Final = frozenset(field.name for field in fields(Stamp))
STEERING: Final = (BUS, CARRIES, EGRESS, "coordinator/")

Data = dict[str, Any]


class Picture:
    """The chain as it was heard, in revisions: each change makes a new one.

    Attributes:
        revision: Grows by one with each change.
        urgent: Something happened since the last `calm` that nobody wants to wait for.
        tracks: What was measured over time; keys: exits.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.urgent = False
        self.tracks: dict[str, Track] = {}
        self._states: dict[str, tuple[int, Data]] = {}
        self._gone: dict[str, int] = {}  # the oldest first; values: revisions
        self._complete = 0  # the oldest revision since which everything is known
        self._events: deque[tuple[int, Data]] = deque(maxlen=EVENTS)
        self._evidence = Evidence()

    def take(self, heard: Heard, plain: Data, at: float) -> None:
        """Folds one thing in.

        `plain`: its payload as data, empty if it has none; `at`: Unix seconds.
        """
        match heard:
            case BusUp():
                self._set(BUS, {"connected": True})
            case BusDown():
                self._set(BUS, {"connected": False})
            case Forgotten(topic, levels):
                self._drop(topic.name(**levels))
                self._judge(topic, levels, None)
                self._untrack(topic, levels)
            case Received(topic, levels, payload):
                name = topic.name(**levels)
                if isinstance(payload, Stamp):
                    self._set(name, _unstamped(plain))
                    self._judge(topic, levels, payload)
                    self._measure(levels, payload, at)
                elif isinstance(payload, EVENT):
                    self._happened(name, plain)

    def since(self, revision: int) -> Data:
        """What is new since a revision, as a page wants it.

        0: everything; so too if it is too long ago, and then it replaces (`reset`) what
        the page has.
        """
        reset = revision < self._complete
        known = 0 if reset else revision
        gone = [name for name, born in self._gone.items() if born > known > 0]
        new = {
            name: value for name, (born, value) in self._states.items() if born > known
        }
        return {
            "revision": self.revision,
            "reset": reset,
            "states": {**dict.fromkeys(gone), **new},
            "events": [event for born, event in self._events if born > known],
        }

    def calm(self) -> None:
        """What was urgent has been shown."""
        self.urgent = False

    def _set(self, name: str, value: Data) -> None:
        _, known = self._states.get(name, (0, None))
        if known == value:
            return
        self._gone.pop(name, None)
        self.revision += 1
        self._states[name] = (self.revision, value)
        self._hurry(name, known, value)

    def _drop(self, name: str) -> None:
        """It was taken back. Who has not heard so for long is sent all anew."""
        _, known = self._states.pop(name, (0, None))
        if known is None:
            return
        self.revision += 1
        self._gone[name] = self.revision
        while len(self._gone) > GONE:
            self._complete = self._gone.pop(next(iter(self._gone)))
        self._hurry(name, known, None)

    def _hurry(self, name: str, known: Data | None, value: Data | None) -> None:
        steering = name.startswith(STEERING)
        self.urgent = self.urgent or steering or _stage(known) != _stage(value)

    def _judge(
        self, topic: Topic[Any], levels: Mapping[str, str], payload: Stamp | None
    ) -> None:
        """Where clients leave, after this was said; None: it was taken back."""
        if not self._evidence.take(topic, levels, payload):
            return
        if topic is ENTRY_STATE and payload is None:
            self._drop(f"{EGRESS}{levels['entry']}")
        for entry in self._evidence.entries:
            way = egress(entry, self._evidence)
            gone = away(entry, self._evidence)
            told = {"exit": way.exit, "held": way.held, "away": gone}
            self._set(f"{EGRESS}{entry}", told)
        self._set(CARRIES, {"yes": carries(self._evidence)})

    def _happened(self, name: str, plain: Data) -> None:
        self.revision += 1
        self.urgent = True
        self._events.append((self.revision, {"topic": name, **plain}))

    def _measure(self, levels: Mapping[str, str], payload: Stamp, at: float) -> None:
        match payload:
            case PathReport(health=Health.DOWN):
                self.tracks.setdefault(levels["exit"], Track()).silent(at)
            case PathReport(rtt_ms=rtt_ms, loss_ratio=loss_ratio):
                track = self.tracks.setdefault(levels["exit"], Track())
                track.measured(at, rtt_ms=rtt_ms, loss_ratio=loss_ratio)
            case ExitReport(received_bytes=received, sent_bytes=sent):
                track = self.tracks.setdefault(levels["exit"], Track())
                track.counted(at, received, sent)
            case _:
                pass

    def _untrack(self, topic: Topic[Any], levels: Mapping[str, str]) -> None:
        """Nobody says anything of an exit any more: what was measured goes, too."""
        if topic is not EXIT_STATE and topic is not PATH_STATE:
            return
        name, said = levels["exit"], self._evidence
        paths = (path.rpartition("/")[2] for path in said.paths)
        if name not in said.exits and name not in paths:
            self.tracks.pop(name, None)


def _unstamped(plain: Data) -> Data:
    return {key: value for key, value in plain.items() if key not in STAMPED}


def _stage(value: Data | None) -> object:
    """What of a state makes it urgent: how something is, not how much of it."""
    if value is None:
        return None
    keys = ("stage", "health", "gate", "active", "status", "connected", "leak")
    return tuple(value.get(key) for key in keys)
