"""What an agent sees of the bus: say, take back, and one stream of what is heard."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from bus.codec import decode, text_of
from bus.errors import PayloadError
from bus.topics import Topic

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A family of topics; levels that are not fixed may be anything."""

    topic: Topic[Any]
    levels: Mapping[str, str] = field(default_factory=dict)

    @property
    def filter(self) -> str:
        """What to tell the broker, below the base."""
        return self.topic.within(self.levels)

    def match(self, name: str) -> Mapping[str, str] | None:
        """The levels of a topic that was asked for; None for any other."""
        levels = self.topic.levels(name)
        if levels is None or any(levels[k] != v for k, v in self.levels.items()):
            return None
        return levels


@dataclass(frozen=True, slots=True)
class Received(Generic[P]):
    """Somebody said this; `retained`: before we subscribed."""

    topic: Topic[P]
    levels: Mapping[str, str]
    payload: P
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The thing that this state was about is gone."""

    topic: Topic[Any]
    levels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BusUp:
    """The broker is there; what it retains follows."""


@dataclass(frozen=True, slots=True)
class BusDown:
    """The broker is away: what was heard last may no longer hold."""


Heard = Received[Any] | Forgotten | BusUp | BusDown


@dataclass(slots=True)
class Counters:
    """What became of messages since the start.

    Attributes:
        dropped: Ours, not said: events while the broker was away, or too many at once;
            others', not looked at: too many at once.
        refused: Ours, that the broker or the codec did not take.
        malformed: Others', that did not fit their declaration.
        repeated: Requests that were heard a second time.
        queued: Ours that wait for the broker at this moment.
    """

    published: int = 0
    received: int = 0
    dropped: int = 0
    refused: int = 0
    malformed: int = 0
    repeated: int = 0
    queued: int = 0
    connects: int = 0


class Bus(Protocol):
    """What an agent sees of the bus."""

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""

    @property
    def counters(self) -> Counters:
        """What became of messages since the start."""

    async def publish(self, topic: Topic[P], payload: P, **levels: str) -> None:
        """Says the payload; a state is said again after each connect.

        Never waits for the broker: it returns once the message is on its way. Events
        while the broker is away are dropped, counted and logged. The stamp of a state
        is filled in here.
        """

    async def forget(self, topic: Topic[Any], **levels: str) -> None:
        """Takes a state back: the thing that it was about is gone."""

    def __aiter__(self) -> AsyncIterator[Heard]:
        """Everything heard, in order, with the link's own ups and downs."""


def read(
    subscriptions: Sequence[Subscription], name: str, raw: bytes, *, retained: bool
) -> Heard:
    """What a message below the base says.

    Raises:
        PayloadError: Nobody asked for it, or it does not fit its declaration.
    """
    for subscription in subscriptions:
        levels = subscription.match(name)
        if levels is not None:
            return _read(subscription.topic, levels, raw, retained=retained)
    raise PayloadError("topic", name, "one that was subscribed to")


def _read(
    topic: Topic[Any], levels: Mapping[str, str], raw: bytes, *, retained: bool
) -> Heard:
    if len(raw) > topic.most_bytes:
        wanted = f"at most {topic.most_bytes}"
        raise PayloadError("$", f"{len(raw)} bytes", wanted)
    if retained and not topic.retain:  # an old event is a lie, an old wish is void
        raise PayloadError("$", "a retained message", "one that was just said")
    if not raw and topic.retain:
        return Forgotten(topic, levels)
    if topic.text:
        return Received(topic, levels, text_of(raw), retained)
    payload = decode(topic.payload, raw, strict=topic.strict)
    return Received(topic, levels, payload, retained)
