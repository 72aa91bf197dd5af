"""Values to JSON and back, and what is said of a misfit."""

import math
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Literal

import orjson
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from bus.codec import convert, decode, encode
from bus.commands import Request
from bus.errors import PayloadError
from bus.messages.entries import EntryReport, LeakReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, History, Hop, Move, Order
from bus.messages.peers import KEY, PeerTerms
from bus.names import ID
from bus.topics import TOPICS

PAYLOADS: Final = sorted(
    {topic.payload for topic in TOPICS}, key=lambda kind: str(kind)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    name: str
    mode: Literal["slow", "fast"] = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    count: int
    one: Inner | None = None
    many: tuple[Inner, ...] = ()
    named: dict[str, Inner] = field(default_factory=dict)
    address: IPv4Address | None = None
    path: Path | None = None


NAMES = st.from_regex(ID, fullmatch=True)
MAYBE = st.none() | NAMES
st.register_type_strategy(Hop, st.builds(Hop, exit=NAMES))
st.register_type_strategy(Order, st.builds(Order, active=MAYBE))
st.register_type_strategy(Move, st.builds(Move, before=MAYBE, after=MAYBE))
st.register_type_strategy(EntryReport, st.builds(EntryReport, active=MAYBE))
WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=300)
st.register_type_strategy(LeakReport, st.builds(LeakReport, why=WORDS))
ADDRESSES = st.ip_addresses(v=4).map(str)
st.register_type_strategy(
    PeerTerms,
    st.builds(
        PeerTerms,
        address=ADDRESSES,
        dns=st.just("") | ADDRESSES,
        entry_key=st.from_regex(KEY, fullmatch=True),
        endpoint=st.from_regex(r"[a-z0-9.-]{1,60}:[1-9][0-9]{0,4}", fullmatch=True),
        allowed_ips=st.lists(ADDRESSES, max_size=8).map(tuple),
    ),
)


@pytest.mark.parametrize("kind", PAYLOADS)
@given(data=st.data())
def test_every_payload_comes_back_as_it_went(
    kind: type[object], data: st.DataObject
) -> None:
    value = data.draw(st.from_type(kind))
    assume(not re.search(r"\b(nan|inf)\b", repr(value)))
    try:
        raw = encode(value)
    except PayloadError:  # half a letter, a huge number: tested below
        reject()
    assert decode(kind, raw) == value
    assert decode(kind, raw, strict=True) == value


def test_an_unknown_field_is_ignored_unless_strict() -> None:
    raw = b'{"exit": "a", "address": "b", "colour": "red"}'
    assert decode(Hop, raw) == Hop(exit="a", address="b")
    with pytest.raises(PayloadError, match=r"^\$\.colour: got an unknown key, wanted"):
        decode(Hop, raw, strict=True)


