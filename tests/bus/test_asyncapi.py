"""What integrators read fits what the agents say: examples, page, document."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from bus.asyncapi import document, text
from bus.codec import decode, encode
from bus.examples import EXAMPLES, example_of
from bus.topics import HOME_ENABLE, REQUEST, TOPICS, Topic

FILE: Final = Path(__file__).parents[2] / "docs/asyncapi.json"
EVERY: Final = pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.pattern)


def references(data: Any) -> Iterator[str]:
    """Every `$ref` anywhere in the document."""
    if isinstance(data, dict):
        yield from (value for key, value in data.items() if key == "$ref")
        data = list(data.values())
    if isinstance(data, list):
        for value in data:
            yield from references(value)


@EVERY
def test_an_example_is_what_an_agent_would_take(topic: Topic[object]) -> None:
    example = example_of(topic.payload)
    assert decode(topic.payload, encode(example), strict=True) == example


def test_there_is_one_example_of_each_payload_and_no_other() -> None:
    kinds = [type(example) for example in EXAMPLES]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == {topic.payload for topic in TOPICS}


def test_the_document_is_up_to_date() -> None:
    assert FILE.read_text() == text(), (
        "run: python -m bus.asyncapi > docs/asyncapi.json"
    )


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    found = set(references(whole))
    for reference in found:
        place = whole
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    assert len(found) > 2 * len(TOPICS)


@EVERY
def test_a_channel_has_its_address_its_levels_and_how_it_travels(
    topic: Topic[object],
) -> None:
    whole = document()
    key, channel = next(
        (key, channel)
        for key, channel in whole["channels"].items()
        if channel["address"] == f"vpnchain/{topic.pattern}"
    )
    levels = re.findall(r"\{(\w+)\}", topic.pattern)
    assert list(channel.get("parameters", {})) == levels
    action = "receive" if topic in (HOME_ENABLE, REQUEST) else "send"
    operation = whole["operations"][f"{action}-{key}"]
    assert operation["bindings"]["mqtt"] == {"qos": topic.qos, "retain": topic.retain}
