"""`python -m bus.reference > docs/topics.md`: the topics as people read them.

Everything in it comes from `bus/topics.py` and `bus/messages/`; a test compares.
"""

import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from typing import Any, Final

from bus.codec import as_data
from bus.examples import example_of
from bus.messages.stamp import Stamp
from bus.topics import TOPICS

HEAD: Final = """\
# Topics

Every topic of the bus; `python -m bus.reference > docs/topics.md` writes this page from
`bus/topics.py`. Names are relative to the base level of the settings, `vpnchain` by
default; `{exit}` stands for one level of `[a-z0-9-]`. Payloads are JSON objects.

*States* are retained: who subscribes hears the present at once. *Events* and *commands*
are not. Unknown fields are ignored, but refused in commands. An empty retained payload
takes a state back. Times are Unix seconds.

What is said here stays: fields and topics are only ever added, with a default for who
does not know them, and no field changes its meaning. `docs/asyncapi.json` says the same
to programs, as AsyncAPI 3.0 with JSON Schema.
"""
STAMPED: Final = (
    "With the stamp `at`, `boot` and `seq`: when, in which life, as which word."
)

ATTRIBUTE: Final = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
MEMBER: Final = re.compile(r"^ {4}\w+ = \"(.+)\"  # (.+)$", re.MULTILINE)


def text() -> str:
    """The whole reference as Markdown."""
    return "\n".join([HEAD, *_table(), "", *_payloads()])


def _table() -> Iterator[str]:
    yield "| Topic | Said by | Retained | QoS | Payload | What |"
    yield "|---|---|---|---|---|---|"
    for topic in TOPICS:
        payload = topic.payload.__name__
        cells = (
            f"`{topic.pattern}`",
            f"`{topic.writer}`",
            "yes" if topic.retain else "no",
            str(topic.qos),
            f"[{payload}](#{payload.lower()})",
            topic.about,
        )
        yield f"| {' | '.join(cells)} |"


def _payloads() -> Iterator[str]:
    kinds = list(dict.fromkeys(topic.payload for topic in TOPICS))
    parts = list(dict.fromkeys(part for kind in kinds for part in _parts(kind)))
    for kind in (*kinds, *(part for part in parts if is_dataclass(part))):
        yield from _head(kind)
        if issubclass(kind, Stamp):
            yield STAMPED
            yield ""
        yield from _fields(kind)
        yield ""
        if kind in kinds:
            yield from _example(kind)
    for part in parts:
        if issubclass(part, StrEnum):
            yield from _head(part)
            yield from _members(part)
            yield ""


def _example(kind: type[Any]) -> Iterator[str]:
    yield "```json"
    yield json.dumps(as_data(example_of(kind)), indent=2)
    yield "```"
    yield ""


def _parts(kind: type[Any]) -> Iterator[type[Any]]:
    """Payloads and words of ours within a payload, in the order of its fields."""
    for hint in typing.get_type_hints(kind).values():
        for inner in (hint, *typing.get_args(hint)):
            if inspect.isclass(inner) and inner.__module__.startswith("bus."):
                yield inner


def _head(kind: type[Any]) -> Iterator[str]:
    yield f"## {kind.__name__}"
    yield ""
    yield _summary(kind)
    yield ""


def _members(kind: type[StrEnum]) -> Iterator[str]:
    about = dict(MEMBER.findall(inspect.getsource(kind)))
    for member in kind:
        words = about.get(member.value, "")
        yield f"- `{member.value}`: {words}" if words else f"- `{member.value}`"


def _summary(kind: type[Any]) -> str:
    """The first paragraph of the docstring on one line."""
    paragraph = inspect.getdoc(kind) or ""
    return " ".join(paragraph.split("\n\n")[0].split())


def _fields(kind: type[Any]) -> Iterator[str]:
    about = {
        name: " ".join(words.split())
        for name, words in ATTRIBUTE.findall(inspect.getdoc(kind) or "")
    }
    hints = typing.get_type_hints(kind)
    yield "| Field | Type | Default | Meaning |"
    yield "|---|---|---|---|"
    stamp = (
        {field.name for field in fields(Stamp)} if issubclass(kind, Stamp) else set()
    )
    for field in fields(kind):
        if field.name not in stamp:
            cells = (
                f"`{field.name}`",
                _type(hints[field.name]),
                _default(field),
                about.get(field.name, ""),
            )
            yield f"| {' | '.join(cells)} |"


def _type(hint: Any) -> str:
    """A type in the words of JSON."""
    inner = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return " or ".join(_type(one) for one in inner)
    if typing.get_origin(hint) is tuple:
        return f"list of {_type(inner[0])}"
    if typing.get_origin(hint) is dict:
        return f"object of {_type(inner[1])}"
    names = {str: "text", float: "number", int: "whole number", bool: "true or false"}
    names[types.NoneType] = "null"
    return names.get(hint, f"[{hint.__name__}](#{hint.__name__.lower()})")


def _default(field: Field[Any]) -> str:
    if field.default_factory is not MISSING:
        return "`{}`"
    if field.default is MISSING:
        return "required"
    return f"`{json.dumps(field.default)}`"


if __name__ == "__main__":
    sys.stdout.write(text())
