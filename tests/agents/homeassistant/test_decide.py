"""What home automation is told, and what its wishes become: stories without a bus."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from agents.homeassistant.decide import decide
from agents.homeassistant.model import (
    Action,
    Answer,
    Ask,
    Beat,
    Declare,
    Declared,
    Due,
    Event,
    ForgetExit,
    Gone,
    Kind,
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
from bus.commands import Choice, Enable, Mode, Request, Response, Verb
from bus.examples import example_of
from bus.messages.entries import EntryEvent, EntryEventKind, EntryReport, PeerReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.home import HomeChain, HomeEventKind, HomeExit
from bus.messages.orders import Decision, DecisionKind, Gate, History, Hop, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status

POLICY: Final = Policy(exits=("exit-b", "exit-a"), peers=True)
DOWN: Final = ExitReport(stage=Stage.DOWN, since=1.0)
ENTRY: Final = EntryReport(epoch=1, gate=Gate.OPEN, active="exit-a")
PHONE: Final = PeerReport(name="phone", connected=True)
ORDER: Final = Order(
    epoch=1,
    gate=Gate.OPEN,
    active="exit-a",
    exits=(
        Hop(exit="exit-a", address="172.20.0.10"),
        Hop(exit="exit-c", address="172.20.0.12", usable=False),
        Hop(exit="exit-b", address="172.20.0.11"),
    ),
)
PATH: Final = {"entry": "entry", "exit": "exit-a"}
CHOICE: Final[Place] = ("select", "chain-exit")


class Story:
    """What is known, and what was done about it so far."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.state = State()
        self.policy = policy
        self.now_s = 100.0
        self.done: list[Action] = []
        self.hear(Due())

    def hear(self, event: Event) -> Sequence[Action]:
        """What is done about it."""
        self.state, actions = decide(self.state, event, self.policy)
        self.done += actions
        return actions

    def said(self, payload: object, **levels: str) -> Sequence[Action]:
        self.now_s += 1.0
        return self.hear(Said(self.now_s, levels, payload))

    def exits(self, *names: str) -> None:
        for name in names:
            self.said(DOWN, exit=name)

    @property
    def shown(self) -> dict[Place, dict[str, Any]]:
        """All that home automation shows now."""
        shown: dict[Place, dict[str, Any]] = {}
        for action in self.done:
            match action:
                case Declare(place, config):
                    shown[place] = config
                case Withdraw(place):
                    shown.pop(place, None)
                case _:
                    pass
        return shown

    @property
    def chain(self) -> HomeChain:
        said = [one.present for one in self.done if isinstance(one, SayChain)]
        return said[-1]

    def held(self) -> bool:
        return self.chain.held

    def exit(self, name: str) -> HomeExit:
        said = [one for one in self.done if isinstance(one, SayExit)]
        return next(one.present for one in reversed(said) if one.exit == name)


def declared(actions: Iterable[Action]) -> set[Place]:
    return {one.place for one in actions if isinstance(one, Declare)}


# --- devices --------------------------------------------------------------------------


def test_the_chain_is_declared_before_anybody_has_spoken() -> None:
    assert {place[1] for place in Story().shown} == {
        *("chain-active-exit", "chain-public-address", "chain-last-reason"),
        *("chain-moves-today", "chain-last-outage", "chain-gate", "chain-problem"),
        *("chain-kill-switch", "chain-exit", "chain-move", "chain-event"),
    }


def test_an_exit_is_declared_when_it_speaks_and_not_again() -> None:
    story = Story()

    first = story.said(DOWN, exit="exit-a")
    second = story.said(replace(DOWN, stage=Stage.IKE), exit="exit-a")

    assert ("switch", "exit-exit-a-enabled") in declared(first)
    assert declared(second) == set()


def test_an_exit_that_comes_or_goes_changes_what_can_be_chosen_and_nothing_else() -> (
    None
):
    story = Story()
    story.exits("exit-c", "exit-a")

    came = story.said(DOWN, exit="exit-b")
    assert story.shown[CHOICE]["options"] == ["auto", "exit-b", "exit-a", "exit-c"]
    story.hear(Gone(Thing(Kind.EXIT, "exit-a")))
    assert story.shown[CHOICE]["options"] == ["auto", "exit-b", "exit-c"]
    assert {one for one in declared(came) if one[1].startswith("chain")} == {CHOICE}


