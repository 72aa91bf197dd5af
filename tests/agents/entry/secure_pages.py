"""The same service behind TLS, in a thread: a handshake that fails is an exception.

An asyncio server would tell nobody of those, and they are what is counted here.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread

from tests.agents.entry.pages import PORT, Page
from tests.agents.netns import inside

PATIENCE_S = 20.0


class SecurePage(Page):
    """What the service says to whom trusts it.

    `tls`: what it shows of itself from the next connection on. `refused`: how often
    who came left upon that.
    """

    def __init__(self, body: bytes, tls: ssl.SSLContext) -> None:
        super().__init__(body)
        self.tls = tls
        self.refused = 0

    def accept(self, sock: socket.socket) -> None:
        """One after the other, until nobody listens any more."""
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE_S)
            with connection:
                self._handshake(connection)

    def _handshake(self, connection: socket.socket) -> None:
        try:
            secure = self.tls.wrap_socket(connection, server_side=True)
        except OSError:  # of which those of TLS are
            self.refused += 1
            return
        with secure, suppress(OSError):  # who asked has gone
            self._answer(secure)

    def _answer(self, secure: ssl.SSLSocket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = secure.recv(4096)
            if not more:
                return
            head += more
        self.asked.append(head)
        secure.sendall(self.answer or b"")


@asynccontextmanager
async def secure_page(
    where: str, address: str, body: bytes, tls: ssl.SSLContext
) -> AsyncIterator[SecurePage]:
    """The service in that namespace, at `PORT`."""
    with inside(where):
        sock = socket.create_server((address, PORT))
    said = SecurePage(body, tls)
    thread = Thread(target=said.accept, args=(sock,))
    thread.start()
    try:
        yield said
    finally:
        sock.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        await asyncio.to_thread(thread.join)
        sock.close()
