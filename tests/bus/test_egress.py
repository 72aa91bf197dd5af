"""Whether clients get out, and by which exit: stories."""

from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from bus.egress import EVIDENCE, Egress, Evidence, away, carries, egress, exits_in_use
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.topics import ENTRY_STATE, EXIT_STATE, ORDER, PATH_STATE, PRESENCE, Topic

# Somebody said this; None: it was taken back.
Word = tuple[Topic[Any], dict[str, str], object | None]

ENTRY: Final = EntryReport(epoch=2, gate=Gate.OPEN, active="exit-a")
READY: Final = ExitReport(stage=Stage.READY, since=1.0)
UP: Final = PathReport(health=Health.UP, since=1.0)


def entry(name: str = "entry", **changes: Any) -> Word:
    return ENTRY_STATE, {"entry": name}, replace(ENTRY, **changes)


def exit_(name: str = "exit-a", **changes: Any) -> Word:
    return EXIT_STATE, {"exit": name}, replace(READY, **changes)


def path(health: Health, name: str = "exit-a", cause: str = "") -> Word:
    levels = {"entry": "entry", "exit": name}
    return PATH_STATE, levels, replace(UP, health=health, cause=cause)


def presence(name: str, status: Status) -> Word:
    return PRESENCE, {"agent": name}, Presence(status=status)


def gone(topic: Topic[Any], **levels: str) -> Word:
    return topic, levels, None


def evidence(*words: Word) -> Evidence:
    said = Evidence()
    for topic, levels, payload in words:
        said.take(topic, levels, payload)
    return said


STANDING: Final[tuple[Word, ...]] = (
    presence("entry", Status.ONLINE),
    presence("exit-a", Status.ONLINE),
    presence("exit-b", Status.ONLINE),
    presence("coordinator", Status.ONLINE),
    exit_("exit-a"),
    exit_("exit-b"),
    path(Health.UP, "exit-a"),
    path(Health.UP, "exit-b"),
    entry(),
)


@dataclass(frozen=True)
class Story:
    """What is said after all stands, and where clients leave then."""

    words: tuple[Word, ...]
    exit: str | None
    held: str = ""


def story(*words: Word, exit: str | None = None, held: str = "") -> Story:  # noqa: A002
    return Story(words, exit, held)


WALKING: Final = "walking: exit-a is down by own probes, and the coordinator is gone"

