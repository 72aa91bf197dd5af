"""Time that passes only when nothing is left to do before it."""

import heapq
from collections.abc import Callable


class Clock:
    """The simulation's time, seconds; who asked first goes first."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.steps = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._asked = 0

    def at(self, at_s: float, happens: Callable[[], None]) -> None:
        self._asked += 1
        heapq.heappush(self._due, (max(at_s, self.now_s), self._asked, happens))

    def later(self, after_s: float, happens: Callable[[], None]) -> None:
        self.at(self.now_s + after_s, happens)

    def run(self, until_s: float, after_each: Callable[[], None]) -> None:
        """Lets everything happen that is due until then."""
        due, take = self._due, heapq.heappop
        while due and due[0][0] <= until_s:
            self.now_s, _, happens = take(due)
            self.steps += 1
            happens()
            after_each()
        self.now_s = until_s
