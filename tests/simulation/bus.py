"""A broker and its links, as MQTT allows them to behave.

What one client says arrives in order, unless its connection breaks: then what is under
way is lost, also for QoS 1, because nobody keeps a session. What different clients say
overtakes one another. A message may come twice. States are said again after each
connect, as the real link does; the broker may lose what it retained.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from bus.interface import BusDown, BusUp, Forgotten, Heard, Received, Subscription
from bus.messages.presence import Presence, Status
from bus.messages.stamp import Stamp
from bus.topics import PRESENCE, Topic
from tests.simulation.clock import Clock

KEEPALIVE_S: Final = 15.0  # one and a half times what the links ask for
TWICE: Final = 0.02  # of all messages

Levels = tuple[tuple[str, str], ...]
Key = tuple[int, Levels]


@dataclass(frozen=True, slots=True)
class Message:
    """`payload` None: taken back."""

    topic: Topic[Any]
    levels: Levels
    payload: Any
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (id(self.topic), self.levels))

    def heard(self, *, retained: bool) -> Heard:
        if self.payload is None:
            return Forgotten(self.topic, dict(self.levels))
        levels = dict(self.levels)
        return Received(self.topic, levels, self.payload, retained)


def asked_for(subscription: Subscription, message: Message) -> bool:
    """Whether the subscription is for such messages."""
    if subscription.topic is not message.topic:
        return False
    levels = dict(message.levels)
    return all(levels[key] == value for key, value in subscription.levels.items())


class Broker:
    def __init__(self, clock: Clock, rng: Random) -> None:
        self.clock = clock
        self.rng = rng
        self.up = True
        self.slow = 1.0  # how much slower than usual it is
        self.retained: dict[Key, Message] = {}
        self.links: list[Link] = []

    def delay_s(self) -> float:
        rare = 20.0 if self.rng.random() < 0.01 else 1.0
        return (0.0002 + 0.004 * self.rng.random()) * rare * self.slow

    def stop(self, *, forgets: bool) -> None:
        self.up = False
        if forgets:
            self.retained.clear()
        for link in self.links:
            link.breaks(self.rng.random())

    def start(self) -> None:
        self.up = True

    def take(self, message: Message, *, retain: bool) -> None:
        """A message has arrived; everybody who wants it will get it."""
        if not self.up:
            return
        if retain and message.payload is not None:
            self.retained[message.key] = message
        elif retain:
            self.retained.pop(message.key, None)
        for link in self.links:
            if link.joined and link.wants(message):
                link.deliver(message, retained=False)


class Link:
    """One agent's link; `joined`: the broker has it, `connected`: it has the broker."""

    def __init__(
        self,
        broker: Broker,
        name: str,
        subscriptions: Sequence[Subscription],
        hear: Callable[[Heard], None],
    ) -> None:
        self.name = name
        self.boot = f"{name}-{broker.rng.getrandbits(32):x}"
        self.broker = broker
        self.connected = False
        self.joined = False
        self.closed = False
        self.frozen = False
        self._subscriptions = subscriptions
        self._hear = hear
        self._session = 0
        self._seq = 0
        self._present: dict[Key, Message] = {}
        self._wants: dict[Key, bool] = {}
        self._out_s = 0.0
        self._in_s = 0.0
        broker.links.append(self)
        self._retry()

    # --- what the agent does ----------------------------------------------------------

    def publish(self, topic: Topic[Any], payload: Any, **levels: str) -> None:
        if isinstance(payload, Stamp):
            self._seq += 1
            now_s = self.broker.clock.now_s
            payload = replace(payload, at=now_s, boot=self.boot, seq=self._seq)
        message = Message(topic, tuple(sorted(levels.items())), payload)
        if topic.retain:
            self._present[message.key] = message
        self._send(message)

    def forget(self, topic: Topic[Any], **levels: str) -> None:
        message = Message(topic, tuple(sorted(levels.items())), None)
        self._present.pop(message.key, None)
        self._send(message)

    def wants(self, message: Message) -> bool:
        key = message.key
        wants = self._wants.get(key)
        if wants is None:
            wants = any(asked_for(one, message) for one in self._subscriptions)
            self._wants[key] = wants
        return wants

    def vanish(self, notice_s: float) -> None:
        """The process is gone; the broker says so once it has noticed."""
        self.closed = True
        self.connected = False
        self._leave(notice_s)

    # --- the connection ---------------------------------------------------------------

    def breaks(self, notice_s: float) -> None:
        """The connection breaks; the agent notices after this time and tries anew."""
        if not self.joined:
            return
        self._leave(0.0 if self.broker.up else None)
        session = self._session

        def noticed() -> None:
            if self.connected and self._session == session and not self.closed:
                self.connected = False
                self._hear(BusDown())
                self._retry()

        self.broker.clock.later(notice_s, noticed)

    def _leave(self, will_s: float | None) -> None:
        """The broker loses it: its will follows, unless the broker itself is gone."""
        if not self.joined:
            return
        self.joined = False
        self._session += 1
        if will_s is None:
            return
        will = self._presence(Status.OFFLINE)
        session = self._session

        def told() -> None:
            if self._session == session and self in self.broker.links:
                self.broker.take(will, retain=True)
                if self.closed:
                    self.broker.links.remove(self)

        self.broker.clock.later(will_s, told)

    def succeeded(self) -> None:
        """A new life of the same name takes the session over: the will is said."""
        if self in self.broker.links:
            self.broker.links.remove(self)
            self.broker.take(self._presence(Status.OFFLINE), retain=True)

    def _retry(self) -> None:
        pause_s = 0.05 + self.broker.rng.random()
        self.broker.clock.later(pause_s, self._connect)

    def _connect(self) -> None:
        if self.closed or self.connected:
            return
        if not self.broker.up or self.frozen:
            self._retry()
            return
        self._session += 1
        self.connected = self.joined = True
        now_s = self.broker.clock.now_s
        self._out_s = self._in_s = now_s
        self.broker.clock.later(0.0, lambda: self._hear(BusUp()))
        for one in self._subscriptions:  # in this order, as a broker is asked
            for message in list(self.broker.retained.values()):
                if asked_for(one, message):
                    self.deliver(message, retained=True)
        self._send(self._presence(Status.ONLINE))
        for message in list(self._present.values()):
            self._send(message)

    def _presence(self, status: Status) -> Message:
        self._seq += 1
        role = self.name.partition("-")[0]
        payload = Presence(status=status, role=role, boot=self.boot, seq=self._seq)
        return Message(PRESENCE, (("agent", self.name),), payload)

    def _send(self, message: Message) -> None:
        if not self.joined:
            return
        broker, session = self.broker, self._session
        self._out_s = max(self._out_s, broker.clock.now_s + broker.delay_s())

        def arrive() -> None:
            if self._session == session:
                broker.take(message, retain=message.topic.retain)

        broker.clock.at(self._out_s, arrive)

    def deliver(self, message: Message, *, retained: bool) -> None:
        broker, session = self.broker, self._session
        times = 2 if broker.rng.random() < TWICE else 1
        heard = message.heard(retained=retained)
        for _ in range(times):
            self._in_s = max(self._in_s, broker.clock.now_s + broker.delay_s())

            def arrive() -> None:
                if self._session == session and self.connected:
                    self._hear(heard)

            broker.clock.at(self._in_s, arrive)
