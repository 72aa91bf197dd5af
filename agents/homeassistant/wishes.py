"""What home automation wishes, in the words of the coordinator. Pure.

A select and a switch have one topic each, the coordinator has a verb for each wish.
"""

from dataclasses import replace
from typing import Final

from agents.homeassistant.entities import AUTO
from agents.homeassistant.model import Action, Answer, Ask, Policy, Said, State
from bus.commands import Enable, Request, Response, Verb

ASKED: Final = 50  # wishes under way; of more the oldest stay without an answer
NO_OTHER: Final = "no other exit is usable"

Outcome = tuple[State, tuple[Action, ...]]


def wished(state: State, said: Said, policy: Policy) -> Outcome:
    """What is to be done if it was a wish, or the answer to one."""
    match said.payload:
        case Request() as wish if policy.enabled:
            return _requested(state, said.levels["verb"], wish)
        case Enable(enabled=enabled, transaction=transaction) if policy.enabled:
            verb = Verb.UNDRAIN if enabled else Verb.DRAIN
            return state, (Ask(verb, said.levels["exit"], transaction),)
        case Response() as answer:
            return _answered(state, answer)
        case _:
            return state, ()


def _requested(state: State, verb: str, wish: Request) -> Outcome:
    match verb:
        case Verb.USE if wish.exit == AUTO:
            return _ask(state, Verb.USE, Ask(Verb.AUTO, "", wish.transaction))
        case Verb.USE:
            ask = Ask(Verb.PREFER, wish.exit, wish.transaction)
            return _ask(state, Verb.USE, ask)
        case Verb.MOVE:
            other = _other(state)
            if other is None:
                return state, (Answer(Verb.MOVE, wish.transaction, NO_OTHER),)
            return _ask(state, Verb.MOVE, Ask(Verb.PREFER, other, wish.transaction))
        case _:
            return state, ()


def _other(state: State) -> str | None:
    """The best exit that is usable and does not carry; None: there is none."""
    order, drained = state.order, state.mode.drained
    if order is None:
        return None
    usable = (hop.exit for hop in order.exits if hop.usable)
    others = (name for name in usable if name not in (order.active, *drained))
    return next(others, None)


def _ask(state: State, verb: Verb, ask: Ask) -> Outcome:
    asked = dict(state.asked)
    if len(asked) >= ASKED:
        del asked[next(iter(asked))]
    return replace(state, asked={**asked, ask.transaction: verb}), (ask,)


def _answered(state: State, answer: Response) -> Outcome:
    asked = dict(state.asked)
    verb = asked.pop(answer.transaction, None)
    if verb is None:
        return state, ()
    error = "" if answer.ok else answer.error or "refused"
    told = Answer(verb, answer.transaction, error)
    return replace(state, asked=asked), (told,)
