"""A way to a broker that is slow, or breaks.

As a program it stands before the broker of a node, and cuts every connection after a
while: `python -m lab.proxy HOST PORT TARGET_PORT SHORTEST_S LONGEST_S`.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

CHUNK_BYTES: Final = 65_536


@dataclass(slots=True)
class Proxy:
    """What listens in place of the broker.

    Attributes:
        delay_s: How long everything takes, each way.
        life_s: How long the next connection lasts; None: until somebody ends it.
        accepted: Connections so far.
    """

    host: str
    target_port: int
    port: int = 0
    delay_s: float = 0.0
    life_s: Callable[[], float] | None = None
    accepted: int = 0

    async def serve(
        self, here: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> None:
        """One connection, passed on in both directions until it is over."""
        self.accepted += 1
        try:
            there, on = await asyncio.open_connection(self.host, self.target_port)
        except OSError:  # nobody is there
            back.transport.abort()
            return
        life_s = self.life_s() if self.life_s else None
        try:
            async with asyncio.timeout(life_s), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(here, on))
                tasks.create_task(self._pass(there, back))
        except* (TimeoutError, OSError):
            pass
        finally:
            for writer in (on, back):
                writer.transport.abort()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        """Ends the whole connection, by an error, once its source has ended."""
        loop = asyncio.get_running_loop()
        while chunk := await source.read(CHUNK_BYTES):
            if self.delay_s:
                loop.call_later(self.delay_s, sink.write, chunk)
            else:
                sink.write(chunk)
        raise ConnectionResetError


@asynccontextmanager
async def proxy(
    target_port: int, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Proxy]:
    """A proxy for a broker at the same address; port 0: a free one."""
    between = Proxy(host, target_port)
    server = await asyncio.start_server(between.serve, host, port)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        with suppress(asyncio.CancelledError):
            await server.wait_closed()


async def cut(host: str, ports: tuple[int, int], lives_s: tuple[float, float]) -> None:
    """Cut connections for ever, each after a while by chance."""
    here, target = ports
    async with proxy(target, host=host, port=here) as between:
        between.life_s = lambda: random.uniform(*lives_s)  # noqa: S311 - no secret
        await asyncio.Event().wait()


def main() -> None:
    """Cut until killed."""
    host, here, target, shortest, longest = sys.argv[1:]
    ports, lives_s = (int(here), int(target)), (float(shortest), float(longest))
    asyncio.run(cut(host, ports, lives_s))


if __name__ == "__main__":
    main()
