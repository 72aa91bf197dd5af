"""One line for a person: when, who, what, and how it feels. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from rich.text import Text

from cli.words import clock, plain

WHO_WIDTH: Final = 16


class Mood(StrEnum):
    """How a line feels; the value is its style."""

    GOOD = "green"
    BAD = "bold red"
    WORRYING = "yellow"
    TELLING = "bold cyan"  # a decision
    NEUTRAL = "default"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said.

    Attributes:
        at: When, Unix seconds of the writer; None: it does not say.
        detail: What may change with each report.
    """

    who: str
    what: str
    mood: Mood = Mood.NEUTRAL
    detail: str = ""
    at: float | None = None


def text_of(line: Line, now: float, zone: tzinfo | None = None) -> Text:
    """The line with its time, in colours; `now` if it does not say when."""
    text = Text(no_wrap=True, overflow="ignore", end="")
    text.append(clock(line.at or now, zone), "dim")
    text.append(f"  {plain(line.who):<{WHO_WIDTH}}  ", "bold")
    text.append(plain(line.what), line.mood.value)
    if line.detail:
        text.append(f"  {plain(line.detail)}", "dim")
    return text


def joined(details: Iterable[str]) -> str:
    """The details that there are, as one."""
    return ", ".join(detail for detail in details if detail)
