"""The two brokers over which one suite runs: the fake one and the real one."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import aiomqtt

from bus.interface import Bus, Subscription
from bus.link import open_link
from bus.wire import Broker
from tests.fakes.bus import FakeBroker
from tests.mosquitto import Mosquitto


class World(Protocol):
    """A broker that can die, links to it, and somebody who talks nonsense."""

    def open(
        self, name: str, *subscriptions: Subscription, role: str = "test"
    ) -> AbstractAsyncContextManager[Bus]: ...

    def kill(self) -> None: ...

    def revive(self) -> None: ...

    async def nonsense(
        self, name: str, raw: bytes, *, retain: bool = False
    ) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self._broker = FakeBroker()

    def open(
        self, name: str, *subscriptions: Subscription, role: str = "test"
    ) -> AbstractAsyncContextManager[Bus]:
        return self._broker.open_link(name, role, subscriptions)

    def kill(self) -> None:
        self._broker.stop()

    def revive(self) -> None:
        self._broker.start()

    async def nonsense(self, name: str, raw: bytes, *, retain: bool = False) -> None:
        self._broker.put(name, raw, retain=retain)


class RealWorld:
    def __init__(self, mosquitto: Mosquitto, broker: Broker) -> None:
        self._mosquitto = mosquitto
        self._broker = broker

    def open(
        self, name: str, *subscriptions: Subscription, role: str = "test"
    ) -> AbstractAsyncContextManager[Bus]:
        return open_link(name, role, self._broker, subscriptions)

    def kill(self) -> None:
        self._mosquitto.stop()

    def revive(self) -> None:
        self._mosquitto.start()

    async def nonsense(self, name: str, raw: bytes, *, retain: bool = False) -> None:
        async with aiomqtt.Client(self._broker.host, self._broker.port) as client:
            full = f"{self._broker.base}/{name}"
            await client.publish(full, raw, qos=1, retain=retain)
