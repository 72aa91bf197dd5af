"""What must hold after every event, whatever happened before.

The judge keeps books of its own and raises a `ViolationError` that names the invariant.
"""

import math
from collections.abc import Sequence
from typing import Final

from agents.coordinator.events import Action, Answer, Event, SayDecision, SayOrder
from agents.coordinator.model import Policy, State, WhenNone
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health
from tests.agents.coordinator.books import Books

INVARIANTS: Final = {
    "unlinked": "nothing is said while the bus is away",
    "epoch": "a later order has a greater epoch",
    "target": "nobody is moved to, and no gate opened over, an exit that is not usable",
    "best": "who has to move moves to the best usable exit",
    "moves": "nobody leaves a usable exit without need, wish, or one better for long",
    "quiet": "in the quiet time nobody is left unheard, nor for nothing",
    "told": "every order comes with one decision that says what it does",
    "prefers": "no exit that is broken is active while another is usable",
    "stranded": "outside the quiet time no exit that is not usable is active in vain",
    "kept": "an exit that may carry, as somebody says, is not given up for nothing",
    "idle": "outside the quiet time nobody waits while an exit is usable",
    "open": "without a usable exit the gate is open if, and only if, policy holds it",
    "ranking": "the order names usable standbys before others, and says which they are",
    "return": "a better exit that has settled is returned to",
    "wake": "no deadline passes unseen, and none is asked for twice",
    "calm": "asking again about the same present says nothing",
    "wish": "who is not allowed, or drained beside others, carries nothing",
    "answer": "every wish is answered once",
}


class ViolationError(AssertionError):
    def __init__(self, invariant: str, detail: object = "") -> None:
        super().__init__(f"{INVARIANTS[invariant]}: {detail}")
        self.invariant = invariant


