"""What every target has: a bus of one message, and that what is said can be said."""

from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol

from bus.codec import decode, encode
from bus.interface import Counters, Heard, Subscription
from bus.topics import Topic


def run_now(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs what waits for nothing but us."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("an ear waited for something")


class Mouth:
    """A bus on which one thing is heard; what is said on it must be sayable."""

    def __init__(self, *heard: Heard) -> None:
        self.connected = True
        self.counters = Counters()
        self.said: list[object] = []
        self._heard = iter(heard)

    async def publish(self, topic: Topic[Any], payload: Any, **levels: str) -> None:
        topic.name(**levels)
        raw = encode(payload)
        assert len(raw) <= topic.most_bytes, f"{topic.pattern}: {len(raw)} bytes"
        assert decode(topic.payload, raw, strict=True) == payload
        self.said.append(payload)

    async def forget(self, topic: Topic[Any], **levels: str) -> None:
        topic.name(**levels)

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self

    async def __anext__(self) -> Heard:
        for heard in self._heard:
            return heard
        raise StopAsyncIteration


class Target(Protocol):
    """An agent that hears."""

    subscriptions: tuple[Subscription, ...]

    def hear(self, heard: Heard, at_s: float) -> None:
        """Takes it in; an AssertionError if something does not hold afterwards."""
