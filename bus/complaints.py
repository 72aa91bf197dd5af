"""What goes wrong again and again, said once: the first of a kind, then a count.

Whoever can send a thousand wrong messages a second must not fill the log with them.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

EVERY_S: Final = 60.0
KINDS_MOST: Final = 256  # kinds are ours, not a stranger's words; this only makes sure
OTHERS: Final = "others"


@dataclass(slots=True)
class _Kind:
    said_s: float | None = None
    unsaid: int = 0


class Complaints:
    """A log of what may come in any number.

    The first of a kind is said at once. What follows is counted, and the next after
    `every_s` says how many were not said.
    """

    def __init__(
        self,
        log: logging.Logger,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._every_s = every_s
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def say(self, kind: str, text: str, level: int = logging.WARNING) -> None:
        """Says the text, unless its kind was complained of lately.

        `text` may hold others' words: line ends and the like do not get into the log.
        """
        if kind not in self._kinds and len(self._kinds) >= KINDS_MOST:
            kind = OTHERS
        now_s = self._clock()
        known = self._kinds.setdefault(kind, _Kind())
        if known.said_s is not None and now_s < known.said_s + self._every_s:
            known.unsaid += 1
            return
        more = f" ({known.unsaid} more of this kind unsaid)" if known.unsaid else ""
        known.said_s, known.unsaid = now_s, 0
        self._log.log(level, "%s%s", one_line(text), more)


def one_line(text: str) -> str:
    """Others' words for a log: no line ends, nothing that a terminal obeys."""
    return ascii(text)[1:-1]