class Judge:
    def __init__(self, policy: Policy) -> None:
        self.books = Books(policy)
        self.policy = policy

    def branch(self) -> "Judge":
        other = Judge(self.policy)
        other.books = self.books.copied()
        return other

    def learn(self, event: Event) -> None:
        self.books.learn(event)

    def check(self, actions: Sequence[Action], state: State) -> None:
        books = self.books
        if len([one for one in actions if isinstance(one, Answer)]) != books.wishes:
            raise ViolationError("answer", actions)
        if not books.linked:
            if actions or state.wake_at_s is not None:
                raise ViolationError("unlinked", actions)
            return
        for action in actions:
            if isinstance(action, SayOrder):
                self._check_order(action.order)
        self._check_decisions(actions)
        self._check_present()
        self._check_wake(state.wake_at_s)

    def _check_order(self, new: Order) -> None:
        books = self.books
        old = books.order
        same = (new.gate, new.active, new.exits) == (old.gate, old.active, old.exits)
        if books.taken_over and not books.untold and same and new.epoch == old.epoch:
            return  # the predecessor's, said again
        if new.epoch <= old.epoch:
            raise ViolationError("epoch", (old, new))
        if books.quiet and old.epoch == 0:
            raise ViolationError("quiet", new)
        if (new.gate, new.active) != (old.gate, old.active):
            self._check_move(old, new)
        books.order, books.untold = new, False

    def _check_move(self, old: Order, new: Order) -> None:
        books = self.books
        self._check_target(old, new)
        left = books.one(old.active)
        if old.active is None or not books.allowed(old.active):
            self._check_best(old, new)
        elif left.usable:
            self._check_planned(old.active, new)
        elif books.quiet and not left.bad:
            raise ViolationError("quiet", (old, new))
        elif new.active is None and not left.hopeless:
            raise ViolationError("kept", (old, new))
        else:
            self._check_best(old, new)
        if left.usable:
            books.moved_s = books.at_s

    def _check_best(self, old: Order, new: Order) -> None:
        if new.active is None or self.books.vague:
            return
        if new.active != self.books.usable()[0]:
            raise ViolationError("best", (old, new))

    def _check_target(self, old: Order, new: Order) -> None:
        books = self.books
        if new.active is not None:
            if new.gate is Gate.CLOSED or not books.one(new.active).usable:
                raise ViolationError("target", new)
            if not books.allowed(new.active):
                raise ViolationError("wish", new)
        elif new.gate is Gate.OPEN and old.gate is Gate.CLOSED:
            raise ViolationError("target", new)
        elif books.quiet:
            raise ViolationError("quiet", new)
        elif new.gate is Gate.CLOSED and self.policy.when_none is WhenNone.HOLD:
            raise ViolationError("open", new)

    def _check_planned(self, left: str, new: Order) -> None:
        books, taken = self.books, new.active
        if taken is None:
            raise ViolationError("moves", (left, new))
        if books.drained(left) and not books.drained(taken):
            return
        asked = books.asked
        wished = asked is not None and (
            asked.verb == "auto"
            or (asked.verb in ("prefer", "undrain") and asked.request.exit == taken)
        )
        if not books.better(taken, left) or not (wished or books.ripe(taken)):
            raise ViolationError("moves", (left, new))

    def _check_decisions(self, actions: Sequence[Action]) -> None:
        orders = [one.order.epoch for one in actions if isinstance(one, SayOrder)]
        said = [one.epoch for one in actions if isinstance(one, SayDecision)]
        if not set(orders) <= set(said) or len(set(said)) != len(said):
            raise ViolationError("told", actions)

    def _check_present(self) -> None:
        books, order, usable = self.books, self.books.order, self.books.usable()
        active = books.one(order.active)
        if order.active is not None and active.bad and usable:
            raise ViolationError("prefers", order)
        if books.quiet:
            return
        in_vain = bool(usable) or active.hopeless
        if order.active is not None and not active.usable and in_vain:
            raise ViolationError("stranded", order)
        if order.active is None and usable:
            raise ViolationError("idle", usable)
        if order.active is not None and not books.allowed(order.active):
            raise ViolationError("wish", order)
        holds = self.policy.when_none is WhenNone.HOLD
        if order.gate is Gate.OPEN and order.active is None and not holds:
            raise ViolationError("open", order)
        if order.gate is Gate.OPEN and not books.vague:
            self._check_ranking(usable)

    def _check_ranking(self, usable: list[str]) -> None:
        books, order = self.books, self.books.order
        if books.untold and not books.one(order.active).addressed:
            return  # it cannot be said
        names = [hop.exit for hop in order.exits]
        standbys = [name for name in usable if name != order.active]
        first = [order.active] if order.active in usable else []
        marked = [hop.exit for hop in order.exits if hop.usable]
        if names[: len(usable)] != first + standbys or sorted(marked) != sorted(usable):
            raise ViolationError("ranking", order)
        active = order.active
        for name in standbys:
            if active is None or books.drained(name):
                continue
            if books.drained(active):
                raise ViolationError("wish", order)
            if books.better(name, active) and books.ripe(name):
                raise ViolationError("return", order)

    def _check_wake(self, wake_at_s: float | None) -> None:
        books = self.books
        wake_s = math.inf if wake_at_s is None else wake_at_s
        deadlines = [books.quiet_until_s]
        active = books.order.active
        for name, one in books.known.items():
            if one.usable and one.path is None:
                deadlines.append(books.silent_s(one.heard_s))
            if one.path not in (None, Health.UNKNOWN):
                deadlines.append(books.silent_s(one.path_s))
            if active is None or not one.usable or one.grade:
                continue
            if books.rank(name) < books.rank(active):
                deadlines.append(one.since_s + self.policy.settle_s)
        if books.one(active).grade == 1:
            deadlines.append(books.one(active).since_s + self.policy.degraded_s)
        ahead = [one for one in deadlines if one > books.at_s]
        if wake_s <= books.at_s or wake_s > min(ahead, default=math.inf):
            raise ViolationError("wake", (wake_at_s, ahead))
