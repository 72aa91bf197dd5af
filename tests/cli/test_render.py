"""Everything that may be heard, in words."""

import re
from dataclasses import replace
from datetime import UTC

import pytest

from bus.examples import example_of
from bus.interface import BusUp, Heard, Received
from bus.messages.containers import (
    ContainerEvent,
    ContainerEventKind,
)
from bus.messages.entries import EntryEventKind
from bus.messages.exits import ExitEventKind, Stage
from bus.messages.home import HomeChain, HomeEvent, HomeEventKind
from bus.messages.orders import DecisionKind, Gate, Move
from bus.topics import (
    CONTAINER_EVENT,
    HOME_CHAIN,
    HOME_EVENT,
    TELEMETRY,
    TOPICS,
    Topic,
)
from cli.line import Line, Mood, text_of
from cli.render import line_of, line_of_decision
from tests.cli.phrases import HELD, TAKES, WORDS
from tests.cli.said import (
    at_entry,
    decision,
    entry,
    happened,
    heard,
    order,
    report,
)


@pytest.mark.parametrize(("said", "who", "what", "detail"), WORDS)
def test_what_is_heard_in_words(said: Heard, who: str, what: str, detail: str) -> None:
    line = line_of(said)

    assert (line.who, line.what, line.detail) == (who, what, detail)


@pytest.mark.parametrize("kind", DecisionKind)
def test_every_decision_has_words(kind: DecisionKind) -> None:
    assert line_of(decision(kind)).what.endswith(": because")


def test_a_remembered_move_tells_its_outage() -> None:
    move = Move(
        kind=DecisionKind.FAILOVER,
        at=1.0,
        epoch=3,
        before="exit-a",
        after="exit-b",
        reason="because",
        outage_ms=212.0,
    )

    line = line_of_decision(move)

    assert line.what == "moves the clients from exit-a to exit-b: because"
    assert line.detail == "order 3, outage 212 ms"


@pytest.mark.parametrize("kind", EntryEventKind)
def test_every_event_of_an_entry_has_words(kind: EntryEventKind) -> None:
    assert line_of(at_entry(kind)).what


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_words(stage: Stage) -> None:
    assert line_of(report(stage=stage)).what


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.pattern)
def test_every_topic_is_told_in_words(topic: Topic[object]) -> None:
    levels = {level: f"some-{level}" for level in re.findall(r"{(\w+)}", topic.pattern)}

    line = line_of(Received(topic, levels, example_of(topic.payload)))

    told = text_of(line, 2.0, UTC).plain
    assert line.what != topic.name(**levels)  # which stands in for words
    assert not re.search(r"\w\(|<\w|[{}\[\]=]|\b(None|True|False)\b", told)


@pytest.mark.parametrize("kind", HomeEventKind)
def test_every_event_told_to_a_home_has_words(kind: HomeEventKind) -> None:
    said = HomeEvent(event_type=kind, at=1.0, before="exit-a", after="exit-b")

    assert line_of(heard(HOME_EVENT, said)).what.startswith("tells the home that ")


def test_what_has_no_words_is_told_as_it_is() -> None:
    topic = Topic("some/{agent}/thing", int, writer="x", retain=True, about="")

    line = line_of(Received(topic, {"agent": "exit-a"}, 42))

    assert (line.who, line.what, line.detail) == ("exit-a", "some/exit-a/thing", "42")


@pytest.mark.parametrize("kind", ContainerEventKind)
def test_every_event_of_a_container_has_words(kind: ContainerEventKind) -> None:
    said = ContainerEvent(kind=kind, at=1.0, container="c", health="healthy")

    assert line_of(heard(CONTAINER_EVENT, said, agent="exit-a")).what.startswith(
        "container c "
    )


@pytest.mark.parametrize(
    ("said", "mood"),
    [
        (report(stage=Stage.READY), Mood.GOOD),
        (report(stage=Stage.L2TP), Mood.WORRYING),
        (report(stage=Stage.DOWN), Mood.BAD),
        (happened(ExitEventKind.STAGE, after=Stage.READY), Mood.GOOD),
        (decision(DecisionKind.EXHAUSTED), Mood.BAD),
        (decision(DecisionKind.FAILOVER), Mood.TELLING),
        (order(Gate.OPEN, None), Mood.WORRYING),
        (entry(), Mood.GOOD),
        (entry(cause="no address"), Mood.WORRYING),
        (entry(gate=Gate.CLOSED), Mood.WORRYING),
        (entry(gate=Gate.CLOSED, leak="seen as 192.0.2.9"), Mood.BAD),
        (heard(TELEMETRY, TAKES, agent="exit-a"), Mood.NEUTRAL),
        (heard(TELEMETRY, replace(TAKES, dropped=1), agent="exit-a"), Mood.WORRYING),
        (heard(HOME_CHAIN, HELD), Mood.BAD),
        (heard(HOME_CHAIN, replace(HELD, held=False)), Mood.WORRYING),
        (heard(HOME_CHAIN, HomeChain(choice="auto", held=False)), Mood.GOOD),
    ],
)
def test_a_line_shows_how_it_feels(said: Heard, mood: Mood) -> None:
    assert line_of(said).mood is mood


def test_a_line_has_time_who_what_and_detail() -> None:
    line = Line("exit-a", "ready", Mood.GOOD, "rtt 3 ms", at=1.5)

    text = text_of(line, 99.0, UTC)

    assert text.plain == "00:00:01.500  exit-a            ready  rtt 3 ms"
    assert any(span.style == "green" for span in text.spans)


def test_what_does_not_say_when_happened_now() -> None:
    assert text_of(line_of(BusUp()), 2.0, UTC).plain.startswith("00:00:02.000")


def test_a_stranger_cannot_steer_the_terminal() -> None:
    line = line_of(report(cause="\x1b]0;owned\x07"))

    assert "\x1b" not in text_of(line, 2.0, UTC).plain
