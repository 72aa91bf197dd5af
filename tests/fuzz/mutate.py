"""Where a fuzzer begins, and how it goes on: messages that almost make sense.

Bytes changed at random hardly ever stay JSON, so most changes are made to its tree.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from random import Random
from typing import Any, Final

import orjson

from bus.codec import encode
from bus.commands import Request
from bus.examples import example_of
from bus.interface import Subscription
from bus.topics import REQUEST
from tests.fuzz.door import ENTRY_KEY, PHONE, TABLET
from tests.fuzz.play import PAIRS, VERBS, WHOM
from tests.fuzz.records import MOST, Record, join, split

LONGEST_BYTES: Final = 8_192
DEEP: Final = 100
# Whoever is asked finds in it what its verb needs.
WISH: Final = Request(
    transaction="5f0c2d7e-1",
    exit="exit-b",
    agent="exit-b",
    peer="tablet",
    public_key=TABLET,
)

_NAMES: Final = ("exit-a", "exit-b", "exit-c", "exit-d", None, "", "entry")
# Values that fit their field, and mean something else.
FITTING: Final[Mapping[str, tuple[Any, ...]]] = {
    "address": (
        *("172.20.0.10", "172.20.0.11", "172.20.0.1", "172.20.0.2", "172.20.255.255"),
        *("8.8.8.8", "127.0.0.1", "172.20.0.010", "::1", "172.20.0.10 ", ""),
    ),
    "epoch": (*range(10), 16, 17, 18, 19, 2**51, 2**52, 2**52 + 1, 2**63, -1),
    "seq": (0, 1, 11, 12, 13, 2**63),
    "boot": ("", "5f0c2d7e", "5f0c2d7f"),
    "active": _NAMES,
    "exit": _NAMES,
    "agent": _NAMES,
    "gate": ("open", "closed"),
    "choice": ("auto", "prefer", "only"),
    "status": ("online", "offline", "stopped"),
    "health": ("unknown", "up", "degraded", "down"),
    "stage": ("down", "ike", "ipsec", "l2tp", "ppp", "ready"),
    "transaction": ("5f0c2d7e-1", "1", ""),
    "peer": (
        "phone",
        "tablet",
        "Tablet ",
        "a#b",
        "Endpoint = 1.2.3.4:5",
        "\n[Peer]",
        "",
    ),
    "public_key": (TABLET, PHONE, ENTRY_KEY, TABLET[:-1], ""),
    "usable": (True, False),
}

# What somebody who means harm, or a bug, would put in place of a value.
NASTY: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**52, 2**52 + 1, 2**53, 2**63, 2**64 - 1, -(2**63)),
    *(0.0, -0.0, 1e308, -1e308, 5e-324, 1e15, 4102444800.0),
    *(
        "",
        " ",
        "\0",
        "\x1b[31m",
        "\n",
        "ü",
        "\U0001f600",
        "x" * 300,
        "%s",
        "../..",
        "#",
    ),
    *([], {}, [[]], [None], {"": None}, {"exit": "exit-a"}, [["x"] * 50]),
)
# What no JSON writer makes.
RAW: Final = (
    *(b"", b"null", b"NaN", b'{"a":', b"[" * 1_500, b'{"at":1e999}', b"\xff\xfe"),
    *(b'{"exits":%s}' % (b"[" * deep + b"]" * deep) for deep in (300, 990, 1_000)),
    *(b'{"stage":"\\ud800"}', b'{"epoch":1,"epoch":2}', b'{"since":-Infinity}'),
)

Mutator = Callable[[bytes, int], bytes]


def seeds() -> Iterator[bytes]:
    """Every payload's example on every topic of every agent; and whole stories."""
    records: dict[str, list[Record]] = {}
    for number, (role, pair) in enumerate(PAIRS):
        if not isinstance(pair, Subscription):
            continue
        asked = pair.topic is REQUEST
        raw = encode(WISH if asked else example_of(pair.topic.payload))
        for whom in range(len(VERBS) if asked else 3):
            record = Record(number, whom, 60, raw)
            records.setdefault(role, []).append(record)
            yield join([record])
    for story in records.values():
        yield join(story[:MOST])
        yield join(story[::-1][:MOST])


def mutate(data: bytes, most_bytes: int, seed: int, otherwise: Mutator) -> bytes:
    """Another input, a little different; `otherwise` changes single bytes."""
    chance = Random(seed)  # noqa: S311 - no secret
    records = list(split(data))
    at = chance.randrange(len(records))
    one = records[at]
    match chance.randrange(10):
        case 0:
            records.insert(at, _any_record(chance))
        case 1:
            del records[at]
        case 2:
            records.insert(chance.randrange(len(records) + 1), one)
        case 3:
            records[at] = Record(
                chance.choice((one.topic, chance.randrange(256))),
                chance.randrange(WHOM),
                chance.choice((0, one.pause, chance.randrange(256))),
                one.raw,
                chance.random() < 0.2,
            )
        case 4:
            return otherwise(data, most_bytes)
        case _:
            raw = changed(one.raw, chance)
            records[at] = Record(one.topic, one.whom, one.pause, raw, one.retained)
    return join(records or [_any_record(chance)])[: min(most_bytes, LONGEST_BYTES)]


def _any_record(chance: Random) -> Record:
    number = chance.randrange(len(PAIRS))
    _, pair = PAIRS[number]
    raw = b""
    if isinstance(pair, Subscription):
        raw = changed(encode(example_of(pair.topic.payload)), chance)
    return Record(number, chance.randrange(WHOM), chance.randrange(256), raw)


def changed(raw: bytes, chance: Random) -> bytes:
    """The payload with one to three of its values replaced, added or taken away."""
    if chance.random() < 0.02:
        return chance.choice(RAW)
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return chance.choice(RAW)
    if raw.count(b"[") > DEEP:  # made by us: deep enough as it is
        return raw
    for _ in range(chance.randint(1, 3)):
        data = _change(data, chance)
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError:
        return raw


def _change(data: Any, chance: Random) -> Any:
    """The tree with something done to one of its places."""
    places = list(_places(data))
    if not places or chance.random() < 0.02:
        return deepcopy(chance.choice(NASTY))
    inside, key = chance.choice(places)
    what = chance.random()
    if key in FITTING and what < 0.7:
        inside[key] = chance.choice(FITTING[key])
    elif what < 0.75:
        inside[key] = deepcopy(chance.choice(NASTY))
    elif what < 0.85:
        del inside[key]
    elif isinstance(inside, dict):
        inside[f"{key}x"] = inside[key]
    else:
        inside.append(deepcopy(inside[key]))
    return data


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every object and list of the tree, with every key in it."""
    if isinstance(data, dict | list):
        keys = list(data) if isinstance(data, dict) else range(len(data))
        for key in keys:
            yield data, key
            yield from _places(data[key])
