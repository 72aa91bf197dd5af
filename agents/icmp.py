"""Echo requests and their answers on a raw socket, stamped by the kernel.

What several kinds of probe share; whom to ask, and what silence means, is theirs.
"""

import secrets
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_ECHO: Final = 8
_ECHO_REPLY: Final = 0
_HEADER: Final = struct.Struct("!BBHHH")  # type, code, checksum, id, sequence
_BODY: Final = struct.Struct("!8sI")  # token of this probe, number of the request
_TIME: Final = struct.Struct("@ll")  # timespec
_ICMP_FILTER: Final = 1  # Source: include/uapi/linux/icmp.h
_SOL_RAW: Final = 255
_SO_TIMESTAMPNS: Final = 35  # Source: include/uapi/asm-generic/socket.h
_LONGEST_ANSWER_BYTES: Final = 256
_NOTHING: Final = 0xFFFFFFFF  # a filter that lets no type of message through
_ANSWERS: Final = _NOTHING & ~(1 << _ECHO_REPLY)


@dataclass(frozen=True, slots=True)
class Answer:
    """An echo reply; `received_ns`: when the kernel had it, in Unix ns."""

    token: bytes
    number: int
    source: str
    received_ns: int


@dataclass(frozen=True, slots=True)
class Echo:
    """Who asks: its answers carry both, so that nobody else's are taken for them."""

    id: int = field(default_factory=lambda: secrets.randbits(16))
    token: bytes = field(default_factory=lambda: secrets.token_bytes(8))

    def request(self, number: int) -> bytes:
        """The echo request of that number, below 2^32."""
        body = _BODY.pack(self.token, number)
        sequence = number & 0xFFFF
        header = _HEADER.pack(_ECHO, 0, 0, self.id, sequence)
        checked = _HEADER.pack(_ECHO, 0, checksum(header + body), self.id, sequence)
        return checked + body


def open_socket() -> socket.socket:
    """A raw socket that gets echo replies, each with the time of its arrival.

    Raises:
        OSError: We may not have one.
    """
    sock = _raw(_ANSWERS)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return sock


def open_sender() -> socket.socket:
    """A raw socket that only sends.

    Raises:
        OSError: We may not have one.
    """
    return _raw(_NOTHING)


def _raw(unwanted: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setblocking(False)
    sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", unwanted))
    return sock


def answers(sock: socket.socket) -> Iterator[Answer]:
    """All that have come; whose they are is to be told by their token."""
    while True:
        try:
            raw, extra, _, source = sock.recvmsg(_LONGEST_ANSWER_BYTES, 64)
        except OSError:  # none, or the device just went
            return
        start = (raw[0] & 0x0F) * 4 if raw else 0
        if len(raw) < start + _HEADER.size + _BODY.size or raw[start] != _ECHO_REPLY:
            continue
        token, number = _BODY.unpack_from(raw, start + _HEADER.size)
        yield Answer(token, int(number), source[0], _received_ns(extra))


def round_trip_s(sent_ns: int, received_ns: int, longest_s: float) -> float:
    """From sending to arrival; both Unix ns, and the clock may have been set between.

    `longest_s`: what the monotonic clock allows at most; it is taken if the others lie.
    """
    rtt_s = (received_ns - sent_ns) / 1e9
    return rtt_s if 0 <= rtt_s <= longest_s else longest_s


def _received_ns(extra: Sequence[tuple[int, int, bytes]]) -> int:
    for level, kind, raw in extra:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIME.unpack_from(raw)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()


def checksum(raw: bytes) -> int:
    """The internet checksum of an even number of bytes. Source: RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(raw) // 2}H", raw))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