@pytest.mark.parametrize(
    ("payload", "levels", "thing"),
    [
        (DOWN, {"exit": "exit-a"}, Thing(Kind.EXIT, "exit-a")),
        (ENTRY, {"entry": "entry"}, Thing(Kind.ENTRY, "entry")),
        (PHONE, {"entry": "entry", "peer": "p1"}, Thing(Kind.PEER, "p1", "entry")),
    ],
    ids=["exit", "entry", "peer"],
)
def test_what_is_gone_is_taken_back_whole(
    payload: object, levels: dict[str, str], thing: Thing
) -> None:
    story = Story()
    before = dict(story.shown)

    story.said(payload, **levels)
    assert len(story.shown) > len(before)
    story.hear(Gone(thing))
    assert story.shown == before
    assert story.hear(Gone(thing)) == ()


def test_an_exit_that_is_gone_leaves_no_state_behind() -> None:
    story = Story()
    story.exits("exit-a")

    gone = story.hear(Gone(Thing(Kind.EXIT, "exit-a")))
    assert ForgetExit("exit-a") in gone
    assert not [one for one in story.hear(Beat()) if isinstance(one, SayExit)]


def test_peers_are_shown_only_if_wanted() -> None:
    story = Story(replace(POLICY, peers=False))

    assert declared(story.said(PHONE, entry="entry", peer="p1")) == set()


def test_a_peer_that_is_called_otherwise_is_declared_anew() -> None:
    story = Story()
    story.said(PHONE, entry="entry", peer="p1")

    story.said(replace(PHONE, name="tablet"), entry="entry", peer="p1")
    config = story.shown["binary_sensor", "peer-entry-p1-connected"]
    assert config["device"]["name"] == "tablet"


def test_all_is_declared_again_when_home_automation_comes() -> None:
    story = Story()
    story.exits("exit-a", "exit-b")
    story.said(ENTRY, entry="entry")

    assert declared(story.hear(Due())) == set(story.shown)


def test_what_an_earlier_life_declared_of_things_that_are_gone_is_taken_back() -> None:
    story = Story()
    story.exits("exit-a")

    mine: Place = ("switch", "exit-exit-a-enabled")
    old: Place = ("switch", "exit-exit-z-enabled")
    assert story.hear(Declared(mine)) == ()
    assert story.hear(Declared(old)) == (Withdraw(old),)


def test_what_is_heard_of_a_thing_after_it_went_is_taken_back_again() -> None:
    story = Story()
    story.exits("exit-a")
    story.hear(Gone(Thing(Kind.EXIT, "exit-a")))

    late: Place = ("switch", "exit-exit-a-enabled")
    assert story.hear(Declared(late)) == (Withdraw(late),)


def test_who_does_not_want_it_has_all_taken_back_and_is_not_obeyed() -> None:
    story = Story(replace(POLICY, enabled=False))
    story.exits("exit-a")
    wish = Request(transaction="1", exit="exit-a")

    assert story.shown == {}
    assert story.hear(Declared(CHOICE)) == (Withdraw(CHOICE),)
    assert not [one for one in story.said(wish, verb="use") if isinstance(one, Ask)]
    assert not story.said(Enable(enabled=False), exit="exit-a")


# --- states ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "levels"),
    [
        (replace(ENTRY, active=None), {"entry": "entry"}),
        (replace(ENTRY, gate=Gate.CLOSED, active=None), {"entry": "entry"}),
        (replace(ENTRY, leak="seen from home"), {"entry": "entry"}),
        (Presence(status=Status.OFFLINE, role="entry"), {"agent": "entry"}),
        (PathReport(health=Health.DOWN, since=1.0), PATH),
    ],
    ids=["no exit", "closed", "leak", "no entry", "path down"],
)
def test_the_kill_switch_is_on_while_clients_do_not_get_out(
    payload: object, levels: dict[str, str]
) -> None:
    story = Story()

    story.said(ORDER)
    assert story.held()
    story.said(PathReport(health=Health.UP, since=1.0), **PATH)
    story.said(ENTRY, entry="entry")
    assert not story.held()
    story.said(payload, **levels)
    assert story.held()


def test_the_kill_switch_is_off_though_nobody_orders() -> None:
    story = Story()
    story.said(ENTRY, entry="entry")
    assert story.held()

    story.said(replace(DOWN, stage=Stage.READY), exit="exit-a")
    assert not story.held()
    story.said(Presence(status=Status.OFFLINE), agent="coordinator")
    assert not story.held()


