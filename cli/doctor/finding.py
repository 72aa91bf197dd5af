"""What a check has found. Values only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FROM_HOST: Final = "look from the host, as root"


class State(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"  # may hurt, and may not
    WRONG = "wrong"
    UNKNOWN = "unknown"  # cannot be told from here


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was checked, how it is, and what to do if it is not well."""

    check: str
    state: State
    what: str
    todo: str = ""


def ok(check: str, what: str) -> Finding:
    """It is well."""
    return Finding(check, State.OK, what)


def warning(check: str, what: str, todo: str) -> Finding:
    """It may hurt."""
    return Finding(check, State.WARNING, what, todo)


def wrong(check: str, what: str, todo: str) -> Finding:
    """The chain cannot work like this."""
    return Finding(check, State.WRONG, what, todo)


def unknown(check: str, what: str, todo: str = "") -> Finding:
    """It cannot be told; `todo`: how it could be."""
    return Finding(check, State.UNKNOWN, what, todo)


def in_doubt(finding: Finding) -> Finding:
    """What was found in a container, where it says nothing about the others."""
    what = f"in this container: {finding.what}"
    return unknown(finding.check, what, FROM_HOST)
