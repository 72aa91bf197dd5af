"""A process of the chain, as far as all of them are alike."""

from collections.abc import Callable, Sequence
from typing import Any

from bus.interface import Heard, Subscription
from tests.simulation.bus import Broker, Link

Note = Callable[[str, str], None]


class Node:
    """A process: it lives, freezes, thaws and dies; `started_s`: of this life."""

    def __init__(self, name: str, broker: Broker, note: Note) -> None:
        self.name = name
        self.broker = broker
        self.note = note
        self.alive = False
        self.frozen = False
        self.link: Link | None = None
        self._life = 0
        self._held: list[Callable[[], None]] = []
        self.clock = broker.clock
        self.rng = broker.rng

    @property
    def works(self) -> bool:
        return self.alive and not self.frozen

    @property
    def linked(self) -> bool:
        return self.works and self.link is not None and self.link.connected

    def later(self, after_s: float, happens: Callable[[], None]) -> None:
        """As long as this life lasts; once it is thawed if it is frozen then."""
        life = self._life
        self.clock.later(after_s, lambda: self._due(life, happens))

    def _due(self, life: int, happens: Callable[[], None]) -> None:
        if self._life != life or not self.alive:
            return
        if self.frozen:
            self._held.append(lambda: self._due(life, happens))
        else:
            happens()

    def start(self, subscriptions: Sequence[Subscription]) -> None:
        if self.link is not None:
            self.link.succeeded()
        self._life += 1
        self.alive, self.frozen = True, False
        self._held.clear()
        life = self._life

        def heard(what: Heard) -> None:
            self._due(life, lambda: self.hear(what))

        self.link = Link(self.broker, self.name, subscriptions, heard)
        self.note(self.name, "starts")

    def kill(self, notice_s: float = 0.01) -> None:
        if self.alive and self.link is not None:
            self.alive = False
            self.link.vanish(notice_s)
            self.note(self.name, "is killed")

    def freeze(self) -> None:
        if self.works and self.link is not None:
            self.frozen = self.link.frozen = True
            self.note(self.name, "freezes")
            life = self._life

            def forgotten() -> None:
                if self.frozen and self._life == life and self.link is not None:
                    self.link.breaks(0.0)

            self.clock.later(15.0, forgotten)

    def thaw(self) -> None:
        if self.frozen and self.link is not None:
            self.frozen = self.link.frozen = False
            self.note(self.name, "thaws")
            held, self._held = self._held, []
            for happens in held:
                self.clock.later(0.0, happens)

    def say(self, topic: Any, payload: Any, **levels: str) -> None:
        if self.link is not None:
            self.link.publish(topic, payload, **levels)

    def begin(self) -> None:
        """A new life begins."""
        raise NotImplementedError

    def hear(self, heard: Heard) -> None:
        """Something came over the bus."""
        raise NotImplementedError

    def every(self, seconds: float, happens: Callable[[], None]) -> None:
        def again() -> None:
            happens()
            self.later(seconds, again)

        self.later(seconds, again)
