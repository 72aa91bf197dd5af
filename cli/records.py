"""What the commands tell to programs: JSON objects. Pure."""

from dataclasses import asdict
from typing import Any

from bus.interface import BusUp, Forgotten, Heard, Received
from bus.messages.orders import Move
from bus.topics import HISTORY
from cli.snapshot import Snapshot


def record_of(heard: Heard, now: float) -> dict[str, Any]:
    """What was heard as a JSON object; `now`: when, Unix seconds."""
    match heard:
        case Received(topic, levels, payload, retained):
            name = topic.name(**levels)
            said = {"topic": name, "retained": retained, "payload": payload}
            return {"heard_at": now, **said}
        case Forgotten(topic, levels):
            name = topic.name(**levels)
            return {"heard_at": now, "topic": name, "retained": False, "payload": None}
        case _:
            up = isinstance(heard, BusUp)
            return {"heard_at": now, "link": "up" if up else "down"}


def record_of_move(move: Move, now: float) -> dict[str, Any]:
    """A remembered move, in the form of what is heard."""
    said = {"topic": HISTORY.name(), "retained": True, "payload": move}
    return {"heard_at": now, **said}


def summary_of(snapshot: Snapshot) -> dict[str, Any]:
    """The present as a JSON object."""
    judged = {"ok": snapshot.carries, "held": dict(snapshot.held)}
    return {**judged, **asdict(snapshot)}