UNKNOWN: Final[dict[str, tuple[dict[str, object], str]]] = {
    "in a field": ({"one": {"name": "x", "nmae": 1}}, "$.one.nmae"),
    "in a list": ({"many": [{"name": "x"}, {"name": "y", "z": 1}]}, "$.many[1].z"),
    "in an object": ({"named": {"a": {"name": "x", "z": 1}}}, "$.named.a.z"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_strict_looks_inside(case: str) -> None:
    data, path = UNKNOWN[case]
    full = data | {"count": 1}
    assert convert(Outer, full).count == 1
    with pytest.raises(PayloadError) as caught:
        convert(Outer, full, strict=True)
    assert caught.value.path == path


MISFITS: Final[dict[str, tuple[object, str, str, str]]] = {
    "no object": ([], "$", "[]", "object"),
    "nothing": (None, "$", "None", "object"),
    "a missing field": ({}, "$.count", "nothing", "a value"),
    "text for a number": ({"count": "1"}, "$.count", "'1'", "int"),
    "a boolean for a number": ({"count": True}, "$.count", "True", "int"),
    "a fraction for a count": ({"count": 1.5}, "$.count", "1.5", "int"),
    "deep in a field": (
        {"count": 1, "one": {"name": 5}},
        "$.one.name",
        "5",
        "str",
    ),
    "deep in a list": (
        {"count": 1, "many": [{"name": "x"}, {"name": None}]},
        "$.many[1].name",
        "None",
        "str",
    ),
    "missing deep in a list": (
        {"count": 1, "many": [{}]},
        "$.many[0].name",
        "nothing",
        "a value",
    ),
    "a choice that is none": (
        {"count": 1, "one": {"name": "x", "mode": "warp"}},
        "$.one.mode",
        "'warp'",
        "one of slow, fast",
    ),
    "no address": (
        {"count": 1, "address": "300.0.0.1"},
        "$.address",
        "'300.0.0.1'",
        "an IPv4 address such as 172.20.0.2",
    ),
    "a number for a path": ({"count": 1, "path": 7}, "$.path", "7", "a path"),
    "a long text": ({"count": "x" * 999}, "$.count", "'" + "x" * 59 + "...", "int"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_misfit_is_told_with_field_got_and_wanted(case: str) -> None:
    data, path, got, wanted = MISFITS[case]
    with pytest.raises(PayloadError) as caught:
        convert(Outer, data)
    error = caught.value
    assert (error.path, error.got, error.wanted) == (path, got, wanted)
    assert str(error) == f"{path}: got {got}, wanted {wanted}"


def test_a_word_that_no_enum_has_is_told_with_those_it_has() -> None:
    with pytest.raises(
        PayloadError, match="got 'moon', wanted one of down, ike, ipsec"
    ):
        decode(ExitReport, b'{"stage": "moon", "since": 1}')


def test_within_an_object_of_many_the_field_is_told() -> None:
    raw = b'{"stage": "ike", "since": 1, "took_s": {"ike": "long"}}'
    with pytest.raises(PayloadError, match=r"took_s\[\.\.\.\]: got str, wanted float"):
        decode(ExitReport, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"exit": "a", "exit": "b", "address": ""}',
        b'{"exit": "a", "address": "", "more": {"x": 1, "\\u0078": 2}}',
    ],
)
def test_a_key_that_stands_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(PayloadError, match="twice, wanted each key once"):
        decode(Hop, raw)


@pytest.mark.parametrize("name", ["", "Exit", "a/b", "+", "x" * 65])
def test_an_order_about_what_no_exit_can_be_called_is_refused(name: str) -> None:
    hop = b'{"exit": "%s", "address": ""}' % name.encode()
    for raw in (b'"exits": [%s]' % hop, b'"active": "%s"' % name.encode()):
        with pytest.raises(PayloadError, match="wanted names of exits"):
            decode(Order, b'{"epoch": 1, "gate": "open", %s}' % raw)


@pytest.mark.parametrize("name", ["", "Exit", "a/b", "+", "x" * 65])
def test_a_move_to_what_no_exit_can_be_called_is_refused(name: str) -> None:
    move = '{"kind": "failover", "at": 1, "epoch": 1, "reason": "", %s}'
    for names in ('"before": "%s", "after": null', '"before": null, "after": "%s"'):
        moves = f'{{"moves": [{move % names % name}]}}'
        with pytest.raises(PayloadError, match="wanted names of exits"):
            decode(History, moves.encode())


@pytest.mark.parametrize("depth", [10, 500, 999, 1000, 1023, 1024, 100_000])
def test_no_depth_does_more_than_not_fit(depth: int) -> None:
    raw = b'{"exit": %s, "address": ""}' % (b"[" * depth + b"]" * depth)
    with pytest.raises(PayloadError) as caught:
        decode(Hop, raw)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("raw", [b"", b"{", b"NaN", b"\xff", b"[" * 2000, b"{} {}"])
def test_what_is_no_json_is_told_so(raw: bytes) -> None:
    with pytest.raises(PayloadError, match="wanted JSON"):
        decode(Hop, raw)


@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_not_fit(raw: bytes) -> None:
    for kind in PAYLOADS:
        try:
            decode(kind, raw, strict=True)
        except PayloadError:
            continue
        assert isinstance(orjson.loads(raw), dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_no_data_does_more_than_not_fit(data: object) -> None:
    for kind in (*PAYLOADS, Outer):
        for strict in (False, True):
            try:
                convert(kind, data, strict=strict)
            except PayloadError:
                continue


@pytest.mark.parametrize("cause", ["\ud800", "half \udcff a letter"])
def test_half_a_letter_is_refused(cause: str) -> None:
    with pytest.raises(PayloadError, match="wanted ExitReport"):
        encode(ExitReport(stage=Stage.DOWN, since=1.0, cause=cause))


def test_a_number_beyond_64_bit_is_refused() -> None:
    with pytest.raises(PayloadError):
        encode(Order(epoch=2**70, gate=Gate.OPEN))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_json_cannot_say_is_null_and_the_reader_refuses_it(number: float) -> None:
    raw = encode(ExitReport(stage=Stage.DOWN, since=number))
    with pytest.raises(PayloadError, match=r"since: got None, wanted float"):
        decode(ExitReport, raw)


def test_a_strangers_key_stays_within_one_short_line() -> None:
    key = "x\nFAKE\x1b[31m" + "y" * 3_000_000
    raw = orjson.dumps({"transaction": "1", key: 1})

    with pytest.raises(PayloadError) as caught:
        decode(Request, raw, strict=True)

    said = str(caught.value)
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) < 200
