"""A small world around the coordinator: everything that may happen to it.

Exits live, die and report, the bus breaks and returns with what it retains, the
coordinator restarts, the entry obeys. After each event the judge has its say.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agents.coordinator.decide import decide
from agents.coordinator.events import (
    Action,
    Answer,
    Asked,
    BusConnected,
    BusLost,
    EntryReported,
    Event,
    ExitReported,
    ModeHeard,
    OrderHeard,
    PathReported,
    PresenceSaid,
    SayDecision,
    SayMode,
    SayOrder,
    Tick,
)
from agents.coordinator.model import Policy, State
from bus.commands import Mode, Request
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from tests.agents.coordinator.judge import Judge, ViolationError
from tests.agents.coordinator.words import address_of

Decide = Callable[[State, Event, Policy], tuple[State, tuple[Action, ...]]]

REPORT_EVERY_S: Final = 5.0
NOTHING_YET: Final = Order(epoch=0, gate=Gate.CLOSED)


@dataclass
class Sim:
    """The agent of one exit; `stage` is what it said in this life."""

    boot: int = 0
    seq: int = 0
    running: bool = False
    stage: Stage | None = None
    retained: ExitReport | None = field(default=None)


@dataclass
class EntrySim:
    """The entry's agent; `astray`: where it went by itself."""

    boot: int = 0
    seq: int = 0
    running: bool = False
    astray: str | None = None
    retained: dict[str, PathReport] = field(default_factory=dict)