def test_a_path_that_is_measured_no_more_is_known_no_more() -> None:
    story = Story()
    story.said(replace(DOWN, stage=Stage.READY), exit="exit-a")
    story.said(PathReport(health=Health.DOWN, since=1.0), **PATH)
    story.said(ENTRY, entry="entry")
    assert story.held()

    assert story.hear(PathGone("entry", "exit-a")) == (SayChain(story.chain),)
    assert not story.held()
    assert story.hear(PathGone("entry", "exit-a")) == ()


def test_an_entry_that_was_removed_lets_nobody_out() -> None:
    story = Story()
    story.said(PathReport(health=Health.UP, since=1.0), **PATH)
    story.said(ENTRY, entry="entry")
    assert not story.held()

    story.hear(Gone(Thing(Kind.ENTRY, "entry")))
    assert story.held()


def test_the_choice_is_what_people_chose() -> None:
    story = Story()

    story.said(Mode(choice=Choice.ONLY, exit="exit-b"))
    assert story.chain.choice == "exit-b"
    story.said(Mode())
    assert story.chain.choice == "auto"


def test_a_drained_exit_is_disabled_and_said_so_at_once() -> None:
    story = Story()
    story.exits("exit-a", "exit-b")

    story.said(Mode(drained=("exit-b",)))
    assert (story.exit("exit-a").enabled, story.exit("exit-b").enabled) == (True, False)


def test_throughput_is_what_came_between_two_reports() -> None:
    story = Story()
    ready = ExitReport(
        stage=Stage.READY, since=1.0, received_bytes=1_000_000, sent_bytes=0
    )

    story.said(ready, exit="exit-a")
    assert story.exit("exit-a").received_mbit_s is None
    story.said(replace(ready, received_bytes=2_000_000), exit="exit-a")
    assert story.exit("exit-a").received_mbit_s == 8.0
    assert story.exit("exit-a").sent_mbit_s == 0.0


def test_a_tunnel_that_is_new_has_no_throughput_yet() -> None:
    story = Story()
    ready = ExitReport(
        stage=Stage.READY, since=1.0, received_bytes=9_000, sent_bytes=9_000
    )

    story.said(ready, exit="exit-a")
    story.said(replace(ready, received_bytes=0, sent_bytes=0), exit="exit-a")
    assert story.exit("exit-a") == HomeExit(enabled=True)


@pytest.mark.parametrize(
    ("payload", "levels", "problem"),
    [
        (replace(ORDER, active=None, reason="all down"), {}, "no exit carries"),
        (replace(ENTRY, leak="seen from 192.0.2.1"), {"entry": "entry"}, "192.0.2.1"),
        (replace(ENTRY, cause="wg0 is there"), {"entry": "entry"}, "wg0 is there"),
        (replace(DOWN, cause="bad", permanent=True), {"exit": "exit-a"}, "exit-a: bad"),
        (Presence(status=Status.OFFLINE), {"agent": "exit-b"}, "exit-b is offline"),
    ],
    ids=["exhausted", "leak", "entry", "permanent", "offline"],
)
def test_what_somebody_should_look_at_is_a_problem(
    payload: object, levels: dict[str, str], problem: str
) -> None:
    story = Story()

    story.said(payload, **levels)
    (told,) = story.chain.problems
    assert problem in told


def test_long_words_of_others_are_cut() -> None:
    story = Story()

    for number in range(100):
        bad = replace(DOWN, cause="x" * 16_000, permanent=True)
        story.said(bad, exit=f"exit-{number}")
    assert len(story.chain.problems) == 50
    assert {len(told) for told in story.chain.problems} == {255}


def test_what_mends_itself_is_no_problem() -> None:
    story = Story()

    story.said(replace(DOWN, cause="ike: no answer"), exit="exit-a")
    story.said(Presence(status=Status.STOPPED), agent="exit-b")
    assert story.chain.problems == ()


def test_what_has_not_changed_is_not_said_but_with_each_beat() -> None:
    story = Story()
    story.said(ORDER)

    assert story.said(replace(ORDER, seq=2)) == ()
    assert SayChain(story.chain) in story.hear(Beat())


# --- moves and events -----------------------------------------------------------------


