"""Plays an input: every record is said to an agent. What it raises is a finding."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bus.codec import decode, encode
from bus.commands import Verb
from bus.errors import PayloadError
from bus.interface import BusDown, BusUp, Heard, Received, Subscription, read
from tests.fuzz.records import Record, split
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from tests.fuzz.mouth import Target

NAMES: Final = ("exit-a", "exit-b", "exit-c", "entry", "coordinator", "phone", "x" * 64)
VERBS: Final = tuple(Verb)
LONGEST_MISFIT: Final = 1_000  # it goes into a log
BAD: Final = ("", "Exit", "#", "x" * 65)  # no broker passes them on
WHOM: Final = max(len(NAMES), len(VERBS)) + len(BAD)  # each of these means another


def _pairs() -> Iterator[tuple[str, Subscription | BusUp | BusDown]]:
    for role, kind in TARGETS.items():
        for subscription in kind().subscriptions:
            yield role, subscription
        yield role, BusUp()
        yield role, BusDown()


PAIRS: Final = tuple(_pairs())


def play(data: bytes) -> int:
    """Says all of the input; how many payloads that were.

    Raises:
        AssertionError: Something that must hold does not; any other exception is worse.
    """
    targets: dict[str, Target] = {}
    at_s, said = 1_000.0, 0
    for record in split(data):
        at_s += record.pause_s
        role, pair = PAIRS[record.topic % len(PAIRS)]
        if role not in targets:
            targets[role] = TARGETS[role]()
            targets[role].hear(BusUp(), at_s)
        said += isinstance(pair, Subscription)
        heard = _heard(pair, record)
        if heard is not None:
            targets[role].hear(heard, at_s)
    return said


def _heard(pair: Subscription | BusUp | BusDown, record: Record) -> Heard | None:
    if not isinstance(pair, Subscription):
        return pair
    name = name_of(pair, record.whom)
    try:
        heard = read([pair], name, record.raw, retained=record.retained)
    except PayloadError as error:
        misfit = str(error)
    else:
        if isinstance(heard, Received):
            _check(heard)
        return heard
    assert len(misfit) < LONGEST_MISFIT
    return None


def name_of(subscription: Subscription, whom: int) -> str:
    """A topic that the subscription hears, by that number; a strange one at times."""

    def fill(match: re.Match[str]) -> str:
        choices = (*(VERBS if match[1] == "verb" else NAMES), *BAD)
        fixed = subscription.levels.get(match[1])
        return fixed or choices[whom % len(choices)]

    return re.sub(r"\{(\w+)\}", fill, subscription.topic.pattern)


def _check(heard: Received[Any]) -> None:
    """What was read can be said again, and is read as the same."""
    assert isinstance(heard.payload, heard.topic.payload)
    assert heard.topic.retain or not heard.retained
    raw = encode(heard.payload)
    assert decode(heard.topic.payload, raw, strict=True) == heard.payload
