"""The words of the coordinator: what it knows, and the numbers that it goes by.

Values only. Times (`at_s`, `..._s`) are seconds of the shell's monotonic clock: what a
message says about time is for people and never read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from agents.neighbours import USUAL, Neighbours
from bus.commands import Mode
from bus.epochs import NO_EPOCH
from bus.messages.exits import Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health
from bus.messages.presence import Status

AWAY: Final = frozenset({Status.STOPPED, Status.OFFLINE})
CARRYING: Final = frozenset({Health.UP, Health.DEGRADED})
BEST_FIRST: Final = {
    health: place
    for place, health in enumerate(
        (Health.UP, Health.DEGRADED, Health.DOWN, Health.UNKNOWN)
    )
}
LINKED: Final = frozenset({Stage.PPP, Stage.READY})  # ppp0 is there
NOTHING_YET: Final = Order(epoch=NO_EPOCH, gate=Gate.CLOSED)
AUTO: Final = Mode()


class WhenNone(StrEnum):
    """What becomes of the gate when no exit is left."""

    HOLD = "hold"  # WireGuard stays, the clients' traffic is blocked
    CLOSE = "close"  # WireGuard goes


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers that the rules go by.

    Attributes:
        exits: Names, best first; an exit that is not listed comes after, by name.
        settle_s: How long a better exit must have been good without a break before the
            clients return to it.
        stale_s: Silence after which what an exit said, or an entry of a path, counts
            for nothing.
        start_grace_s: How long after a connect, or after taking over an order, nothing
            is given up merely because it has not been heard of yet.
        degraded_s: How long the active exit must have been degraded before a good one
            is preferred to it.
        cooldown_s: How long after a planned move nobody is moved by plan again.
        damp_half_life_s: In which half of an exit's penalty for failures is forgiven.
        damp_limit: Failures beyond which nobody returns to an exit.
        catch_up_s: How long after having slept too long nothing is decided: what waits
            to be heard is old, and the last of it is the truth.
        neighbours: Where an exit can be.
    """

    exits: tuple[str, ...] = ()
    settle_s: float = 30.0
    when_none: WhenNone = WhenNone.HOLD
    stale_s: float = 15.0
    start_grace_s: float = 3.0
    degraded_s: float = 5.0
    cooldown_s: float = 60.0
    damp_half_life_s: float = 300.0
    damp_limit: float = 2.0
    catch_up_s: float = 1.0
    neighbours: Neighbours = USUAL
    _places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Counts the exits once, for they are ranked at every decision."""
        places = {name: place for place, name in reversed([*enumerate(self.exits)])}
        object.__setattr__(self, "_places", places)

    def place(self, name: str) -> int:
        """The exit's place in the list; who is not listed comes after all."""
        return self._places.get(name, len(self.exits))


# --- what is known --------------------------------------------------------------------


