"""What the judge knows: kept from the same events as the rules do, but simpler."""

import copy
import math
from dataclasses import dataclass

from agents.coordinator.events import (
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
)
from agents.coordinator.model import Policy
from bus.commands import Choice, Mode
from bus.messages.exits import Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health
from bus.messages.presence import Status

Place = tuple[bool, int, str]


@dataclass
class Known:
    """What the coordinator can know of one exit."""

    stage: Stage | None = None
    stamp: tuple[str, int] = ("", 0)
    life: str = ""
    away: bool = False
    heard_s: float = 0.0
    addressed: bool = False
    denied: bool = False
    path: Health | None = None
    path_stamp: tuple[str, int] = ("", 0)
    path_s: float = 0.0
    aged: int = 2  # 0: good, 1: degraded, 2: unusable
    since_s: float = 0.0
    penalty: float = 0.0
    struck_s: float = 0.0

    @property
    def speaks(self) -> bool:
        return self.stage is not None and not self.away

    @property
    def bad(self) -> bool:
        return self.denied or self.path is Health.DOWN

    @property
    def hopeless(self) -> bool:
        contested = self.speaks and self.stage is Stage.READY
        return self.denied or (self.path is Health.DOWN and not contested)

    @property
    def grade(self) -> int:
        if self.bad or not self.addressed:
            return 2
        if self.path in (Health.UP, Health.DEGRADED):
            return 0 if self.path is Health.UP else 1
        return 0 if self.speaks and self.stage is Stage.READY else 2

    @property
    def usable(self) -> bool:
        return self.grade < 2


