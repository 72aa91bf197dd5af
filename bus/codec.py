"""Values to JSON and back; what does not fit is refused with field, got and wanted.

The one rule: what `decode` and `convert` return is exactly what the declaration says,
so nobody behind them checks again. Owner of orjson and msgspec.
"""

import json
import re
import reprlib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import orjson

from bus.errors import PayloadError

P = TypeVar("P")

SHOWN_CHARACTERS: Final = 60

# What is written as text, and what to say when it does not read as one.
WRITTEN: Final[Mapping[type[object], str]] = {
    IPv4Address: "an IPv4 address such as 172.20.0.2",
    IPv4Network: "an IPv4 network such as 172.20.0.0/16",
    Path: "a path",
}

# What a stranger sent may be as deep and as long as he likes.
_SHORT: Final = reprlib.Repr()
_SHORT.maxlevel = 4
_SHORT.maxstring = _SHORT.maxother = 4 * SHOWN_CHARACTERS

_EXPECTED: Final = re.compile(r"Expected (?P<wanted>.+), got (?P<got>.+)")
_STEP: Final = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")


def encode(payload: object) -> bytes:
    """The payload as JSON.

    Raises:
        PayloadError: It holds what JSON cannot (an int over 64 bit, half a character).
    """
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError as error:
        raise PayloadError("$", str(error), type(payload).__name__) from error


def decode(kind: type[P], raw: bytes, *, strict: bool = False) -> P:
    """The payload that the JSON text stands for.

    With `strict`, fields that the kind does not have are refused instead of ignored.
    Keys that stand twice are refused: readers do not agree on which of them counts.

    Raises:
        PayloadError: It is no JSON, or does not fit the kind.
    """
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        got = _shown(raw[: SHOWN_CHARACTERS + 1])
        raise PayloadError("$", got, f"JSON ({error})") from error
    try:
        _KEYS.decode(raw.decode())
    except RecursionError as error:
        raise PayloadError("$", "lists in lists in lists", "a flat payload") from error
    return convert(kind, data, strict=strict)


def text_of(raw: bytes) -> str:
    """The payload of others who do not speak JSON.

    Raises:
        PayloadError: It is no UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("$", _shown(raw[: SHOWN_CHARACTERS + 1]), "text") from error


def convert(kind: type[P], data: object, *, strict: bool = False) -> P:
    """The value of this kind that parsed data (JSON, TOML) stands for.

    Raises:
        PayloadError: It does not fit the kind.
    """
    if strict:
        for path, wanted in _unknown(kind, data, "$"):
            raise PayloadError(path, "an unknown key", f"one of {wanted}")
    try:
        return msgspec.convert(data, kind, strict=True, dec_hook=_parsed)
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind, data) from error


def as_data(payload: object) -> Any:
    """The payload as its JSON reads: dicts, lists, text, numbers."""
    return orjson.loads(encode(payload))


def schemas(kinds: Iterable[type[Any]]) -> dict[str, Any]:
    """JSON Schema (2020-12) of the kinds and all within them, by their names.

    They refer to each other as `#/components/schemas/NAME`.
    """
    where = "#/components/schemas/{name}"
    return msgspec.json.schema_components(list(kinds), ref_template=where)[1]


def _parsed(kind: type[Any], value: object) -> object:
    """The value of a kind that JSON and TOML write as text."""
    if kind not in WRITTEN or not isinstance(value, str):
        raise TypeError(WRITTEN.get(kind, kind.__name__))
    try:
        return kind(value)
    except ValueError:
        raise ValueError(WRITTEN[kind]) from None


def _check_keys(pairs: list[tuple[str, object]]) -> None:
    """PayloadError if a key of one object stands twice."""
    if len({key for key, _ in pairs}) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise PayloadError("$", f"the key {_shown(twin)} twice", "each key once")


# Whole numbers may have any length; they are read elsewhere.
_KEYS: Final = json.JSONDecoder(object_pairs_hook=_check_keys, parse_int=float)


def _explained(message: str, kind: type[object], data: object) -> PayloadError:
    """Takes the one sentence of msgspec apart."""
    sentence, _, path = message.partition(" - at `")
    path = path.rstrip("`") or "$"
    if match := _EXPECTED.fullmatch(sentence):
        got = _got(path, data, match["got"])
        return PayloadError(path, got, match["wanted"].replace("`", ""))
    if sentence.startswith("Invalid enum value"):
        wanted = f"one of {', '.join(_choices(kind, path))}"
        return PayloadError(path, _got(path, data, sentence), wanted)
    if sentence.startswith("Object missing required field"):
        missing = sentence.split("`")[1]
        return PayloadError(f"{path}.{missing}", "nothing", "a value")
    return PayloadError(path, _got(path, data, "a misfit"), sentence)


def _got(path: str, data: object, otherwise: str) -> str:
    """The value at the path, short; `otherwise` where the path names no one place."""
    if "[...]" in path:
        return otherwise.replace("`", "")
    for step in _STEP.finditer(path):
        if step["key"] is not None and isinstance(data, dict):
            data = data.get(step["key"])
        elif step["index"] is not None and isinstance(data, list | tuple):
            data = data[int(step["index"])]
    return _shown(data)


def _shown(value: object) -> str:
    text = _SHORT.repr(value)
    cut = len(text) > SHOWN_CHARACTERS
    return f"{text[:SHOWN_CHARACTERS]}..." if cut else text


def _choices(kind: Any, path: str) -> list[str]:
    """What the enum or literal at the path allows."""
    for step in _STEP.finditer(path.replace("[...]", "[0]")):
        kind = _inside(kind, step["key"])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [member.value for member in kind]
    return [str(choice) for choice in typing.get_args(kind)]


def _inside(kind: Any, key: str | None) -> Any:
    """The kind of a field; of the elements if key is None."""
    kind = _without_none(kind)
    if is_dataclass(kind) and key is not None:
        return typing.get_type_hints(kind)[key]
    elements = typing.get_args(kind)
    if typing.get_origin(kind) is dict:
        return elements[1]
    return elements[0] if elements else kind


def _without_none(kind: Any) -> Any:
    """X for X | None."""
    if isinstance(kind, types.UnionType):
        kinds = [one for one in typing.get_args(kind) if one is not type(None)]
        return kinds[0] if len(kinds) == 1 else kind
    return kind


def _shown_key(key: object) -> str:
    """A stranger's key as it may stand in a log: in one line, and not a long one."""
    return ascii(str(key)[:SHOWN_CHARACTERS])[1:-1]


def _unknown(kind: Any, data: object, path: str) -> Iterator[tuple[str, str]]:
    """Keys that the kind does not have, each with those that it has."""
    kind = _without_none(kind)
    if is_dataclass(kind) and isinstance(data, Mapping):
        hints = typing.get_type_hints(kind)
        known = [field.name for field in fields(kind)]
        for key, value in data.items():
            if key not in known:
                yield f"{path}.{_shown_key(key)}", ", ".join(known)
            else:
                yield from _unknown(hints[key], value, f"{path}.{key}")
    elif typing.get_origin(kind) is dict and isinstance(data, Mapping):
        for key, value in data.items():
            yield from _unknown(typing.get_args(kind)[1], value, f"{path}.{key}")
    elif typing.get_origin(kind) is tuple and isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from _unknown(typing.get_args(kind)[0], value, f"{path}[{index}]")
