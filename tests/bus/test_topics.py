"""The one declaration of topics keeps its own rules."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest

from bus.commands import VERBS
from bus.interface import Subscription
from bus.messages.stamp import Stamp
from bus.reference import text
from bus.topics import EXIT_STATE, PEER_STATE, REQUEST, TOPICS, Topic, topic_of

PAGE: Final = Path(__file__).parents[2] / "docs/topics.md"
EVERY: Final = pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.pattern)


def levels_of(topic: Topic[object]) -> dict[str, str]:
    return {name: f"some-{name}" for name in re.findall(r"\{(\w+)\}", topic.pattern)}


@EVERY
def test_a_name_leads_back_to_its_topic_and_levels(topic: Topic[object]) -> None:
    levels = levels_of(topic)
    name = topic.name(**levels)
    assert topic.levels(name) == levels
    assert topic_of(name) is topic


@EVERY
def test_a_state_has_a_stamp_and_an_event_a_time(topic: Topic[object]) -> None:
    if topic.retain:
        assert issubclass(topic.payload, Stamp)
    else:
        names = {field.name for field in fields(topic.payload)}  # type: ignore[arg-type]
        assert names & {"at", "transaction"}


@EVERY
def test_the_writer_is_one_agent_of_the_topic_or_a_fixed_one(
    topic: Topic[object],
) -> None:
    holes = set(re.findall(r"\{(\w+)\}", topic.writer))
    assert holes <= set(levels_of(topic))
    fixed = ("containers", "coordinator", "homeassistant", "operator")
    assert holes or topic.writer in fixed


@EVERY
def test_only_commands_are_strict_and_never_retained(topic: Topic[object]) -> None:
    assert not (topic.strict and topic.retain)
    assert topic.strict == (topic.writer == "operator")


def test_no_two_topics_share_a_name() -> None:
    patterns = [topic.filter for topic in TOPICS]
    assert len(set(patterns)) == len(patterns)


@pytest.mark.parametrize("level", ["", "A", "a/b", "+", "#", "a b", "ä", "x" * 65])
def test_a_level_is_an_id(level: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        EXIT_STATE.name(exit=level)
    assert EXIT_STATE.levels(f"exit/{level}/state") is None


@pytest.mark.parametrize("name", ["exit/a", "exit/a/state/x", "entry/a/state", ""])
def test_the_name_of_another_is_not_ours(name: str) -> None:
    assert EXIT_STATE.levels(name) is None


def test_nobody_owns_a_foreign_name() -> None:
    assert topic_of("homeassistant/sensor/x/config") is None


def test_a_subscription_fixes_the_levels_it_names() -> None:
    wanted = Subscription(PEER_STATE, {"entry": "e"})
    assert wanted.filter == "entry/e/peer/+"
    assert wanted.match("entry/e/peer/p") == {"entry": "e", "peer": "p"}
    assert wanted.match("entry/f/peer/p") is None
    assert wanted.match("entry/e/state") is None


def test_the_topic_of_requests_names_every_verb() -> None:
    verbs = {f"`{verb}`" for known in VERBS.values() for verb in known}
    assert [verb for verb in sorted(verbs) if verb not in REQUEST.about] == []


def test_the_reference_is_up_to_date() -> None:
    assert PAGE.read_text() == text(), "run: python -m bus.reference > docs/topics.md"