class Books:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.at_s = 0.0
        self.link_s = math.inf
        self.quiet_until_s = math.inf
        self.moved_s = -math.inf
        self.known: dict[str, Known] = {}
        self.entry = Known()
        self.order = Order(epoch=0, gate=Gate.CLOSED)
        self.mode: Mode | None = None
        self.asked: Asked | None = None  # by the present event, and granted
        self.wishes = 0
        self.taken_over = False  # by the present event
        self.untold = False

    def copied(self) -> "Books":
        other = copy.copy(self)
        other.known = {name: copy.copy(one) for name, one in self.known.items()}
        other.entry = copy.copy(self.entry)
        return other

    # --- what follows from it ---------------------------------------------------------

    @property
    def linked(self) -> bool:
        return self.link_s != math.inf

    @property
    def quiet(self) -> bool:
        return self.at_s < self.quiet_until_s

    @property
    def wished(self) -> Mode:
        return self.mode or Mode()

    def one(self, name: str | None) -> Known:
        return self.known.get(name or "", Known())

    def allowed(self, name: str | None) -> bool:
        return self.wished.choice is not Choice.ONLY or self.wished.exit == name

    def drained(self, name: str | None) -> bool:
        return name in self.wished.drained

    def rank(self, name: str) -> Place:
        exits, mode = self.policy.exits, self.wished
        preferred = mode.choice is Choice.PREFER and mode.exit == name
        return (not preferred, exits.index(name) if name in exits else 99, name)

    def usable(self) -> list[str]:
        """Who may be given traffic, best first."""

        def merit(name: str) -> tuple[bool, bool, int, Place]:
            one = self.known[name]
            flaps = self.excess(one) > 1.0
            return (self.drained(name), flaps, one.grade, self.rank(name))

        names = [
            name
            for name, one in self.known.items()
            if one.usable and self.allowed(name)
        ]
        return sorted(names, key=merit)

    def excess(self, one: Known) -> float:
        """The penalty as a part of the limit."""
        past_s = self.at_s - one.struck_s
        faded: float = one.penalty * 0.5 ** (past_s / self.policy.damp_half_life_s)
        return faded / self.policy.damp_limit

    @property
    def vague(self) -> bool:
        """Whether rounding decides if somebody's failures are forgiven."""
        return any(abs(self.excess(one) - 1.0) < 1e-9 for one in self.known.values())

    def ripe(self, name: str) -> bool:
        """Whether clients may be moved there without need."""
        one = self.known[name]
        settled = self.at_s >= one.since_s + self.policy.settle_s
        cool = self.at_s >= self.moved_s + self.policy.cooldown_s
        return one.grade == 0 and settled and cool and self.excess(one) <= 1.0 + 1e-9

    def better(self, name: str, than: str) -> bool:
        """Whether an exit is worth a move without need."""
        left = self.known[than]
        lasts = self.at_s >= left.since_s + self.policy.degraded_s
        stays = (left.grade if lasts else 0, self.rank(than))
        return (self.known[name].grade, self.rank(name)) < stays

    # --- learning ---------------------------------------------------------------------

    def learn(self, event: Event) -> None:
        self.at_s = event.at_s
        self.taken_over = False
        self.asked, self.wishes = None, 0
        self._age()
        match event:
            case BusConnected(at_s):
                self.link_s = at_s
                self.quiet_until_s = at_s + self.policy.start_grace_s
                for one in self.known.values():
                    one.since_s = at_s
            case BusLost():
                self.link_s = math.inf
            case ExitReported() | PresenceSaid() | PathReported():
                self._learn_of_agents(event)
            case EntryReported() | OrderHeard():
                self._learn_of_order(event)
            case ModeHeard(_, mode) if self.mode is None:
                self.mode = mode
            case Asked():
                self._learn_of_wish(event)
            case _:
                pass
        self._age()

    def _learn_of_agents(
        self, event: ExitReported | PresenceSaid | PathReported
    ) -> None:
        match event:
            case PresenceSaid(agent="entry"):
                self._learn_of_entry(event)
            case PresenceSaid():
                one = self.known.setdefault(event.agent, Known())
                one.away = event.presence.status is not Status.ONLINE
                if not one.away:
                    one.life = event.presence.boot
                    if one.life != one.stamp[0]:
                        one.stage = None
            case ExitReported():
                self._learn_of_exit(event)
            case PathReported():
                self._learn_of_path(event)

    def _learn_of_entry(self, event: PresenceSaid) -> None:
        self.entry.away = event.presence.status is not Status.ONLINE
        self.entry.life = event.presence.boot
        for one in self.known.values():
            if self.entry.away or one.path_stamp[0] != self.entry.life:
                one.path, one.path_stamp = None, ("", 0)

    def _learn_of_exit(self, event: ExitReported) -> None:
        one = self.known.setdefault(event.exit, Known())
        one.addressed = True
        stamp = (event.report.boot, event.report.seq)
        if event.echo and (stamp == one.stamp or stamp[0] != one.life):
            return
        one.stage, one.stamp, one.heard_s = event.report.stage, stamp, self.at_s
        if not one.away:
            one.denied = one.stage not in (Stage.PPP, Stage.READY)

    def _learn_of_path(self, event: PathReported) -> None:
        one = self.known.setdefault(event.exit, Known())
        stamp = (event.report.boot, event.report.seq)
        stale = self.entry.away or stamp[0] != self.entry.life
        if event.echo and (stamp == one.path_stamp or stale):
            return
        one.path, one.path_stamp = event.report.health, stamp
        one.path_s = self.at_s
        if one.path in (Health.UP, Health.DEGRADED) and not one.speaks:
            one.denied = False

    def _learn_of_order(self, event: EntryReported | OrderHeard) -> None:
        said = event.order if isinstance(event, OrderHeard) else event.report
        old = self.order
        astray = isinstance(event, EntryReported) and event.report.walked
        if said.epoch > old.epoch:
            hops = said.exits if isinstance(said, Order) else ()
            active = said.active if said.gate is Gate.OPEN else None
            self.order = Order(
                epoch=said.epoch, gate=said.gate, active=active, exits=hops
            )
            for hop in hops:
                self.known.setdefault(hop.exit, Known()).addressed = True
        elif (
            astray
            and said.epoch == old.epoch
            and said.active
            not in (
                None,
                old.active,
            )
        ):
            self.order = Order(epoch=old.epoch, gate=old.gate, active=said.active)
        else:
            return
        self.untold, self.taken_over = isinstance(event, EntryReported), True
        self.quiet_until_s = self.at_s + self.policy.start_grace_s

    def _learn_of_wish(self, event: Asked) -> None:
        self.wishes = 1
        name, verb, mode = event.request.exit, event.verb, self.wished
        known = name in self.policy.exits or self.one(name).addressed
        if verb != "auto" and not known and not self.drained(name):
            return
        self.asked = event
        drained = set(mode.drained)
        if verb in ("drain", "undrain"):
            drained = drained | {name} if verb == "drain" else drained - {name}
            choice, name = mode.choice, mode.exit
        else:
            choice = Choice(verb)
        self.mode = Mode(choice=choice, exit=name, drained=tuple(sorted(drained)))

    def _age(self) -> None:
        if not self.linked:
            return
        for one in self.known.values():
            if self.at_s >= self.silent_s(one.heard_s):
                one.stage = None
            if self.at_s >= self.silent_s(one.path_s):
                one.path = None
            if one.grade == one.aged:
                continue
            if one.grade == 2:
                excess = self.excess(one) + 1 / self.policy.damp_limit
                one.penalty = min(excess, 4.0) * self.policy.damp_limit
                one.struck_s = self.at_s
            one.aged, one.since_s = one.grade, self.at_s

    def silent_s(self, heard_s: float) -> float:
        return max(heard_s, self.link_s) + self.policy.stale_s
