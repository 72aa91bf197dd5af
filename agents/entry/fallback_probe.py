"""Asking a target that answers no echo request: by DNS, or by a TCP connection.

Any sign of life is an answer, also a refusal: what matters is the path to the target.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TRY_AFTER_S: Final = 3.0
TRY_EVERY_S: Final = 1.0
DNS_PORT: Final = 53
OPEN_LIMIT: Final = 64  # beginnings of connections; the oldest is given up
REMEMBERED: Final = 1024  # DNS queries whose answer is still expected
_ANSWER_BYTES: Final = 4096
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: leave nothing behind
_DNS: Final = struct.Struct("!HHHHHH")
_ROOT_NS: Final = b"\0" + struct.pack("!HH", 2, 1)  # who serves the root?
_ASKED: Final = 0x0100  # recursion desired
_ANSWERED: Final = 0x8000


class Method(StrEnum):
    """How a target is asked."""

    ICMP = "icmp"
    DNS = "dns"
    TLS = "tcp/443"
    TCP = "tcp/53"


PORTS: Final = {Method.TLS: 443, Method.TCP: 53}


@dataclass(slots=True)
class Habit:
    """How one target answers; `method` None: not at all so far."""

    since_s: float
    method: Method | None = None
    tried_s: float = 0.0

    def methods(self, at_s: float) -> tuple[Method, ...]:
        """How to ask it now: now and then all ways, until echoes are answered."""
        if self.method is Method.ICMP:
            return (Method.ICMP,)
        due = at_s - self.tried_s >= TRY_EVERY_S and at_s - self.since_s >= TRY_AFTER_S
        if due:
            self.tried_s = at_s
            return tuple(Method)
        return (self.method or Method.ICMP,)

    def answers(self, method: Method) -> None:
        """The first way that works is kept; an echo is cheaper than any other."""
        if self.method is None or method is Method.ICMP:
            self.method = method


class FallbackProbe:
    """DNS queries and beginnings of connections with one mark."""

    def __init__(self, mark: int, tell: Callable[[int, str, Method], None]) -> None:
        """`tell` hears the number, the target and the way of what was answered."""
        self._mark = mark
        self._tell = tell
        self._udp: socket.socket | None = None
        self._asked: dict[int, tuple[int, str]] = {}  # by DNS id, oldest first
        self._begun: dict[socket.socket, None] = {}  # oldest first

    def ask(self, method: Method, number: int, target: str) -> None:
        """Asks; what cannot be sent is not answered."""
        with suppress(OSError):
            if method is Method.DNS:
                self._query(number, target)
            else:
                self._connect(method, number, target)

    def close(self) -> None:
        """Gives up what is open."""
        for sock in tuple(self._begun):
            self._drop(sock)
        if self._udp is not None:
            asyncio.get_running_loop().remove_reader(self._udp)
            self._udp.close()
            self._udp = None

    # --- DNS --------------------------------------------------------------------------

    def _query(self, number: int, target: str) -> None:
        if self._udp is None:
            self._udp = _marked(socket.SOCK_DGRAM, self._mark)
            asyncio.get_running_loop().add_reader(self._udp, self._hear, self._udp)
        identity = number & 0xFFFF
        self._asked.pop(identity, None)  # of an earlier round: this one is the youngest
        self._asked[identity] = number, target
        if len(self._asked) > REMEMBERED:
            del self._asked[next(iter(self._asked))]
        query = _DNS.pack(identity, _ASKED, 1, 0, 0, 0) + _ROOT_NS
        self._udp.sendto(query, (target, DNS_PORT))

    def _hear(self, sock: socket.socket) -> None:
        while True:
            try:
                raw, source = sock.recvfrom(_ANSWER_BYTES)
            except OSError:  # no more
                return
            if len(raw) < _DNS.size:
                continue
            identity, flags, *_ = _DNS.unpack_from(raw)
            number, target = self._asked.get(identity, (0, ""))
            if flags & _ANSWERED and source == (target, DNS_PORT):
                del self._asked[identity]
                self._tell(number, target, Method.DNS)

    # --- TCP --------------------------------------------------------------------------

    def _connect(self, method: Method, number: int, target: str) -> None:
        if len(self._begun) >= OPEN_LIMIT:
            self._drop(next(iter(self._begun)))
        sock = _marked(socket.SOCK_STREAM, self._mark)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if sock.connect_ex((target, PORTS[method])) not in (0, errno.EINPROGRESS):
            sock.close()
            return
        self._begun[sock] = None

        def settled() -> None:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._drop(sock)
            if error in (0, errno.ECONNREFUSED):
                self._tell(number, target, method)

        asyncio.get_running_loop().add_writer(sock, settled)

    def _drop(self, sock: socket.socket) -> None:
        del self._begun[sock]
        asyncio.get_running_loop().remove_writer(sock)
        sock.close()


def _marked(kind: socket.SocketKind, mark: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    return sock
