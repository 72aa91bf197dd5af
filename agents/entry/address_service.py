"""Asks a service in the internet where we come from, through one exit.

Loaded only where it is wanted: the library takes 12 MB.
"""

import asyncio
import socket
from typing import Any, Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientError,
    ClientResponse,
    ClientSession,
    TCPConnector,
)

from agents.entry.address_answer import AddressError, CertificateError

PATIENCE_S: Final = 10.0
LARGEST_BYTES: Final = 4096
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "vpnchain"}


async def ask(url: str, mark: int, patience_s: float = PATIENCE_S) -> bytes:
    """What the service says to a request that has this mark.

    Nobody is asked for a name, and nobody is followed elsewhere. By https its
    certificate must be of one of the system's authorities, and bear the URL's address.

    Raises:
        CertificateError: It has no such certificate; it was asked nothing.
        AddressError: It says nothing, too much, or says it too late.
    """
    try:
        async with asyncio.timeout(patience_s):
            return await _get(url, mark)
    except TimeoutError as error:
        raise AddressError(f"asking {url}: no answer in {patience_s:g} s") from error
    except ClientConnectorCertificateError as error:
        why = error.certificate_error
        raise CertificateError(f"asking {url}: not trusted: {why}") from error
    except (ClientError, OSError, ValueError) as error:
        raise AddressError(f"asking {url}: {error}") from error


async def _get(url: str, mark: int) -> bytes:
    def marked(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        except OSError:
            sock.close()
            raise
        return sock

    connector = TCPConnector(socket_factory=marked, force_close=True)
    async with (
        ClientSession(
            connector=connector, headers=_HEADERS, auto_decompress=False
        ) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        return await _body(response)


async def _body(response: ClientResponse) -> bytes:
    if response.status != 200:
        raise ValueError(f"it says {response.status}")
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BYTES:
            raise ValueError(f"it says more than {LARGEST_BYTES} bytes")
    return body
