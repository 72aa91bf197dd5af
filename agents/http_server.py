"""An aiohttp application on a socket, for as long as somebody is inside.

Whoever reaches the port may open connections, so their number has a bound, and none
stays open in which nobody has asked for anything. Nobody is answered who means another
server, see `agents.http_host`.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from agents.http_host import is_ours
from agents.settings_model import DashboardSettings, MetricsSettings, SettingsError

LEAVE_S: Final = 1.0  # until open streams are cut
NOT_TO_BE_HAD: Final = (errno.EADDRINUSE, errno.EACCES)
# Who asks whether we live may call us anything; nothing is to be learnt there.
FOR_ANYBODY: Final = frozenset({"/healthz", "/readyz"})

Place = DashboardSettings | MetricsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What strangers may take.

    Attributes:
        connections: At once; a process may open 1,024 files if nobody says otherwise.
        head_s: From the connection, or the last answer, to the whole head of a request.
    """

    connections: int = 512
    head_s: float = 15.0


USUAL: Final = Limits()


@asynccontextmanager
async def serve(
    app: web.Application, section: str, place: Place, limits: Limits = USUAL
) -> AsyncIterator[None]:
    """Serves where that section of the settings says.

    Raises:
        SettingsError: The port is not to be had, or the address is not ours.
    """
    address, port = str(place.address), place.port
    app.middlewares.append(_for_us(section, place.hosts))
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=LEAVE_S,
        # Runs from the connection on and ends with the head: half a one is cut, too.
        keepalive_timeout=limits.head_s,
        auto_decompress=False,  # only rubbish and bombs would come so
    )
    await runner.setup()
    loop, server = asyncio.get_running_loop(), cast("web.Server", runner.server)
    try:
        with _translated(section, address, port):
            door = await loop.create_server(
                lambda: _Door(server, limits.connections), address, port
            )
        try:
            yield
        finally:
            door.close()
    finally:
        await runner.cleanup()


def _for_us(section: str, hosts: tuple[str, ...]) -> Middleware:
    """Refuses who asks for a host that we are not."""
    names = frozenset(name.lower() for name in hosts)

    @web.middleware
    async def for_us(request: web.Request, handler: Handler) -> web.StreamResponse:
        # No browser leaves it out; older tools do, by HTTP/1.0.
        host = request.headers.get("Host")
        if host is None or is_ours(host, names) or request.path in FOR_ANYBODY:
            return await handler(request)
        text = f"By this name nobody is here: {section}.hosts does not have it."
        raise web.HTTPMisdirectedRequest(text=text)

    return for_us


class _Door(asyncio.Protocol):
    """Hands a connection to the server, or cuts it if there are too many.

    Not before it is made: several are accepted at once, and none of them counts yet.
    """

    def __init__(self, server: web.Server, most: int) -> None:
        self._server = server
        self._most = most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast("asyncio.Transport", transport)
        if len(self._server.connections) >= self._most:
            connection.abort()
            return
        handler = self._server()
        connection.set_protocol(handler)
        handler.connection_made(connection)


@contextmanager
def _translated(section: str, address: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Later asyncio tells of an address that is not ours without a number.
        number = error.errno or errno.EADDRNOTAVAIL
        why = os.strerror(number).lower()
        if number in NOT_TO_BE_HAD:
            key, got, wanted = "port", f"{port} at {address}", "one that is free"
        elif number == errno.EADDRNOTAVAIL:
            key, got, wanted = "address", address, "one of this machine"
        else:
            raise
        at = f"{section}.{key}"
        raise SettingsError("network", at, f"{got} ({why})", wanted) from error
