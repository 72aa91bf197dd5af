"""What is declared and said to home automation, and what its wishes mean. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from agents.homeassistant.declare import declarations, ranked
from agents.homeassistant.model import (
    CHAIN,
    Action,
    Beat,
    Config,
    Declare,
    Declared,
    Due,
    Event,
    ForgetExit,
    Gone,
    Kind,
    Moved,
    PathGone,
    Place,
    Policy,
    Said,
    SayChain,
    SayEvent,
    SayExit,
    State,
    Thing,
    Withdraw,
)
from agents.homeassistant.present import (
    chain_of,
    exit_of,
    measured,
    moved,
    remembered,
    reported,
    short,
)
from agents.homeassistant.wishes import wished
from bus.commands import Mode
from bus.messages.entries import EntryEvent, EntryEventKind, EntryReport, PeerReport
from bus.messages.exits import ExitReport
from bus.messages.home import HomeEvent, HomeEventKind
from bus.messages.orders import Decision, History, Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence

LEAK: Final = "clients were seen to leave around the tunnels"
EVENTS: Final = frozenset(kind.value for kind in HomeEventKind)


def decide(
    state: State, event: Event, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    """What is known after the event, and what is to be done about it."""
    match event:
        case Due():
            return _declare_all(state, policy)
        case Beat():
            exits = (SayExit(name, exit_of(state, name)) for name in state.exits)
            return state, (SayChain(chain_of(state)), *exits)
        case Declared(place):
            known = place in state.declared
            return state, () if known else (Withdraw(place),)
        case Gone(thing):
            after, actions = _gone(state, thing, policy)
            return after, (*actions, *_chain(state, after))
        case PathGone(entry, exit_):
            gone = f"{entry}/{exit_}"
            paths = {name: one for name, one in state.paths.items() if name != gone}
            after = replace(state, paths=paths)
            return after, tuple(_chain(state, after))
        case Said():
            return _said(state, event, policy)


def _said(state: State, said: Said, policy: Policy) -> tuple[State, tuple[Action, ...]]:
    after, wishes = wished(_noted(state, said), said, policy)
    thing, label = _thing(said)
    if thing is not None and (thing.kind is not Kind.PEER or policy.peers):
        after, declared = _appeared(after, thing, label, policy)
    else:
        declared = ()
    news = (*_changes(state, after, said), *_happened(said))
    return after, (*declared, *news, *wishes)


# --- what is known ----------------------------------------------------------------


def _noted(state: State, said: Said) -> State:
    levels = said.levels
    match said.payload:
        case ExitReport() as report:
            name = levels["exit"]
            known = reported(state.exits.get(name), report, said.at_s)
            return replace(state, exits={**state.exits, name: known})
        case EntryReport() as report:
            entries = {**state.entries, levels["entry"]: report}
            return replace(state, entries=entries)
        case PathReport() as path:
            name = f"{levels['entry']}/{levels['exit']}"
            return replace(state, paths={**state.paths, name: path})
        case Presence() as presence:
            presences = {**state.presences, levels["agent"]: presence}
            return replace(state, presences=presences)
        case _:
            return _steered(state, said)


def _steered(state: State, said: Said) -> State:
    """With what the coordinator says, and what became of it."""
    match said.payload:
        case Order() as order:
            return replace(state, order=order)
        case Mode() as mode:
            return replace(state, mode=mode)
        case _:
            return replace(state, moves=_moves(state, said))


def _moves(state: State, said: Said) -> tuple[Moved, ...]:
    match said.payload:
        case History() as history:
            return remembered(state.moves, history)
        case Decision() as decision:
            return moved(state.moves, decision)
        case EntryEvent(epoch=epoch, outage_ms=float(outage_ms)):
            return measured(state.moves, epoch, outage_ms)
        case _:
            return state.moves


def _thing(said: Said) -> tuple[Thing | None, str]:
    """The device that says something of itself, and what people call it."""
    levels = said.levels
    match said.payload:
        case ExitReport():
            return Thing(Kind.EXIT, levels["exit"]), levels["exit"]
        case EntryReport():
            return Thing(Kind.ENTRY, levels["entry"]), levels["entry"]
        case PeerReport(name=name):
            return Thing(Kind.PEER, levels["peer"], levels["entry"]), name
        case _:
            return None, ""


# --- what is said -----------------------------------------------------------------


def _changes(before: State, after: State, said: Said) -> Iterator[Action]:
    """States of ours that are others now; throughput is one with each report."""
    yield from _chain(before, after)
    if isinstance(said.payload, ExitReport):
        name = said.levels["exit"]
        yield SayExit(name, exit_of(after, name))
    if before.mode.drained != after.mode.drained:
        for name in sorted({*before.mode.drained} ^ {*after.mode.drained}):
            if name in after.exits:
                yield SayExit(name, exit_of(after, name))


def _chain(before: State, after: State) -> Iterator[Action]:
    if (present := chain_of(after)) != chain_of(before):
        yield SayChain(present)


def _happened(said: Said) -> Iterator[Action]:
    match said.payload:
        case Decision() as told if told.kind.value in EVENTS:
            kind = HomeEventKind(told.kind.value)
            yield SayEvent(
                HomeEvent(
                    event_type=kind,
                    at=told.at,
                    before=told.before,
                    after=told.after,
                    reason=short(told.reason),
                )
            )
        case EntryEvent(kind=EntryEventKind.LEAK, at=at):
            reason = f"{said.levels['entry']}: {LEAK}"
            leak = HomeEvent(event_type=HomeEventKind.LEAK, at=at, reason=reason)
            yield SayEvent(leak)
        case _:
            pass


# --- what is declared -------------------------------------------------------------


def _appeared(
    state: State, thing: Thing, label: str, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    if state.things.get(thing) == label:
        return state, ()
    after = replace(state, things={**state.things, thing: label})
    after, own = _declare(after, thing, policy)
    if thing.kind is not Kind.EXIT:
        return after, own
    return after, (*own, *_choices(state, after, policy))


def _gone(
    state: State, thing: Thing, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    if thing not in state.things:
        return state, ()
    places = frozenset(declarations(thing, "", policy, ()))
    after = replace(
        state,
        things={one: label for one, label in state.things.items() if one != thing},
        declared=state.declared - places,
    )
    withdrawn = tuple(Withdraw(place) for place in sorted(places & state.declared))
    match thing.kind:
        case Kind.EXIT:
            exits = {
                name: one for name, one in state.exits.items() if name != thing.name
            }
            after = replace(after, exits=exits)
            after, chain = _declare(after, CHAIN, policy)
            return after, (*withdrawn, ForgetExit(thing.name), *chain)
        case Kind.ENTRY:
            entries = {n: one for n, one in state.entries.items() if n != thing.name}
            return replace(after, entries=entries), withdrawn
        case _:
            return after, withdrawn


def _declare_all(state: State, policy: Policy) -> tuple[State, tuple[Action, ...]]:
    things = {**state.things, CHAIN: policy.discovery.base}
    after, actions = replace(state, things=things), list[Action]()
    for thing in things:
        after, own = _declare(after, thing, policy)
        actions += own
    return after, (*actions, SayChain(chain_of(after)))


def _declare(
    state: State, thing: Thing, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    if not policy.enabled or thing not in state.things:
        return state, ()
    made = _declarations(state, thing, policy)
    after = replace(state, declared=state.declared | made.keys())
    return after, tuple(Declare(place, config) for place, config in made.items())


def _declarations(state: State, thing: Thing, policy: Policy) -> dict[Place, Config]:
    exits = [one.name for one in state.things if one.kind is Kind.EXIT]
    ranking = ranked(exits, policy.exits)
    return declarations(thing, state.things[thing], policy, ranking)


def _choices(before: State, after: State, policy: Policy) -> tuple[Action, ...]:
    """What of the chain is declared anew, as there is something else to choose from."""
    if not policy.enabled or CHAIN not in before.things:
        return ()
    known = _declarations(before, CHAIN, policy)
    made = _declarations(after, CHAIN, policy)
    return tuple(
        Declare(place, config)
        for place, config in made.items()
        if config != known[place]
    )
