"""The demo's scene: everything that a step needs, and what was measured so far."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final, TypeVar

from lab.capture import Capture
from lab.chain import Chain
from lab.client import Client, Stream
from lab.nodes import Lab
from lab.observer import Observer
from lab.story import Story

T = TypeVar("T")

OUTAGES: Final = ("provider_killed", "provider_silent", "failback")


class StepError(Exception):
    """Something was expected and is not so."""


@dataclass(slots=True)
class Measured:
    """What was measured; keys as in the demo's last line.

    Attributes:
        leaked: Packets seen where none may be; None: nobody looked.
    """

    ready_s: dict[str, float] = field(default_factory=dict)
    outage_ms: dict[str, float] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    stream_hz: int = 0
    leaked: int | None = None

    def told(self) -> dict[str, object]:
        """As the demo's last line tells it; outages in a fixed order."""
        told = asdict(self)
        for name in ("outage_ms", "lost"):
            told[name] = {key: told[name][key] for key in OUTAGES if key in told[name]}
        return told


@dataclass(slots=True)
class Scene:
    """The chain on its stage."""

    lab: Lab
    chain: Chain
    observer: Observer
    client: Client
    captured: Capture
    story: Story
    measured: Measured = field(default_factory=Measured)

    def say(self, text: str) -> None:
        """One line of the story."""
        self.story.say(text)

    def expect(self, fact: object, what: str, instead: object = "") -> None:
        """Go on if it is a fact; say so.

        `instead` is told if it is not.

        Raises:
            StepError: It is not.
        """
        if not fact:
            raise StepError(f"{what}: no {instead}".rstrip())
        self.story.say(f"  {what}: yes")

    async def until(self, fact: Callable[[], T], what: str, within_s: float) -> T:
        """The fact, once the bus says so; NotSeenError if it does not in time."""
        value = await self.observer.until(fact, what, within_s)
        self.story.say(f"  {what}: yes")
        return value

    async def outage(
        self, stream: Stream, name: str, start_s: float, end_s: float
    ) -> None:
        """Measure what the client noticed between two moments, and tell it."""
        window = await stream.window(start_s, end_s)
        self.measured.outage_ms[name] = window.longest_gap_ms
        self.measured.lost[name] = window.lost
        self.story.say(
            f"  outage ({name}): longest gap {window.longest_gap_ms:g} ms, "
            f"{window.lost} of {window.sent} packets lost "
            f"(the stream's own longest pause: {window.longest_pause_ms:g} ms)"
        )


def now_s() -> float:
    """The clock of streams and observers."""
    return time.monotonic()