class World:
    def __init__(
        self, names: tuple[str, ...], policy: Policy, rules: Decide = decide
    ) -> None:
        self.rules = rules
        self.policy = policy
        self.at_s = 100.0
        self.linked = False
        self.state = State()
        self.judge = Judge(policy)
        self.sims = {name: Sim() for name in names}
        self.retained: Order | None = None
        self.retained_mode: Mode | None = None
        self.entry = EntrySim()
        self.obeyed = NOTHING_YET
        self.heard = 0

    def branch(self) -> "World":
        """A copy that goes its own way."""
        other = copy.copy(self)
        other.sims = {name: copy.copy(sim) for name, sim in self.sims.items()}
        other.judge = self.judge.branch()
        other.entry = copy.copy(self.entry)
        other.entry.retained = dict(self.entry.retained)
        return other

    def same_as(self, other: "World") -> bool:
        """Whether nothing has happened between the two."""
        mine = (self.heard, self.at_s, self.sims, self.entry)
        return mine == (other.heard, other.at_s, other.sims, other.entry)

    # --- exits ------------------------------------------------------------------------

    def starts(self, name: str) -> None:
        sim = self.sims[name]
        if not sim.running:
            sim.boot, sim.running, sim.stage = sim.boot + 1, True, None
            self._say_presence(name)

    def crashes(self, name: str) -> None:
        if self.sims[name].running:
            self.sims[name].running = False
            self._say_presence(name)

    def reports(self, name: str, stage: Stage) -> None:
        sim = self.sims[name]
        if sim.running:
            sim.stage, sim.seq = stage, sim.seq + 1
            sim.retained = ExitReport(
                stage=stage,
                since=0.0,
                address=address_of(name),
                boot=str(sim.boot),
                seq=sim.seq,
            )
            self._say_report(name)

    def leaves_the_bus_for_a_moment(self, name: str) -> None:
        """Its link breaks: will, birth, and the same report again."""
        sim = self.sims[name]
        if sim.running and self.linked:
            sim.running = False
            self._say_presence(name)
            sim.running = True
            self._say_presence(name)
            self._say_report(name)

    # --- time -------------------------------------------------------------------------

    def passes(self, seconds: float, *, talking: bool = True) -> None:
        """Time goes by; running exits say again what they are, unless not `talking`."""
        end_s = self.at_s + seconds
        talk_s = self.at_s + REPORT_EVERY_S
        while self.at_s < end_s:
            wake_s = self.state.wake_at_s
            self.at_s = min(end_s, talk_s, end_s if wake_s is None else wake_s)
            if talking and self.at_s >= talk_s:
                for name, sim in self.sims.items():
                    if sim.stage is not None:
                        self.reports(name, sim.stage)
                for name, report in self.entry.retained.items():
                    self.measures(name, report.health)
            if self.at_s >= talk_s:
                talk_s += REPORT_EVERY_S
            if self.at_s == wake_s or not self.linked:
                self._hear(Tick(self.at_s))

    # --- the bus, the coordinator, the entry ------------------------------------------

    def bus_breaks(self) -> None:
        if self.linked:
            self.linked = False
            self._hear(BusLost(self.at_s))

    def bus_returns(self) -> None:
        if not self.linked:
            self._connect()

    def coordinator_restarts(self) -> None:
        self.state, self.judge = State(), Judge(self.policy)
        if self.linked:
            self._connect()

    def broker_forgets_all_and_coordinator_restarts(self) -> None:
        """All connect anew: the exits say their present, the entry what it obeys."""
        self.retained, self.state, self.judge = None, State(), Judge(self.policy)
        self.retained_mode = None
        self.linked = True
        if not self.entry.running:
            self.entry.retained.clear()
        for sim in self.sims.values():
            if not sim.running:
                sim.retained = None
        self._hear(BusConnected(self.at_s))
        for name, sim in self.sims.items():
            if sim.running:
                self._say_presence(name)
                self._say_report(name)
        if self.entry.running:
            self._say_presence("entry")
            self.entry_reports()
            for name in self.entry.retained:
                self._say_path(name)

    def entry_reports(self) -> None:
        if self.linked:
            said, astray = self.obeyed, self.entry.astray
            report = EntryReport(
                epoch=said.epoch,
                gate=said.gate,
                active=astray or said.active,
                walked=astray is not None,
            )
            self._hear(EntryReported(self.at_s, "entry", report))

    def somebody_asks(self, verb: str, name: str = "") -> None:
        if self.linked:
            request = Request(transaction="t", exit=name)
            self._hear(Asked(self.at_s, verb, request))

    def _retain(self, action: Action) -> None:
        match action:
            case SayOrder(order):
                self.retained = order
                if order.epoch > self.obeyed.epoch:
                    self.obeyed, self.entry.astray = order, None
            case SayMode(mode):
                self.retained_mode = mode
            case SayDecision() | Answer():
                pass

    # --- the entry --------------------------------------------------------------------

    def entry_starts(self) -> None:
        entry = self.entry
        if not entry.running:
            entry.boot, entry.running = entry.boot + 1, True
            self._say_presence("entry")

    def entry_crashes(self) -> None:
        if self.entry.running:
            self.entry.running = False
            self._say_presence("entry")

    def entry_walks(self, name: str) -> None:
        """It goes on by itself: only with a gate to go on behind, and nobody to ask."""
        if not self.linked and self.obeyed.gate is Gate.OPEN:
            self.entry.astray = name if name != self.obeyed.active else None

    def measures(self, name: str, health: Health) -> None:
        entry = self.entry
        if entry.running:
            entry.seq += 1
            entry.retained[name] = PathReport(
                health=health, since=0.0, boot=f"e{entry.boot}", seq=entry.seq
            )
            self._say_path(name)

    def _say_path(self, name: str, *, echo: bool = False) -> None:
        if self.linked:
            report = self.entry.retained[name]
            self._hear(PathReported(self.at_s, "entry", name, report, echo))

    def _connect(self) -> None:
        self.linked = True
        self._hear(BusConnected(self.at_s))
        if self.retained is not None:
            self._hear(OrderHeard(self.at_s, self.retained))
        if self.retained_mode is not None:
            self._hear(ModeHeard(self.at_s, self.retained_mode))
        if self.entry.boot:
            self._say_presence("entry")
            self.entry_reports()
        for name, sim in self.sims.items():
            if sim.boot:
                self._say_presence(name)
            if sim.retained is not None:
                self._hear(ExitReported(self.at_s, name, sim.retained, echo=True))
        for name in self.entry.retained:
            self._say_path(name, echo=True)

    def _say_presence(self, name: str) -> None:
        sim = self.entry if name == "entry" else self.sims[name]
        status = Status.ONLINE if sim.running else Status.OFFLINE
        if self.linked:
            life = f"e{sim.boot}" if name == "entry" else str(sim.boot)
            presence = Presence(status=status, boot=life)
            self._hear(PresenceSaid(self.at_s, name, presence))

    def _say_report(self, name: str) -> None:
        report = self.sims[name].retained
        if self.linked and report is not None:
            self._hear(ExitReported(self.at_s, name, report))

    def _hear(self, event: Event) -> None:
        self.heard += 1
        self.judge.learn(event)
        self.state, actions = self.rules(self.state, event, self.policy)
        self.judge.check(actions, self.state)
        again = self.rules(self.state, Tick(event.at_s), self.policy)
        if again != (self.state, ()):
            raise ViolationError("calm", again)
        for action in actions:
            self._retain(action)


def standing(names: tuple[str, ...], policy: Policy, rules: Decide = decide) -> World:
    """A world in which the chain stands, the first exit being active."""
    world = World(names, policy, rules)
    world.bus_returns()
    world.entry_starts()
    for name in names:
        world.starts(name)
        world.reports(name, Stage.READY)
    world.passes(policy.start_grace_s)
    return world
