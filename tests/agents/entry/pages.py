"""A service that says where one comes from, as a real HTTP server in a namespace."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.agents.netns import inside

PORT = 8080


class Page:
    """What the service says, byte for byte; `asked`: the heads of all requests.

    `answer` None: it is silent until who asked has gone.
    """

    def __init__(self, body: bytes) -> None:
        self.answer: bytes | None = http(body)
        self.asked: list[bytes] = []

    def says(self, body: bytes) -> None:
        """From now on it says this."""
        self.answer = http(body)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One request."""
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            if self.answer is None:
                await reader.read()
                return
            writer.write(self.answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # who asked has gone
        finally:
            writer.close()


def http(body: bytes, head: str = "200 OK", length: int | None = None) -> bytes:
    """A whole answer."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {head}\r\nContent-Length: {size}\r\n\r\n".encode() + body


@asynccontextmanager
async def page(where: str, address: str, body: bytes) -> AsyncIterator[Page]:
    """The service in that namespace, at `PORT`."""
    with inside(where):
        sock = socket.create_server((address, PORT))
    said = Page(body)
    async with await asyncio.start_server(said.serve, sock=sock):
        yield said
