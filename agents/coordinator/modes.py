"""What people may ask of the coordinator, and what that makes of the ranking. Pure."""

from dataclasses import replace

from agents.coordinator.events import Action, Answer, Asked, ModeHeard, SayMode
from agents.coordinator.model import Policy, State
from bus.commands import VERBS, Choice, Mode, Verb


def refusal(state: State, asked: Asked, policy: Policy) -> str:
    """Why the wish is not granted; empty: it is."""
    name = asked.request.exit
    if asked.at_s < state.held_until_s:
        return "catching up after a pause; ask again"
    if asked.verb not in VERBS["coordinator"]:
        return f"unknown to the coordinator: {asked.verb}"
    if asked.verb == Verb.AUTO:
        return f"auto is about no exit: {name}" if name else ""
    if not name:
        return f"{asked.verb} needs an exit"
    known = name in policy.exits or bool(state.exit(name).address)
    if known or name in state.wished.drained:
        return ""
    return f"unknown exit: {name}"


def changed(mode: Mode, asked: Asked) -> Mode:
    """The mode that is wanted now."""
    name = asked.request.exit
    others = tuple(one for one in mode.drained if one != name)
    match asked.verb:
        case Verb.DRAIN:
            return replace(mode, drained=tuple(sorted((*others, name))))
        case Verb.UNDRAIN:
            return replace(mode, drained=others)
        case verb:
            return replace(mode, choice=Choice(verb), exit=name)


def taken_over(state: State, event: ModeHeard) -> State:
    """The state with a predecessor's mode; one of this life is the newer one."""
    said = event.mode
    sane = bool(said.exit) is (said.choice is not Choice.AUTO)
    if state.mode is not None or not sane:
        return state
    return replace(state, mode=replace(said, at=0.0, boot="", seq=0))


def news(before: State, after: State, asked: Asked | None) -> tuple[Action, ...]:
    """The mode if it is a new one, also to our link, which says it after reconnects."""
    said: list[Action] = []
    if after.mode is not None and after.mode != before.mode:
        said.append(SayMode(after.mode))
    if asked is not None:
        said.append(Answer(asked.verb, asked.request.transaction))
    return tuple(said)


# --- what a mode means ----------------------------------------------------------------


def allows(mode: Mode, name: str) -> bool:
    """Whether this exit may carry anything."""
    return mode.choice is not Choice.ONLY or mode.exit == name


def rank(name: str, mode: Mode, policy: Policy) -> tuple[bool, int, str]:
    """Sorts exits best first."""
    preferred = mode.choice is Choice.PREFER and mode.exit == name
    return (not preferred, policy.place(name), name)


def at_once(asked: Asked | None, name: str) -> bool:
    """Whether somebody asks in this moment that clients go there if it is better."""
    if asked is None:
        return False
    return asked.verb == Verb.AUTO or asked.request.exit == name
