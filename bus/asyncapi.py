"""`python -m bus.asyncapi > docs/asyncapi.json`: the topics as programs read them.

An AsyncAPI 3.0 document, from `bus/topics.py` alone; a test compares. It describes the
chain as one application: it sends all but the operators' wishes, which it receives.
Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import json
import re
import sys
from typing import Any, Final

from bus.codec import as_data, schemas
from bus.examples import example_of
from bus.link import VERSION
from bus.names import ID
from bus.topics import TOPICS, Topic

BASE: Final = "vpnchain"
DESCRIPTION: Final = (
    "States are retained: who subscribes hears the present at once. Events and "
    "commands are not. An empty retained payload takes a state back. Times are Unix "
    "seconds. Fields are only ever added, so readers ignore what they do not know; "
    "in a request an unknown field is refused."
)


def document() -> dict[str, Any]:
    """The whole document as plain data."""
    payloads = {topic.payload.__name__: topic.payload for topic in TOPICS}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "vpnchain", "version": VERSION, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {"broker": {"host": "broker:1883", "protocol": "mqtt"}},
        "channels": {_key(topic): _channel(topic) for topic in TOPICS},
        "operations": {
            f"{_action(topic)}-{_key(topic)}": _operation(topic) for topic in TOPICS
        },
        "components": {
            "messages": {name: _message(kind) for name, kind in payloads.items()},
            "schemas": schemas(payloads.values()),
        },
    }


def _key(topic: Topic[object]) -> str:
    """A name for the channel: the levels of its topic that are fixed."""
    return "-".join(re.findall(r"(?<![{\w])\w+(?![}\w])", topic.pattern))


def _channel(topic: Topic[object]) -> dict[str, Any]:
    name = topic.payload.__name__
    levels = re.findall(r"\{(\w+)\}", topic.pattern)
    about = {level: {"description": f"One level of {ID.pattern}"} for level in levels}
    return {
        "address": f"{BASE}/{topic.pattern}",
        "description": topic.about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        **({"parameters": about} if about else {}),
    }


def _action(topic: Topic[object]) -> str:
    return "receive" if topic.writer == "operator" else "send"


def _operation(topic: Topic[object]) -> dict[str, Any]:
    return {
        "action": _action(topic),
        "channel": {"$ref": f"#/channels/{_key(topic)}"},
        "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retain}},
    }


def _message(payload: type[object]) -> dict[str, Any]:
    name = payload.__name__
    return {
        "name": name,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [{"payload": as_data(example_of(payload))}],
    }


def text() -> str:
    """The document as JSON that people can read too."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
