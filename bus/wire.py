"""One connection to an MQTT broker; what aiomqtt loses or hides is kept here.

The one rule: only WireError leaves this file. Owner of aiomqtt and paho.
"""

import asyncio
import contextlib
import logging
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from bus.errors import BusError
from bus.outbox import Parcel
from bus.secret import Secret

CALL_TIMEOUT_S: Final = 5.0  # one exchange with the broker
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MOST_S: Final = 30.0
REFUSED: Final = 128  # codes of SUBACK and PUBACK from here on are failures
OLD_BROKER: Final = 132  # CONNACK: it does not speak MQTT 5
TAKEN_OVER: Final = 142  # DISCONNECT: another client has come with our identifier
CLOSED: Final = 128  # what paho makes of an end of file
# Bursts would wait 40 ms for Nagle's algorithm.
NO_DELAY: Final = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def backoff_s(attempt: int) -> float:
    """How long to wait before the next attempt: random, lest all come at once."""
    most_s = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** min(attempt, 16))
    return random.uniform(0, most_s)  # noqa: S311 - no secret


# What matters of what aiomqtt logs, errors say too.
QUIET: Final = logging.getLogger(f"{__name__}.aiomqtt")
QUIET.setLevel(logging.CRITICAL)


class WireError(BusError):
    """The connection did not come about, or broke."""


class OldBrokerError(WireError):
    """The broker speaks MQTT 3.1.1 only, which does not say what it refuses."""


class TakenOverError(WireError):
    """The broker gave our session to another client that calls itself as we do."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to be let in.

    Attributes:
        host: Name or address; a path is that of a Unix socket, on this machine.
        base: First level, or levels, of every topic.
        tls_ca: File of the authority behind the broker's certificate; None: no TLS.
        pause_s: How long to wait after an attempt, by its number from 0 on.
    """

    host: str
    port: int = 1883
    username: str = ""
    password: Secret | None = None
    base: str = "vpnchain"
    tls_ca: Path | None = None
    keepalive_s: int = 10
    pause_s: Callable[[int], float] = backoff_s


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that came in; `retained`: it was said before we asked."""

    name: str
    raw: bytes
    retained: bool


@asynccontextmanager
async def open_wire(
    broker: Broker,
    identifier: str,
    will: Parcel | None,
    connecting: asyncio.Lock,
    *,
    old: bool = False,
) -> AsyncIterator["Wire"]:
    """A connection; `old` speaks MQTT 3.1.1.

    aiomqtt leaks socket and task if it is cancelled while connecting (its issue 377):
    who wants to cancel takes the lock `connecting` first.

    Raises:
        WireError: It did not come about.
    """
    client = _client(broker, identifier, will, old=old)
    async with contextlib.AsyncExitStack() as stack:
        async with connecting:
            with _translated():
                await client.connect()
            stack.push_async_callback(client.leave)
        yield Wire(client)


class Wire:
    """A living connection."""

    def __init__(self, client: "_Client") -> None:
        self._client = client

    async def say(self, parcel: Parcel) -> str:
        """Hands a message over; why the broker refused it, empty if it did not.

        One at a time. A broker that speaks 3.1.1 only does not tell.
        """
        self._client.refusal = ""
        with _translated():
            await self._client.publish(
                parcel.name, parcel.raw, parcel.qos, parcel.retain
            )
        return self._client.refusal

    async def ask(self, name: str, qos: int) -> str:
        """Subscribes; why the broker refused it, empty if it did not."""
        with _translated():
            codes = await self._client.subscribe(name, qos)
        heed_cancellation()
        refused = [code for code in codes if _number(code) >= REFUSED]
        return ", ".join(str(code) for code in refused)

    async def fail(self) -> NoReturn:
        """Waits for the end of the connection, which calls under way do not notice.

        Raises:
            WireError: It broke.
        """
        with _translated():
            await self._client.end()
        raise WireError("the broker ended the connection")

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Everything that comes in, until the connection breaks.

        Raises:
            WireError: It broke.
        """
        with _translated():
            async for message in self._client.messages:
                if isinstance(message.payload, bytes):
                    raw, retained = message.payload, message.retain
                    yield Delivery(message.topic.value, raw, retained)


def heed_cancellation() -> None:
    """Raises the CancelledError that a call of aiomqtt may have swallowed.

    It waits by asyncio.wait_for, which before Python 3.12 forgets a cancellation that
    comes together with the answer (CPython issue 86296). For tasks that have caught no
    error of a TaskGroup: in Python 3.11 those count as cancelled ever after.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _Client(aiomqtt.Client):
    """aiomqtt's client, which discards what PUBACK says and forgets open sockets."""

    refusal = ""

    async def connect(self) -> None:
        """The broker lets us in."""
        try:
            await self.__aenter__()
        except aiomqtt.MqttError:
            self._client.disconnect()
            raise

    async def end(self) -> None:
        """Returns, or raises, once the connection is gone."""
        await asyncio.shield(self._disconnected)

    async def leave(self) -> None:
        """The broker is told, if it still listens, and the socket is closed."""
        with contextlib.suppress(aiomqtt.MqttError):  # it broke: nobody to be told
            await self.__aexit__(None, None, None)

    def _on_socket_register_write(
        self, client: Any, userdata: Any, sock: socket.socket
    ) -> None:
        """As aiomqtt does it, unless the socket is closed by then.

        Its number may be another socket's, whose writing we would then disturb.
        """
        del client, userdata

        def register() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), self._write)

        self._loop.call_soon_threadsafe(register)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except OSError as error:  # the connection broke
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _on_publish(
        self,
        client: Any,
        userdata: Any,
        mid: int,
        reason_code: ReasonCode,
        properties: Any,
    ) -> None:
        if reason_code.is_failure:
            self.refusal = str(reason_code)
        super()._on_publish(client, userdata, mid, reason_code, properties)


def _client(
    broker: Broker, identifier: str, will: Parcel | None, *, old: bool
) -> _Client:
    version = aiomqtt.ProtocolVersion
    authority = str(broker.tls_ca) if broker.tls_ca else None
    local = broker.host.startswith("/")
    return _Client(
        broker.host,
        broker.port,
        username=broker.username or None,
        password=broker.password.reveal() if broker.password else None,
        identifier=identifier,
        logger=QUIET,
        protocol=version.V311 if old else version.V5,
        will=aiomqtt.Will(will.name, will.raw, will.qos, will.retain) if will else None,
        timeout=CALL_TIMEOUT_S,
        keepalive=broker.keepalive_s,
        tls_params=aiomqtt.TLSParameters(ca_certs=authority) if authority else None,
        transport="unix" if local else "tcp",
        socket_options=[] if local else [NO_DELAY],
    )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except aiomqtt.MqttError as error:
        cause = error.__cause__ or error  # the outer one only says that it broke
        if isinstance(cause, aiomqtt.MqttCodeError) and _number(cause.rc) == CLOSED:
            raise WireError("the broker closed the connection") from error
        if isinstance(cause, aiomqtt.MqttCodeError) and _number(cause.rc) == TAKEN_OVER:
            raise TakenOverError("another client has taken our session") from error
        if isinstance(error, aiomqtt.MqttCodeError) and _number(error.rc) == OLD_BROKER:
            raise OldBrokerError(str(cause)) from error
        raise WireError(str(cause)) from error


def _number(code: object) -> int:
    """The number of a code, which MQTT 5 wraps."""
    value = getattr(code, "value", code)
    return value if isinstance(value, int) else 0
