"""From one picture to many pages: encoded once, and no page is waited for.

A page that cannot follow is not sent the past: it gets the whole picture when it is
ready again, so nothing piles up for it.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from agents.dashboard.picture import Picture
from bus.codec import encode

URGENT_S: Final = 0.05  # between two frames if something happened
CALM_S: Final = 1.0
FRAMES: Final = 20  # how far a page may fall behind
DIGITS: Final = 20  # of a revision; int() raises at thousands of them
KEEPALIVE_S: Final = 15.0  # so that proxies and dead pages are noticed


@dataclass(slots=True)
class Hub:
    """The picture in frames of server-sent events (WHATWG HTML, 9.2).

    Attributes:
        calm_s: Between two frames if it is only figures.
        boot: This life: a page that knows another one is sent everything.
    """

    picture: Picture
    calm_s: float = CALM_S
    boot: str = field(default_factory=lambda: secrets.token_hex(4))
    _frames: deque[tuple[int, int, bytes]] = field(
        default_factory=lambda: deque(maxlen=FRAMES)
    )
    _moved: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def changed(self) -> None:
        """The picture has been given something."""
        self._moved.set()

    async def keep_encoding(self) -> None:
        """Makes frames of changes, for ever: events at once, figures in their time."""
        told, told_s = 0, 0.0
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self._breathe(told_s)
            if self.picture.revision > told:
                self._cut(told)
                told, told_s = self.picture.revision, asyncio.get_running_loop().time()

    async def frames(self, last_id: str) -> AsyncIterator[bytes]:
        """What to send to a page, for ever; `last_id`: what it has seen, or empty."""
        boot, _, seen = last_id.partition("-")
        ours = boot == self.boot and seen.isdecimal() and len(seen) <= DIGITS
        known = int(seen) if ours else 0
        known = min(known, self.picture.revision)
        frame, known = self._frame(known, reset=not known), self.picture.revision
        yield frame
        while True:
            news = self._news
            for after, frame in self._after(known):
                known = after
                yield frame
            try:
                async with asyncio.timeout(KEEPALIVE_S):
                    await news.wait()
            except TimeoutError:
                yield b":\n\n"

    async def _breathe(self, told_s: float) -> None:
        """Waits until it is time for another frame after the one of this moment."""
        loop = asyncio.get_running_loop()
        while True:
            gap_s = URGENT_S if self.picture.urgent else self.calm_s
            try:
                async with asyncio.timeout_at(told_s + gap_s):
                    await self._moved.wait()
                    self._moved.clear()
            except TimeoutError:
                return
            if loop.time() >= told_s + gap_s:
                return

    def _cut(self, told: int) -> None:
        frame = self._frame(told)
        self._frames.append((told, self.picture.revision, frame))
        self.picture.calm()
        self._news.set()
        self._news = asyncio.Event()

    def _after(self, known: int) -> list[tuple[int, bytes]]:
        """Frames that a page lacks; the whole picture if it fell too far behind."""
        missing = [one for one in self._frames if one[1] > known]
        if missing and missing[0][0] > known:
            return [(self.picture.revision, self._frame(known))]
        return [(after, frame) for _, after, frame in missing]

    def _frame(self, since: int, *, reset: bool = False) -> bytes:
        data = self.picture.since(since)
        data["reset"] = data["reset"] or reset
        name = f"{self.boot}-{self.picture.revision}"
        return f"id: {name}\ndata: ".encode() + encode(data) + b"\n\n"
