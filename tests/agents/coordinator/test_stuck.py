"""Who is to be restarted for being silent."""

from dataclasses import replace

from agents.coordinator.events import BusLost, EntryReported, PresenceSaid
from agents.coordinator.model import Exit, Path, State
from agents.coordinator.stuck import Others, noted, stuck
from bus.messages.entries import EntryReport
from bus.messages.exits import Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health
from bus.messages.presence import Presence, Status

HUNG = Exit("exit-a", stage=Stage.READY, status=Status.ONLINE, heard_s=100.0)
LINKED = State(linked_since_s=10.0)
AFTER_S = 60.0


def found(one: Exit, at_s: float, state: State = LINKED) -> tuple[str, ...]:
    return stuck(state.having(one), {}, {}, AFTER_S, at_s)


def said(
    role: str, status: Status, *, at_s: float = 100.0, echo: bool = False
) -> Others:
    """What is known once an agent of that name and role has said so."""
    presence = Presence(status=status, role=role)
    return noted({}, PresenceSaid(at_s, role, presence, echo))


def entry_through(active: str | None) -> Others:
    """An entry that has sent clients there, and hangs."""
    gone = said("entry", Status.OFFLINE)
    report = EntryReport(epoch=1, gate=Gate.OPEN, active=active)
    return noted(gone, EntryReported(101.0, "entry", report))


def others_found(others: Others, at_s: float, state: State = LINKED) -> tuple[str, ...]:
    return stuck(state, others, {}, AFTER_S, at_s)


def test_an_exit_that_is_silent_for_too_long_is_to_be_restarted() -> None:
    assert found(HUNG, 159.0) == ()
    assert found(HUNG, 160.0) == ("exit-a",)


def test_it_is_asked_for_once_in_that_time() -> None:
    state = LINKED.having(HUNG)
    assert stuck(state, {}, {"exit-a": 160.0}, AFTER_S, 219.0) == ()
    assert stuck(state, {}, {"exit-a": 160.0}, AFTER_S, 220.0) == ("exit-a",)


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
    assert stuck(LINKED.having(HUNG), {}, {}, 0.0, 999.0) == ()


def test_whoever_shows_the_chain_is_restarted_when_the_broker_has_lost_it() -> None:
    lost = said("dashboard", Status.OFFLINE)
    assert others_found(lost, 159.0) == ()
    assert others_found(lost, 160.0) == ("dashboard",)
    assert others_found(lost, 160.0, replace(LINKED, linked_since_s=120.0)) == ()


def test_it_counts_from_the_first_word_of_its_loss() -> None:
    lost = said("metrics", Status.OFFLINE)
    again = PresenceSaid(
        150.0, "metrics", Presence(status=Status.OFFLINE, role="metrics")
    )
    assert others_found(noted(lost, again), 160.0) == ("metrics",)


def test_who_is_back_or_said_farewell_or_was_long_gone_is_left_alone() -> None:
    lost = said("metrics", Status.OFFLINE)
    for status in (Status.ONLINE, Status.STOPPED):
        later = PresenceSaid(120.0, "metrics", Presence(status=status, role="metrics"))
        assert others_found(noted(lost, later), 500.0) == ()
    assert others_found(said("metrics", Status.OFFLINE, echo=True), 500.0) == ()


def test_nobody_asks_for_himself_nor_for_who_would_do_it() -> None:
    for role in ("coordinator", "containers", ""):
        assert others_found(said(role, Status.OFFLINE), 500.0) == ()


def test_an_entry_that_hangs_is_restarted_once_its_clients_have_no_way() -> None:
    ready = Exit("exit-a", stage=Stage.READY, status=Status.ONLINE, heard_s=490.0)
    carrying = LINKED.having(ready)
    assert others_found(entry_through("exit-a"), 500.0, carrying) == ()
    assert others_found(entry_through(None), 500.0, carrying) == ("entry",)
    ended = LINKED.having(replace(ready, stage=Stage.DOWN))
    assert others_found(entry_through("exit-a"), 500.0, ended) == ("entry",)
    stopped = LINKED.having(replace(ready, status=Status.STOPPED))
    assert others_found(entry_through("exit-a"), 500.0, stopped) == ("entry",)


def test_where_exit_and_entry_hang_both_are_left_alone_for_they_may_carry() -> None:
    order = Order(epoch=1, gate=Gate.OPEN, active="exit-a")
    silent = replace(HUNG, stage=None, status=Status.OFFLINE)
    state = replace(LINKED, order=order).having(silent)
    assert others_found(entry_through("exit-a"), 500.0, state) == ()


def test_what_says_nothing_of_others_changes_nothing() -> None:
    known = entry_through("exit-a")
    report = EntryReport(epoch=2, gate=Gate.OPEN, active="exit-a")
    assert noted(known, EntryReported(102.0, "entry", report)) is known
    assert noted(known, BusLost(103.0)) is known