STORIES: Final = {
    "all_stands": story(exit="exit-a"),
    "no_coordinator": story(presence("coordinator", Status.OFFLINE), exit="exit-a"),
    "no_presence_was_ever_said": story(
        gone(PRESENCE, agent="entry"), gone(PRESENCE, agent="exit-a"), exit="exit-a"
    ),
    "a_slow_path_still_carries": story(path(Health.DEGRADED), exit="exit-a"),
    # the entry is not there
    "the_last_word_of_an_entry_that_vanished_does_not_count": story(
        presence("entry", Status.OFFLINE), held="entry is offline"
    ),
    "nor_that_of_one_that_stopped": story(
        presence("entry", Status.STOPPED), held="entry is stopped"
    ),
    "nor_its_leak": story(
        entry(leak="seen from home"),
        presence("entry", Status.OFFLINE),
        held="entry is offline",
    ),
    "an_entry_that_came_back_counts_again": story(
        presence("entry", Status.OFFLINE),
        presence("entry", Status.ONLINE),
        exit="exit-a",
    ),
    # no exit is left
    "none_left_and_when_none_is_hold": story(
        entry(active=None), held="no exit carries"
    ),
    "none_left_and_when_none_is_close": story(
        entry(gate=Gate.CLOSED, active=None), held="gate closed"
    ),
    "the_gate_could_not_be_opened": story(
        entry(gate=Gate.CLOSED, cause="port 51820 is taken"),
        held="the gate is closed (port 51820 is taken)",
    ),
    "the_order_names_an_exit_that_cannot_be": story(
        entry(active=None, cause="order 2 has no address of exit-a"),
        held="no exit carries (order 2 has no address of exit-a)",
    ),
    # a leak closed the gate; the next hop may stand as before
    "a_leak_closed_the_gate": story(
        entry(gate=Gate.CLOSED, leak="seen from home"), held="seen from home"
    ),
    "a_leak_was_seen_and_the_gate_is_about_to_close": story(
        entry(leak="seen from home"), held="seen from home"
    ),
    # the path is the truth
    "the_path_is_down_whatever_the_exit_says": story(
        path(Health.DOWN, cause="no answer"),
        exit="exit-a",
        held="the path through exit-a is down (no answer)",
    ),
    "the_path_is_down_without_a_word_why": story(
        path(Health.DOWN), exit="exit-a", held="the path through exit-a is down"
    ),
    "the_path_carries_whatever_the_exit_says": story(
        exit_(stage=Stage.PPP), exit="exit-a"
    ),
    "the_path_carries_though_the_agent_of_the_exit_is_gone": story(
        presence("exit-a", Status.OFFLINE), exit="exit-a"
    ),
    "the_path_through_another_exit_is_no_matter": story(
        path(Health.DOWN, "exit-b"), exit="exit-a"
    ),
    "an_entry_that_walks_by_its_own_probes": story(
        presence("coordinator", Status.OFFLINE),
        path(Health.DOWN, "exit-a"),
        entry(active="exit-b", walked=True, cause=WALKING),
        exit="exit-b",
    ),
    # no path is measured
    "an_unmeasured_path_and_a_ready_exit": story(path(Health.UNKNOWN), exit="exit-a"),
    "no_path_and_a_ready_exit": story(
        gone(PATH_STATE, entry="entry", exit="exit-a"), exit="exit-a"
    ),
    "an_open_gate_to_an_exit_that_is_not_ready": story(
        path(Health.UNKNOWN),
        exit_(stage=Stage.PPP),
        exit="exit-a",
        held="exit-a is ppp",
    ),
    "an_open_gate_to_an_exit_that_nobody_knows": story(
        gone(PATH_STATE, entry="entry", exit="exit-a"),
        gone(EXIT_STATE, exit="exit-a"),
        exit="exit-a",
        held="nothing is known of exit-a",
    ),
    "the_last_word_of_an_exit_that_vanished_does_not_count": story(
        path(Health.UNKNOWN),
        presence("exit-a", Status.OFFLINE),
        exit="exit-a",
        held="exit-a is offline",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_where_the_clients_of_an_entry_leave(name: str) -> None:
    told = STORIES[name]
    said = evidence(*STANDING, *told.words)

    assert egress("entry", said) == Egress(told.exit, told.held)
    assert carries(said) == (not told.held)
    assert exits_in_use(said) == ({told.exit} if told.exit else frozenset())


def test_nobody_gets_out_where_no_entry_has_reported() -> None:
    said = evidence(*STANDING, gone(ENTRY_STATE, entry="entry"))

    assert not carries(said)
    assert exits_in_use(said) == frozenset()
    with pytest.raises(KeyError):
        egress("entry", said)


@pytest.mark.parametrize("stage", Stage)
def test_without_a_path_an_exit_has_to_be_ready(stage: Stage) -> None:
    said = evidence(*STANDING, path(Health.UNKNOWN), exit_(stage=stage))

    assert carries(said) is (stage is Stage.READY)


def test_one_entry_whose_clients_are_held_is_one_too_many() -> None:
    said = evidence(*STANDING, entry("entry-2", active=None))

    assert not carries(said)
    assert egress("entry", said).held == ""


def test_an_entry_that_left_takes_nothing_from_one_that_carries() -> None:
    left = presence("entry-2", Status.STOPPED)
    said = evidence(*STANDING, entry("entry-2", active="exit-b"), left)

    assert carries(said)
    assert exits_in_use(said) == {"exit-a"}
    assert egress("entry-2", said).held == "entry-2 is stopped"


def test_each_entry_sends_to_an_exit_of_its_own() -> None:
    said = evidence(*STANDING, entry("entry-2", active="exit-b"))

    assert carries(said)
    assert exits_in_use(said) == {"exit-a", "exit-b"}


def test_an_order_bears_on_nothing() -> None:
    said = evidence(*STANDING)
    order = Order(epoch=9, gate=Gate.CLOSED)

    assert not said.take(ORDER, {}, order)
    assert said == evidence(*STANDING)


def test_what_bears_on_the_answer_is_said_so() -> None:
    said = Evidence()

    assert all(said.take(topic, {"x": "x"}, None) for topic in EVIDENCE)


def test_who_is_away_is_said_in_a_word() -> None:
    said = evidence(presence("entry", Status.OFFLINE))

    assert away("entry", said) == "offline"
    assert away("nobody", said) == ""
