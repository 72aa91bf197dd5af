"""Who is to be restarted for being silent."""

from dataclasses import replace

from agents.coordinator.model import Exit, Path, State
from agents.coordinator.stuck import stuck
from bus.messages.exits import Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health
from bus.messages.presence import Status

HUNG = Exit("exit-a", stage=Stage.READY, status=Status.ONLINE, heard_s=100.0)
LINKED = State(linked_since_s=10.0)
AFTER_S = 60.0


def found(one: Exit, at_s: float, state: State = LINKED) -> tuple[str, ...]:
    return stuck(state.having(one), {}, AFTER_S, at_s)


def test_an_exit_that_is_silent_for_too_long_is_to_be_restarted() -> None:
    assert found(HUNG, 159.0) == ()
    assert found(HUNG, 160.0) == ("exit-a",)


def test_it_is_asked_for_once_in_that_time() -> None:
    state = LINKED.having(HUNG)
    assert stuck(state, {"exit-a": 160.0}, AFTER_S, 219.0) == ()
    assert stuck(state, {"exit-a": 160.0}, AFTER_S, 220.0) == ("exit-a",)


def test_silence_while_the_bus_was_away_does_not_count() -> None:
    assert found(HUNG, 500.0, replace(LINKED, linked_since_s=450.0)) == ()
    assert found(HUNG, 500.0, replace(LINKED, linked_since_s=None)) == ()


def test_who_carries_the_clients_is_left_alone_however_silent() -> None:
    path = Path(entry="entry", health=Health.UP)
    order = Order(epoch=1, gate=Gate.OPEN, active="exit-a")
    active = replace(LINKED, order=order)
    assert found(replace(HUNG, paths=(path,)), 160.0, active) == ()
    assert found(replace(HUNG, paths=(path,)), 160.0) == ("exit-a",)
    dead = replace(path, health=Health.DOWN)
    assert found(replace(HUNG, paths=(dead,)), 160.0, active) == ("exit-a",)


def test_who_was_stopped_or_never_spoke_as_an_exit_is_left_alone() -> None:
    assert found(replace(HUNG, status=Status.STOPPED), 160.0) == ()
    assert found(Exit("dashboard", status=Status.ONLINE), 160.0) == ()


def test_a_chain_can_do_without() -> None:
    assert stuck(LINKED.having(HUNG), {}, 0.0, 999.0) == ()