class Grade(IntEnum):
    """What an exit is worth; smaller is better."""

    GOOD = 0
    DEGRADED = 1
    UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Path:
    """The way from one entry through one exit, as the entry said it last.

    Attributes:
        entry: Who measured it.
        boot: The life of the entry's process that did.
        seq: Of its report.
        heard_s: When it was said last.
    """

    entry: str
    health: Health
    cause: str = ""
    boot: str = ""
    seq: int = 0
    heard_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Exit:
    """What is known of one exit.

    Attributes:
        stage: As it said last; None: nothing heard, or too long ago.
        cause: Why it is no further, in its words or ours.
        address: On the bridge; empty while unknown.
        dns: The resolvers that its provider named last.
        boot: The life of its process that wrote the last report.
        seq: Of the last report.
        life: The life that is there now; empty while unknown.
        status: Its presence; None: nothing heard.
        heard_s: When it last gave a sign of life.
        paths: What entries measure through it, one from each that does.
        planned: Its tunnel was ended on purpose, as it said last: no failure.
        denied: It said itself that there is no ppp0, or it was removed. That stands
            until it says otherwise, or the path does when the agent is away.
        graded: What it was worth when time was last looked at.
        since_s: Since when without a break.
        penalty: For its failures, as of `struck_s`.
        suppressed_until_s: Nobody returns to it before.
    """

    name: str
    stage: Stage | None = None
    cause: str = "nothing was heard of it"
    address: str = ""
    dns: tuple[str, ...] = ()
    boot: str = ""
    seq: int = 0
    life: str = ""
    status: Status | None = None
    heard_s: float = 0.0
    paths: tuple[Path, ...] = ()
    planned: bool = False
    denied: bool = False
    graded: Grade = Grade.UNUSABLE
    since_s: float = 0.0
    penalty: float = 0.0
    struck_s: float = 0.0
    suppressed_until_s: float = 0.0

    @property
    def path(self) -> Path | None:
        """The best way through it, which decides; None: nobody measures any.

        A way that is down for one entry may be open for another: the exit is not to
        blame as long as anybody's packets come back.
        """
        if len(self.paths) == 1:
            return self.paths[0]
        return min(self.paths, key=lambda one: BEST_FIRST[one.health], default=None)

    def path_of(self, entry: str) -> Path | None:
        """What this entry measures through it; None: nothing."""
        return next((one for one in self.paths if one.entry == entry), None)

    def without(self, entry: str) -> "Exit":
        """The exit, of which this entry says nothing."""
        return replace(self, paths=tuple(p for p in self.paths if p.entry != entry))

    @property
    def health(self) -> Health:
        """Of the path through it."""
        path = self.path
        return path.health if path else Health.UNKNOWN

    @property
    def restarted(self) -> bool:
        """Whether the report is of another life than the one that is there."""
        return self.life not in ("", self.boot)

    @property
    def speaks(self) -> bool:
        """Whether its agent is there and its report is of now."""
        alive = self.status not in AWAY and not self.restarted
        return alive and self.stage is not None

    @property
    def broken(self) -> bool:
        """Whether it is known to carry nothing, not merely unknown."""
        return self.denied or self.health is Health.DOWN

    @property
    def hopeless(self) -> bool:
        """Whether nobody says that it carries: entry and exit agree, or one is away.

        Where the entry finds nothing but the exit's own probes come back, clients stay
        if there is nowhere to go: blocking them would be the only certain outage.
        """
        ready = self.speaks and self.stage is Stage.READY
        return self.denied or (self.health is Health.DOWN and not ready)

    @property
    def grade(self) -> Grade:
        """What it is worth now: the path is the truth, its own word only without."""
        if self.broken or not self.address:
            return Grade.UNUSABLE
        if self.health in CARRYING:
            return Grade.GOOD if self.health is Health.UP else Grade.DEGRADED
        ready = self.speaks and self.stage is Stage.READY
        return Grade.GOOD if ready else Grade.UNUSABLE

    @property
    def usable(self) -> bool:
        """Whether clients' traffic may be given to it, as of `graded`."""
        return self.graded is not Grade.UNUSABLE


@dataclass(frozen=True, slots=True)
class State:
    """The present as the coordinator knows it.

    Attributes:
        exits: By name; also agents that never report as exits, which do no harm.
        order: What was ordered last, here or by a predecessor; epoch 0: nothing yet.
        untold: Why the order must be said again under a new epoch; empty: it need not.
        mode: What people asked for; None: nothing that was heard of yet.
        linked_since_s: When the bus came; None: it is away.
        quiet_until_s: Until then what was not heard of yet counts as unknown, not bad.
        held_until_s: Until then nothing is decided: we have overslept.
        moved_s: When the clients were last moved by plan; None: never.
        wake_at_s: When to be asked again if nothing happens before; None: never.
    """

    exits: Mapping[str, Exit] = field(default_factory=lambda: MappingProxyType({}))
    order: Order = NOTHING_YET
    untold: str = ""
    mode: Mode | None = None
    linked_since_s: float | None = None
    quiet_until_s: float = 0.0
    held_until_s: float = 0.0
    moved_s: float | None = None
    wake_at_s: float | None = None

    @property
    def wished(self) -> Mode:
        """How the active exit is to be chosen."""
        return self.mode or AUTO

    @property
    def active(self) -> Exit | None:
        """Who carries the clients' traffic; None: nobody."""
        return None if self.order.active is None else self.exit(self.order.active)

    def exit(self, name: str) -> Exit:
        """What is known of this exit; next to nothing if it was never heard of."""
        return self.exits.get(name) or Exit(name)

    def having(self, *exits: Exit) -> "State":
        """The same, with these exits instead of what was known of them."""
        known = {**self.exits, **{one.name: one for one in exits}}
        return replace(self, exits=MappingProxyType(known))
