"""An order names the resolvers that can be asked through each exit."""

from collections.abc import Sequence
from dataclasses import replace

from agents.coordinator.decide import decide
from agents.coordinator.events import Event, ExitReported, OrderHeard, SayOrder, Tick
from agents.coordinator.model import State
from bus.messages.exits import Stage
from bus.messages.orders import Gate, Hop
from tests.agents.coordinator.story import POLICY
from tests.agents.coordinator.words import address_of, connected, order, ready, says

DNS = ("10.201.0.1", "10.201.0.2")


def named(at_s: float, exit_: str, dns: tuple[str, ...]) -> ExitReported:
    """An exit that is ready, and knows its provider's resolvers."""
    report = replace(ready(at_s, exit_).report, dns=dns)
    return ExitReported(at_s, exit_, report)


def last_order(events: Sequence[Event]) -> dict[str, tuple[str, ...]]:
    """The resolvers of each exit, as was said last."""
    state, said = State(), {}
    for event in events:
        state, actions = decide(state, event, POLICY)
        for action in actions:
            if isinstance(action, SayOrder):
                said = {hop.exit: hop.dns for hop in action.order.exits}
    return said


def test_an_order_names_what_the_exits_named() -> None:
    events = (connected(), named(1.0, "a", DNS), ready(1.0, "b"), Tick(3.0))

    assert last_order(events) == {"a": DNS, "b": ()}


def test_what_is_learned_later_is_said_later() -> None:
    events = (connected(), ready(1.0, "a"), Tick(3.0), named(5.0, "a", DNS))

    assert last_order(events) == {"a": DNS}


def test_resolvers_are_remembered_while_ppp0_is_not_there() -> None:
    events = (
        *(connected(), named(1.0, "a", DNS), ready(1.0, "b"), Tick(3.0)),
        says(5.0, "a", Stage.DOWN),
    )

    assert last_order(events) == {"b": (), "a": DNS}


def test_a_successor_has_them_from_the_order_that_it_takes_over() -> None:
    heard = order(7, Gate.OPEN, "a")
    hops = (Hop(exit="a", address=address_of("a"), dns=DNS),)
    taken = replace(heard, exits=hops)
    state, _ = decide(State(), connected(), POLICY)

    state, _ = decide(state, OrderHeard(0.1, taken), POLICY)

    assert state.exit("a").dns == DNS
