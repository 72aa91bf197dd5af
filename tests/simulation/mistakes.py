"""Chains with one mistake each: who trusts the watch must have seen it complain."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from agents.coordinator import decide as coordinating
from agents.coordinator import events as orders
from agents.coordinator import model as coordinator
from agents.entry import decide as entering
from agents.entry import events as entry_events
from agents.entry import model as entry
from agents.entry.control_plane import Control
from tests.simulation.setup import USUAL, Setup

EntryDecided = tuple[entry.State, tuple[entry.Action, ...]]
CoordinatorDecided = tuple[coordinator.State, tuple[orders.Action, ...]]

RESTLESS_S: Final = 115.0


def trusting(
    state: entry.State, event: entry_events.Event, policy: entry.Policy
) -> EntryDecided:
    """The entry's rules, but there is always somebody to order."""
    ruled = Control(linked=True, heard_s=event.at_s)
    return entering.decide(replace(state, control=ruled), event, policy)


def hasty(
    state: entry.State, event: entry_events.Event, policy: entry.Policy
) -> EntryDecided:
    """The entry's rules, but a coordinator that is back has always been back."""
    if state.walk is not None and state.walk.back_s is not None:
        state = replace(state, walk=replace(state.walk, back_s=0.0))
    return entering.decide(state, event, policy)


def obedient(
    state: entry.State, event: entry_events.Event, policy: entry.Policy
) -> EntryDecided:
    """The entry's rules, but the order that came last counts, not the latest one."""
    if isinstance(event, entry_events.Ordered) and state.order is not None:
        state = replace(state, order=replace(state.order, epoch=-1))
    return entering.decide(state, event, policy)


def restless(
    state: coordinator.State, event: orders.Event, policy: coordinator.Policy
) -> CoordinatorDecided:
    """The coordinator's rules, but some day the worst exit is liked best."""
    if event.at_s > RESTLESS_S:
        policy = replace(policy, exits=policy.exits[::-1])
    return coordinating.decide(state, event, policy)


def counting_anew(
    state: coordinator.State, event: orders.Event, policy: coordinator.Policy
) -> CoordinatorDecided:
    """The coordinator's rules, but what a predecessor ordered is not heard."""
    if isinstance(event, orders.OrderHeard | orders.EntryReported):
        return state, ()
    return coordinating.decide(state, event, policy)


# Each with what the watch says of it.
MISTAKES: Final[Mapping[str, tuple[Setup, str]]] = {
    "a slow detector": (replace(USUAL, detects_s=(3.0, 4.0)), "nothing carried"),
    "clients who never return": (
        replace(USUAL, policy=replace(USUAL.policy, settle_s=1e6)),
        "not converged",
    ),
    "an entry that never walks": (
        replace(USUAL, entry_rules=trusting),
        "nothing carried",
    ),
    "an entry that does not wait to be adopted": (
        replace(USUAL, entry_rules=hasty),
        "left exit",
    ),
    "an entry that obeys whoever counts anew": (
        replace(USUAL, coordinator_rules=counting_anew, entry_rules=obedient),
        "order ",
    ),
    "a coordinator that moves for nothing": (
        replace(USUAL, coordinator_rules=restless),
        "moved from",
    ),
    "a coordinator that counts anew": (
        replace(USUAL, coordinator_rules=counting_anew),
        "not converged",
    ),
}