def decision(kind: DecisionKind, epoch: int, after: str | None = "exit-b") -> Decision:
    return Decision(
        kind=kind, at=1.0 + epoch, epoch=epoch, before="exit-a", after=after, reason=""
    )


def test_a_move_is_counted_once_and_gets_its_outage_from_the_entry() -> None:
    story = Story()
    failover = decision(DecisionKind.FAILOVER, 7)
    lost = EntryEvent(kind=EntryEventKind.MOVED, at=9.0, epoch=7, outage_ms=31.0)

    story.said(failover)
    story.said(failover)
    story.said(lost, entry="entry")
    assert (story.chain.moves, story.chain.outage_ms) == ((8.0,), 31.0)


def test_what_moved_nobody_is_no_move() -> None:
    story = Story()

    story.said(decision(DecisionKind.EXHAUSTED, 7, after=None))
    story.said(decision(DecisionKind.RANKED, 8, after="exit-a"))
    assert story.chain.moves == ()


def test_the_coordinators_history_counts_and_keeps_what_we_measured() -> None:
    story = Story()
    history = example_of(History)
    last = history.moves[-1]
    lost = EntryEvent(
        kind=EntryEventKind.MOVED, at=9.0, epoch=last.epoch, outage_ms=5.0
    )

    story.said(history)
    assert story.chain.moves == tuple(move.at for move in history.moves)
    story.said(lost, entry="entry")
    story.said(history)
    assert story.chain.outage_ms == 5.0


@pytest.mark.parametrize("kind", DecisionKind)
def test_every_decision_that_matters_at_home_is_an_event(kind: DecisionKind) -> None:
    events = [
        one.event.event_type
        for one in Story().said(decision(kind, 7))
        if isinstance(one, SayEvent)
    ]

    quiet = kind in (DecisionKind.RANKED, DecisionKind.ADOPTED)
    assert events == ([] if quiet else [HomeEventKind(kind.value)])


def test_a_leak_is_an_event() -> None:
    leak = EntryEvent(kind=EntryEventKind.LEAK, at=1.0)

    (said,) = Story().said(leak, entry="entry")
    assert isinstance(said, SayEvent)
    assert said.event.event_type is HomeEventKind.LEAK
    assert said.event.reason.startswith("entry: ")


# --- wishes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ("auto", Ask(Verb.AUTO, "", "7")),
        ("exit-b", Ask(Verb.PREFER, "exit-b", "7")),
    ],
)
def test_a_choice_becomes_the_coordinators_verb(chosen: str, asked: Ask) -> None:
    wish = Request(transaction="7", exit=chosen)

    assert Story().said(wish, agent="homeassistant", verb="use") == (asked,)


def test_to_move_is_to_prefer_the_best_other_exit_that_is_usable() -> None:
    story = Story()
    story.said(ORDER)

    wish = Request(transaction="7")
    assert story.said(wish, verb="move") == (Ask(Verb.PREFER, "exit-b", "7"),)


@pytest.mark.parametrize("known", [True, False])
def test_nobody_moves_where_there_is_no_other_exit(*, known: bool) -> None:
    story = Story()
    if known:
        story.said(ORDER)
    story.said(Mode(drained=("exit-b",)))

    (told,) = story.said(Request(transaction="7"), verb="move")
    assert isinstance(told, Answer)
    assert told.error


@pytest.mark.parametrize(
    ("enabled", "verb"), [(True, Verb.UNDRAIN), (False, Verb.DRAIN)]
)
def test_a_switch_drains_and_undrains(*, enabled: bool, verb: Verb) -> None:
    done = Story().said(Enable(enabled=enabled), exit="exit-a")

    assert done == (Ask(verb, "exit-a"),)


def test_the_coordinators_answer_is_handed_on_once() -> None:
    story = Story()
    story.said(Request(transaction="7", exit="exit-z"), verb="use")
    refused = Response(transaction="7", ok=False, error="no exit exit-z")

    told = story.said(refused, agent="coordinator", verb="prefer")
    again = story.said(refused, agent="coordinator", verb="prefer")
    assert told == (Answer(Verb.USE, "7", "no exit exit-z"),)
    assert again == ()


def test_wishes_that_nobody_answers_do_not_pile_up() -> None:
    story = Story()
    for number in range(200):
        story.said(Request(transaction=str(number), exit="auto"), verb="use")

    assert 0 < len(story.state.asked) <= 50
