"""A thousand packets a second to the echo, and what came back, in a file of memory.

Runs as a process of its own in the client's node, as a real-time process so that it is
not what gets measured on a busy machine; nothing but sending and receiving happens in
it. Whoever maps the file (`bench/failover/flow.py`) does the thinking. Standard library
only.

The file is an array of 64-bit numbers: `HEADER` of them (packets sent so far, room for
packets), then for each packet when it was sent, when the kernel received its echo (Unix
ns; 0: not yet), and the address that the echo saw.
"""

import mmap
import socket
import sys
import time
from pathlib import Path
from typing import Final

from lab.internet import ECHO_PORT, REPLY, REQUEST
from lab.stream import SO_TIMESTAMPNS, TIMESPEC

HEADER: Final = 8
WORD: Final = 8
READ_AT_ONCE: Final = 64


def size(room: int) -> int:
    """Bytes of the file for so many packets."""
    return WORD * (HEADER + 3 * room)


class Prober:
    """The packets of one run."""

    def __init__(self, file: Path, address: str, room: int) -> None:
        with file.open("w+b") as opened:
            opened.truncate(size(room))
            words = memoryview(mmap.mmap(opened.fileno(), size(room))).cast("Q")
        words[1] = room
        self._room = room
        self._words = words
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.connect((address, ECHO_PORT))
        self._socket.setblocking(False)

    def run(self, rate_hz: int) -> None:
        """Sends until there is no more room."""
        period_s = 1 / rate_hz
        due_s = time.monotonic()
        for number in range(self._room):
            time.sleep(max(0.0, due_s - time.monotonic()))
            # What a stall held up goes out in a burst: lost packets are lost time.
            due_s += period_s
            self._send(number)
            self._receive()

    def _send(self, number: int) -> None:
        self._words[HEADER + number] = time.time_ns()
        self._words[0] = number + 1
        try:
            self._socket.send(REQUEST.pack(number))
        except OSError:
            return  # unreachable for now: the packet counts as lost

    def _receive(self) -> None:
        for _ in range(READ_AT_ONCE):
            try:
                reply, extra, _, _ = self._socket.recvmsg(REPLY.size, 64)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier packet; reading clears it
            number, seen = REPLY.unpack(reply)
            place = HEADER + self._room + number
            self._words[place + self._room] = int.from_bytes(seen, "big")
            self._words[place] = received_ns(extra)


def received_ns(extra: list[tuple[int, int, bytes]]) -> int:
    """When the kernel received it."""
    for _, kind, raw in extra:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = TIMESPEC.unpack(raw)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return time.time_ns()


def main() -> None:
    """`python -m bench.failover.prober FILE ADDRESS RATE ROOM`."""
    file, address, rate_hz, room = sys.argv[1:]
    Prober(Path(file), address, int(room)).run(int(rate_hz))


if __name__ == "__main__":
    main()
