"""Messages to the kernel for which the library has no words, as bytes. Pure.

Source: include/uapi/linux/netlink.h.
"""

import struct
from typing import Final

_REQUEST_AND_ACK: Final = 0x001 | 0x004
_HEADER: Final = struct.Struct("=IHHII")  # length, kind, flags, number, sender
_ATTRIBUTE: Final = struct.Struct("=HH")  # length, kind
_ERRNO: Final = struct.Struct("=i")


def request(kind: int, payload: bytes) -> bytes:
    """A message that is answered by how it went."""
    length = _HEADER.size + len(payload)
    return _HEADER.pack(length, kind, _REQUEST_AND_ACK, 1, 0) + payload


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, as long as a multiple of four."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def refusal(answer: bytes) -> int:
    """The kernel's errno; 0 if it did as asked."""
    return -int(_ERRNO.unpack_from(answer, _HEADER.size)[0])
