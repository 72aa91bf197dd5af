"""Asking a target that answers no echo request: by DNS, or by a TCP connection.

Any sign of life is an answer, also a refusal: what matters is the path to the target.
"""

import asyncio
import errno
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from agents.probe_habit import Method

DNS_PORT: Final = 53
PORTS: Final = {Method.TLS: 443, Method.TCP: 53}
# Then the kernel begins a connection once more (RFC 6298: after a second, here less a
# few ticks): a later answer may be to that, and would pass for one that took as long.
SYN_AGAIN_S: Final = 0.95
OPEN_LIMIT: Final = 64  # beginnings of connections; the oldest is given up
REMEMBERED: Final = 1024  # DNS queries whose answer is still expected
_ANSWER_BYTES: Final = 4096
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: leave nothing behind
_DNS: Final = struct.Struct("!HHHHHH")
_ROOT_NS: Final = b"\0" + struct.pack("!HH", 2, 1)  # who serves the root?
_ASKED: Final = 0x0100  # recursion desired
_ANSWERED: Final = 0x8000


class FallbackProbe:
    """DNS queries and beginnings of connections, all by one path."""

    def __init__(
        self,
        lead: Callable[[socket.socket], None],
        tell: Callable[[int, str, Method], None],
    ) -> None:
        """What is asked, and how it is heard of.

        Args:
            lead: Has what a socket sends take the path; may raise OSError.
            tell: Hears the number, the target and the way of what was answered.
        """
        self._lead = lead
        self._tell = tell
        self._udp: socket.socket | None = None
        self._asked: dict[int, tuple[int, str]] = {}  # by DNS id, oldest first
        self._begun: dict[socket.socket, float] = {}  # since when, oldest first

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

    def _open(self, kind: socket.SocketKind) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        sock.setblocking(False)
        try:
            self._lead(sock)
        except OSError:
            sock.close()
            raise
        return sock

    # --- DNS --------------------------------------------------------------------------

    def _query(self, number: int, target: str) -> None:
        if self._udp is None:
            self._udp = self._open(socket.SOCK_DGRAM)
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
        now_s = time.monotonic()
        for old, begun_s in tuple(self._begun.items()):
            if now_s - begun_s >= SYN_AGAIN_S or len(self._begun) >= OPEN_LIMIT:
                self._drop(old)
        sock = self._open(socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        if sock.connect_ex((target, PORTS[method])) not in (0, errno.EINPROGRESS):
            sock.close()
            return
        self._begun[sock] = now_s

        def settled() -> None:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            in_time = time.monotonic() - self._begun[sock] < SYN_AGAIN_S
            self._drop(sock)
            if in_time and error in (0, errno.ECONNREFUSED):
                self._tell(number, target, method)

        asyncio.get_running_loop().add_writer(sock, settled)

    def _drop(self, sock: socket.socket) -> None:
        del self._begun[sock]
        asyncio.get_running_loop().remove_writer(sock)
        sock.close()
