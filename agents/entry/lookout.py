"""How the rules on the clients' public address come into the entry's: pure."""

from dataclasses import replace
from typing import assert_never

from agents.entry.control_plane import BusLost
from agents.entry.events import AddressSeen, ExitHeard, LeakHeard, Requested
from agents.entry.model import Policy, State
from agents.entry.public_address import (
    Outlook,
    Seen,
    accepted,
    deaf,
    heard_of,
    inquiry,
    judged,
    refusal,
    remembered,
)

Said = ExitHeard | AddressSeen | LeakHeard | Requested | BusLost


def look(state: State, event: Said, policy: Policy) -> State:
    """The state with what is known of where clients leave."""
    outlook = state.outlook
    match event:
        case BusLost():
            outlook = deaf(outlook)
        case ExitHeard():
            outlook = _of_exit(state, event)
        case AddressSeen(_, asked, address):
            if asked == state.inquiry:  # else there was a move meanwhile, or the like
                outlook = judged(outlook, Seen(asked, address), policy.home)
        case LeakHeard(why=why):
            outlook = remembered(outlook, why)
        case Requested(verb=verb):
            if not refusal(outlook, state.inquiry, verb, policy.home):
                outlook = accepted(outlook, state.inquiry)
        case _:
            assert_never(event)
    return replace(state, outlook=outlook)


def _of_exit(state: State, event: ExitHeard) -> Outlook:
    """What is known after an exit's word; one that nobody ordered is a stranger."""
    exits = state.order.exits if state.order else ()
    if all(hop.exit != event.exit for hop in exits):
        return state.outlook
    return heard_of(state.outlook, event.exit, event.report, event.at_s)


def inquire(state: State, at_s: float, policy: Policy) -> State:
    """The state with what is to be asked, if anything is."""
    hop = state.hop if policy.leak_check else None
    wanted = inquiry(state.outlook, hop, at_s)
    return state if wanted == state.inquiry else replace(state, inquiry=wanted)
