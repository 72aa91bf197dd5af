"""What a client does: ping, fetch a page, and send a stream that measures its path.

All of it on sockets that live in the client's node, used right here: no process has to
start for a ping.
"""

import asyncio
import json
import socket
import struct
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from lab.internet import ECHO_PORT, PAGE_PORT
from lab.nodes import Lab
from lab.process import PROJECT
from lab.stream import LATE_S, Window
from lab.talk import LabError
from lab.topology import INTERNET_ADDRESS

PING_S: Final = 1.0
START_S: Final = 20.0
# Beyond the end of a window and the grace for late packets.
ANSWER_S: Final = 5.0
END_S: Final = 5.0


class Client:
    """One client of the lab."""

    def __init__(self, lab: Lab, node: str = "client") -> None:
        self._lab = lab
        self.node = node

    async def fetch(self, within_s: float) -> str:
        """The page of `internet`: the address that it saw.

        Raises:
            LabError: There was no page in time.
        """
        loop = asyncio.get_running_loop()
        page = b""
        with await self._lab.socket(
            self.node, socket.AF_INET, socket.SOCK_STREAM
        ) as visit:
            try:
                async with asyncio.timeout(within_s):
                    await loop.sock_connect(visit, (INTERNET_ADDRESS, PAGE_PORT))
                    await loop.sock_sendall(visit, b"GET / HTTP/1.1\r\n\r\n")
                    while chunk := await loop.sock_recv(visit, 4096):
                        page += chunk
            except (OSError, TimeoutError) as error:
                cause = str(error) or f"no answer within {within_s:g} s"
                raise LabError(f"{self.node}: fetching a page: {cause}") from error
        return page.rpartition(b"\r\n\r\n")[2].decode().strip()

    async def ping(self, within_s: float) -> float:
        """The round trip to `internet` in ms; asks once a second.

        Raises:
            LabError: Nothing came back in time.
        """
        kind = (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        deadline_s = time.monotonic() + within_s
        with await self._lab.socket(self.node, *kind) as pinger:
            while time.monotonic() < deadline_s:
                sent_s = time.monotonic()
                if await _echo(pinger, min(PING_S, within_s)):
                    return 1000 * (time.monotonic() - sent_s)
        raise LabError(f"{self.node}: pinging: no answer within {within_s:g} s")

    @asynccontextmanager
    async def stream(self, rate_hz: int = 0) -> AsyncIterator["Stream"]:
        """A running stream to `internet`; rate 0: what the machine can spare.

        Raises:
            LabError: No packet comes back.
        """
        udp = await self._lab.socket(self.node, socket.AF_INET, socket.SOCK_DGRAM)
        with udp:
            target = [str(udp.fileno()), INTERNET_ADDRESS, str(ECHO_PORT)]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lab.stream", *target, "--rate", str(rate_hz)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=PROJECT,
                pass_fds=[udp.fileno()],
                start_new_session=True,  # Ctrl-C is for us
            )
        try:
            yield await Stream.opened(process)
        finally:
            await _end(process)


class Stream:
    """The stream that runs, and what can be asked of it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.rate_hz = 0
        self.round_trip_ms = 0.0

    @classmethod
    async def opened(cls, process: Process) -> "Stream":
        """The stream once it has found its rate."""
        stream = cls(process)
        said = await stream._said("rate_hz", START_S)
        stream.rate_hz, stream.round_trip_ms = said["rate_hz"], said["round_trip_ms"]
        return stream

    async def flows(self, since_s: float, within_s: float) -> tuple[str, float]:
        """By whom a packet sent after that moment left, and when it was sent.

        Raises:
            LabError: None came back in time.
        """
        self._tell(f"flow {since_s}")
        said = await self._said("flowing", within_s)
        return said["flowing"], said["at"]

    async def left_by(self, address: str, within_s: float) -> float:
        """The moment when a packet had come back that left by this address.

        Raises:
            LabError: None did in time.
        """
        self._tell(f"by {address}")
        return float((await self._said("by", within_s))["at"])

    async def window(self, start_s: float, end_s: float) -> Window:
        """What became of the packets sent between two moments."""
        self._tell(f"window {start_s} {end_s}")
        wait_s = max(0.0, end_s - time.monotonic()) + LATE_S + ANSWER_S
        return Window(**await self._said("longest_gap_ms", wait_s))

    def _tell(self, command: str) -> None:
        if self._process.stdin is None:
            raise LabError("streaming: no way to ask")
        self._process.stdin.write(f"{command}\n".encode())

    async def _said(self, key: str, within_s: float) -> dict[str, Any]:
        """The next line with this key; lines without it are passed over."""
        if self._process.stdout is None:
            raise LabError("streaming: no way to listen")
        try:
            async with asyncio.timeout(within_s):
                while line := await self._process.stdout.readline():
                    said: dict[str, Any] = json.loads(line)
                    if key in said:
                        return said
        except TimeoutError as error:
            raise LabError(f"streaming: no {key!r} within {within_s:g} s") from error
        raise LabError(f"streaming: it ended: {await _last_words(self._process)}")


async def _last_words(process: Process) -> str:
    words = await process.stderr.read() if process.stderr else b""
    return words.decode(errors="replace").strip().rpartition("\n")[2]


async def _end(process: Process) -> None:
    """Close its standard input; a process that does not go by that is killed."""
    try:
        async with asyncio.timeout(END_S):
            await process.communicate(b"")  # closes it
    except TimeoutError:
        process.kill()
        await process.wait()


async def _echo(pinger: socket.socket, within_s: float) -> bool:
    """Whether one echo request was answered; the kernel fills in id and checksum."""
    loop = asyncio.get_running_loop()
    request = struct.pack("!BBHHH", 8, 0, 0, 0, 1)
    try:
        async with asyncio.timeout(within_s):
            await loop.sock_sendto(pinger, request, (INTERNET_ADDRESS, 0))
            await loop.sock_recv(pinger, 64)
    except (OSError, TimeoutError):
        return False
    return True
