"""What host and guest say to each other over the guest's serial line: frames.

A frame is a kind, the number of the command it is about, and bytes. Standard library
only: the guest's process 1 speaks it too.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("!BII")
MOST_BYTES: Final = 1 << 20


class Kind(IntEnum):
    """The first byte of a frame; JSON where the payload is not said to be bytes."""

    READY = 1  # guest: {"release"}
    SETUP = 2  # host: {"writable", "modules_from", "modules"}; answered by READY
    RUN = 3  # host: {"argv", "env", "cwd"}
    SIGNAL = 4  # host: {"signum"}
    OFF = 5  # host: end everything
    OUT = 6  # guest: bytes of its standard output
    ERR = 7  # guest: bytes of its standard error
    EXIT = 8  # guest: {"status"}
    HOLD = 9  # host: {"held"}: whether what it says is left unread, as nobody takes it


class Frame(NamedTuple):
    """One frame; number 0: about no command."""

    kind: Kind
    number: int
    payload: bytes

    def encode(self) -> bytes:
        """As it goes over the line."""
        return _HEADER.pack(self.kind, self.number, len(self.payload)) + self.payload


class Parser:
    """Bytes in, in any pieces; frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with this data; ValueError: not our language."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            kind, number, length = _HEADER.unpack_from(self._buffer)
            if length > MOST_BYTES:
                raise ValueError(f"reading a frame: {length} bytes long")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield Frame(Kind(kind), number, payload)
