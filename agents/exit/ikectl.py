"""charon's control socket: a connection is for one command at a time, or for events.

The one rule: bytes and the untyped library end here; text in mappings comes out.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from vici.exception import DeserializationException
from vici.protocol import Message, Packet

from agents.exit.ipsec import Section

COMMAND_TIMEOUT_S: Final = 3.0
_LENGTH: Final = struct.Struct("!I")
_LONGEST_BYTES: Final = 512 * 1024  # charon sends no more at once


class IkectlError(Exception):
    """charon is not there, or makes no sense; the other kind: it refused a command."""


class RefusedError(IkectlError):
    """charon did not carry a command out, and says why."""


class Ikectl:
    """A connection to a running charon; close it when done."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, path: Path) -> Self:
        """A connection of its own.

        Raises:
            IkectlError: Nobody listens there.
        """
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                return cls(*await asyncio.open_unix_connection(path))
        except (OSError, TimeoutError) as error:
            raise IkectlError(f"connecting to charon: {_why(error)}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; a stream that is being read ends with an error."""
        self._writer.transport.abort()

    async def request(self, command: str, message: Section | None = None) -> Section:
        """What charon answers.

        Raises:
            IkectlError: It refused, or did not answer in time.
        """
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await self._send(Packet.request(command, _packed(message)))
                while True:
                    kind, _, section = await self._receive()
                    if kind == Packet.CMD_RESPONSE:
                        return _granted(command, section)
                    if kind != Packet.EVENT:
                        raise IkectlError(f"asking charon to {command}: unknown to it")
        except TimeoutError as error:
            raise IkectlError(f"asking charon to {command}: no answer") from error

    async def follow(
        self, command: str, message: Section, event: str
    ) -> AsyncGenerator[Section, None]:
        """The events of that name while charon carries the command out; then it ends.

        Bounded by nothing: whoever calls sets a limit.

        Raises:
            IkectlError: The command failed.
        """
        await self.register(event)
        await self._send(Packet.request(command, _packed(message)))
        while True:
            kind, _, section = await self._receive()
            if kind == Packet.EVENT:
                yield section
            else:
                _granted(command, section)
                return

    async def register(self, *events: str) -> None:
        """From now on charon sends these events over this connection.

        Raises:
            IkectlError: It does not know one.
        """
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                for event in events:
                    await self._send(Packet.register_event(event))
                    while True:
                        kind, _, _ = await self._receive()
                        if kind == Packet.EVENT_CONFIRM:
                            break
                        if kind != Packet.EVENT:
                            raise IkectlError(f"listening for {event}: unknown")
        except TimeoutError as error:
            raise IkectlError("listening to charon: no answer") from error

    async def events(self) -> AsyncGenerator[tuple[str, Section], None]:
        """Name and content of each registered event, for ever.

        Raises:
            IkectlError: The connection ended.
        """
        while True:
            kind, event, section = await self._receive()
            if kind == Packet.EVENT:
                yield event, section

    async def _send(self, packet: bytes) -> None:
        try:
            self._writer.write(_LENGTH.pack(len(packet)) + packet)
            await self._writer.drain()
        except OSError as error:
            raise IkectlError(f"writing to charon: {_why(error)}") from error

    async def _receive(self) -> tuple[int, str, Section]:
        """Kind, event's name (empty if it is none) and content of the next packet."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > _LONGEST_BYTES:
                raise IkectlError(f"reading from charon: {length} bytes at once")
            raw = await self._reader.readexactly(length)
        except (OSError, EOFError) as error:
            raise IkectlError("reading from charon: it has gone") from error
        try:
            packet = Packet.parse(raw)
            content = Message.deserialize(packet.payload)
        except (DeserializationException, struct.error, UnicodeDecodeError) as error:
            raise IkectlError(f"reading from charon: {error}") from error
        name = getattr(packet, "event_type", b"").decode(errors="replace")
        return packet.response_type, name, _section(content)


def _packed(message: Section | None) -> bytes | None:
    if message is None:
        return None
    packed: bytes = Message.serialize(message)
    return packed


def _granted(command: str, section: Section) -> Section:
    if section.get("success", "yes") == "no":
        why = section.get("errmsg") or "refused"
        raise RefusedError(f"asking charon to {command}: {why}")
    return section


def _section(content: Mapping[str, Any]) -> Section:
    return {key: _value(value) for key, value in content.items()}


def _value(value: Any) -> object:
    match value:
        case bytes():
            return value.decode(errors="replace")
        case list():
            return [item.decode(errors="replace") for item in value]
        case _:
            return _section(value)


def _why(error: OSError | TimeoutError) -> str:
    return error.strerror or type(error).__name__
