"""The server's name as an address, asked for before there is a tunnel."""

import asyncio
import socket
from typing import Final

from agents.exit.model import Cause

ANSWER_S: Final = 8.0


class ResolveError(Exception):
    """The server's name leads to no address.

    The name is told: what has not the form of one (`agents.settings.is_server`) was
    refused before, without a word of it.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"resolve: {name}: {why}")
        self.cause = Cause(str(self))


_WHY: Final = {
    socket.EAI_NONAME: "no such name",
    socket.EAI_NODATA: "it has no IPv4 address",
    socket.EAI_AGAIN: "the name server does not answer",
}


async def resolve(name: str) -> str:
    """An IPv4 address of the name, or the name itself if it is one.

    Raises:
        ResolveError: There is none, or no answer in time.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(ANSWER_S):
            found = await loop.getaddrinfo(
                name, None, family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
    except TimeoutError as error:
        raise ResolveError(name, "no answer in time") from error
    except socket.gaierror as error:
        why = _WHY.get(error.errno or 0, error.strerror or "no answer")
        raise ResolveError(name, why) from error
    except UnicodeError as error:  # idna: a label too long, or empty
        raise ResolveError(name, "no possible name") from error
    return str(found[0][4][0])
