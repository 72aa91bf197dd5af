"""The rules of the coordinator: gate, failover, failback, ranking.

Pure: (state, event, policy) -> (state, actions). Three steps: `observe` folds what was
heard into what is known, `choose` says who should carry the clients' traffic now, and
`differences` says only what has changed. Whatever depends on time compares `at_s` with
a sum that `wake_moment` names as well, so that no deadline passes unseen and none is
asked for twice.
"""

from dataclasses import replace

from agents.coordinator.choice import choose, ranking
from agents.coordinator.events import (
    Action,
    Answer,
    Asked,
    EntryReported,
    Event,
    ExitReported,
    OrderHeard,
    Overslept,
    PathReported,
    PresenceSaid,
    SayDecision,
    SayOrder,
    Tick,
)
from agents.coordinator.model import Exit, Grade, Policy, State
from agents.coordinator.modes import allows, at_once, news, refusal
from agents.coordinator.observe import aged, observe, silence_moment
from agents.coordinator.reasons import reason
from bus.epochs import NO_EPOCH, following
from bus.messages.orders import DecisionKind, Gate, Hop, Order
from bus.messages.paths import Health
from bus.messages.presence import Status


def decide(
    state: State, event: Event, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    """The next state, and what to say to get the world there."""
    asked = event if isinstance(event, Asked) else None
    if asked is not None and (error := refusal(state, asked, policy)):
        return state, (Answer(asked.verb, asked.request.transaction, error),)
    at_s = event.at_s
    due = state.wake_at_s is not None and at_s >= state.wake_at_s
    due = due and not isinstance(event, Overslept)  # silence of then was our own
    # Time passes before the event, and the event may change who is usable, hence twice:
    # a report after too long a silence does not mend that silence.
    before = aged(state, at_s, policy) if due else state
    seen = observe(before, event, policy)
    if not due and repeats(before, seen, event):
        return seen, ()
    seen = aged(seen, at_s, policy, before)
    gate, active = choose(seen, at_s, policy, asked)
    after, actions = differences(seen, (gate, active), at_s, policy, asked)
    if seen.order is not state.order:
        actions = (*adoption(state, seen, after), *actions)
    actions = (*actions, *greeting(after, event, actions))
    actions = (*actions, *news(state, seen, asked))
    wake_at_s = wake_moment(after, at_s, policy)
    if wake_at_s != after.wake_at_s:
        after = replace(after, wake_at_s=wake_at_s)
    return after, actions


def repeats(before: State, after: State, event: Event) -> bool:
    """Whether the event says only that all is as it was.

    That is what is heard most, and with many exits it must cost little. A deadline that
    it puts off stands as it was, and is found to be none when it comes.
    """
    if isinstance(event, EntryReported | OrderHeard):
        return after is before
    if not isinstance(event, ExitReported | PathReported):
        return isinstance(event, Tick)
    old, new = before.exit(event.exit), after.exit(event.exit)
    return word_of(old) == word_of(new)


def word_of(exit_: Exit) -> tuple[object, ...]:
    """What decisions depend on; the rest tells how new that is."""
    where = (exit_.stage, exit_.address, exit_.dns)
    speaks = (*where, exit_.boot, exit_.life, exit_.status)
    return (*speaks, exit_.denied, exit_.health)


# --- differences: what to say ---------------------------------------------------------


def differences(
    state: State,
    chosen: tuple[Gate, str | None],
    at_s: float,
    policy: Policy,
    asked: Asked | None,
) -> tuple[State, tuple[Action, ...]]:
    """The state with the order that leads there, and that order; or nothing."""
    before = state.order
    gate, active = chosen
    exits = ranking(state, active, at_s, policy)
    stays = chosen == (before.gate, before.active)
    if stays and not worth_saying(state, exits, at_s):
        return state, ()
    kind = kind_of(state, gate, active, asked)
    why = reason(kind, state, active, policy)
    epoch = following(before.epoch)
    order = Order(epoch=epoch, gate=gate, active=active, exits=exits, reason=why)
    decision = SayDecision(kind, epoch, before.active, active, why)
    left = state.active
    if not stays and left is not None and left.usable:
        state = replace(state, moved_s=at_s)
    return replace(state, order=order, untold=""), (SayOrder(order), decision)


def worth_saying(state: State, exits: tuple[Hop, ...], at_s: float) -> bool:
    """Whether an order that moves nobody is worth saying.

    In the quiet time only a new address of the active exit is; with the gate closed the
    ranking is not. Without the active exit's address it would stop the traffic.
    """
    order, active = state.order, state.active
    if state.linked_since_s is None or (active is not None and not active.address):
        return False
    if at_s < state.held_until_s:
        return False
    if at_s < state.quiet_until_s:
        known = active is not None and active.usable
        return known and exits[:1] != order.exits[:1]
    return bool(state.untold) or (order.gate is Gate.OPEN and exits != order.exits)


def adoption(before: State, seen: State, after: State) -> tuple[Action, ...]:
    """What to say about an order that was taken over.

    The order itself too, unless a newer one follows at once or it is to be said under a
    new epoch: our link says after a reconnect only what it was given in this life.
    """
    order = seen.order
    why = f"took over order {order.epoch}"
    if seen.untold:
        why = f"{why}, which an entry obeys but the broker has lost"
    if order.epoch == before.order.epoch:
        why = f"took over {order.active}, where the entry went by itself"
    decision = SayDecision(
        DecisionKind.ADOPTED, order.epoch, before.order.active, order.active, why
    )
    if seen.untold or after.order is not order:
        return (decision,)
    return SayOrder(order), decision


def kind_of(
    state: State, gate: Gate, active: str | None, asked: Asked | None
) -> DecisionKind:
    """What kind of decision leads from the state's order to this."""
    before, left = state.order, state.active
    if gate is not before.gate:
        opens = gate is Gate.OPEN
        return DecisionKind.GATE_OPENED if opens else DecisionKind.GATE_CLOSED
    if active == before.active:
        return DecisionKind.ADOPTED if state.untold else DecisionKind.RANKED
    if left is None:
        return DecisionKind.RESUMED
    if active is None:
        return DecisionKind.EXHAUSTED
    return kind_of_move(state, left, active, asked)


def kind_of_move(
    state: State, left: Exit, taken: str, asked: Asked | None
) -> DecisionKind:
    """What kind of decision leads from one exit to another."""
    mode = state.wished
    unwanted = left.name in mode.drained or not allows(mode, left.name)
    if left.usable and (unwanted or at_once(asked, taken)):
        return DecisionKind.MOVED
    return DecisionKind.FAILBACK if left.graded is Grade.GOOD else DecisionKind.FAILOVER


def standing(state: State, at_s: float) -> Order | None:
    """The order to say again, as a sign of life; None: there is none to rely on."""
    quiet = state.linked_since_s is None or at_s < state.quiet_until_s
    return None if quiet or unsaid(state) else state.order


def greeting(
    state: State, event: Event, said: tuple[Action, ...]
) -> tuple[Action, ...]:
    """The order once more for an entry that has just come.

    The broker may have told it one of a coordinator that is gone: it waits for a sign
    of life, and not for long.
    """
    if not isinstance(event, PresenceSaid) or event.echo or unsaid(state):
        return ()
    came = (event.presence.role, event.presence.status) == ("entry", Status.ONLINE)
    told = any(isinstance(action, SayOrder) for action in said)
    linked = state.linked_since_s is not None
    return (SayOrder(state.order),) if came and linked and not told else ()


def unsaid(state: State) -> bool:
    """Whether there is no order that may be said again as it is."""
    return state.order.epoch == NO_EPOCH or bool(state.untold)


# --- time -----------------------------------------------------------------------------


def wake_moment(state: State, at_s: float, policy: Policy) -> float | None:
    """The next moment at which time alone may change the choice; None: never."""
    if state.linked_since_s is None:
        return None
    moments = [state.quiet_until_s, state.held_until_s]
    if state.moved_s is not None:
        moments.append(state.moved_s + policy.cooldown_s)
    if state.active is not None and state.active.graded is Grade.DEGRADED:
        moments.append(state.active.since_s + policy.degraded_s)
    for one in state.exits.values():
        moments += deadlines(state, one, policy)
    return min((moment for moment in moments if moment > at_s), default=None)


def deadlines(state: State, exit_: Exit, policy: Policy) -> list[float]:
    """The moments at which time alone may change what is known of an exit."""
    moments = [exit_.suppressed_until_s]
    if exit_.stage is not None:
        moments.append(silence_moment(state, exit_.heard_s, policy))
    moments += [
        silence_moment(state, path.heard_s, policy)
        for path in exit_.paths
        if path.health is not Health.UNKNOWN
    ]
    if exit_.usable:
        moments.append(exit_.since_s + policy.settle_s)
    return moments
