"""The door to a lab that stays up: a command comes in with its caller's own streams.

The caller sends words and the descriptors of its standard streams, and gets an exit
status. If it goes away, what it asked for is ended. Only root may come in.
"""

import asyncio
import json
import os
import select
import signal
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from lab.talk import LabError

# In /run, which a guest has too; another name makes room for another lab.
PATH: Final = Path("/run", os.environ.get("VPNCHAIN_LAB_SOCKET", "vpnchain-lab.sock"))
MOST_BYTES: Final = 65536
FIRST_WORD_S: Final = 5.0
CLOSE_S: Final = 60.0
STREAMS: Final = 3

Streams = tuple[int, int, int]
Obey = Callable[[Sequence[str], Streams], Awaitable[int]]


def knock(words: Sequence[str]) -> int:
    """The exit status of a command given to the lab that is up.

    Raises:
        LabError: None is, or it went away meanwhile.
    """
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(str(PATH))
            socket.send_fds(door, [json.dumps(list(words)).encode()], [0, 1, 2])
            answer = door.recv(MOST_BYTES)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise LabError("no lab is up: python -m lab up") from error
        except ConnectionResetError:
            answer = b""
    if not answer:
        raise LabError(f"{words[0]}: the lab went away")
    return int(answer)


def close() -> None:
    """Have the lab that is up taken down; return once it is.

    Raises:
        LabError: None is up, or it does not go.
    """
    with socket.socket(socket.AF_UNIX) as door:
        if door.connect_ex(str(PATH)) != 0:
            raise LabError("no lab is up")
        format_ = struct.Struct("3i")  # pid, uid, gid: unix(7)
        raw = door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, format_.size)
        holder = os.pidfd_open(format_.unpack(raw)[0])
    try:
        signal.pidfd_send_signal(holder, signal.SIGTERM)
        if not select.select([holder], [], [], CLOSE_S)[0]:
            raise LabError(f"taking the lab down: it is up after {CLOSE_S:g} s")
    finally:
        os.close(holder)


def is_open() -> bool:
    """Whether a lab is up."""
    with socket.socket(socket.AF_UNIX) as door:
        return door.connect_ex(str(PATH)) == 0


@asynccontextmanager
async def door(obey: Obey) -> AsyncIterator[None]:
    """Commands are obeyed while the block runs; LabError if another lab is up."""
    if is_open():
        raise LabError("a lab is up already: python -m lab down")
    PATH.unlink(missing_ok=True)  # of one that was killed
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.umask(0o177)
        try:
            listener.bind(str(PATH))
        finally:
            os.umask(before)
        listener.listen()
        listener.setblocking(False)
        try:
            async with asyncio.TaskGroup() as tasks:
                admitting = tasks.create_task(_admit(listener, obey))
                yield
                admitting.cancel()
        finally:
            PATH.unlink(missing_ok=True)


async def _admit(listener: socket.socket, obey: Obey) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        while True:
            caller, _ = await loop.sock_accept(listener)
            tasks.create_task(_serve(caller, obey))


async def _serve(caller: socket.socket, obey: Obey) -> None:
    """One command of one caller, ended early if the caller goes."""
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None  # noqa: S101 - for the type checker
    with caller, ExitStack() as descriptors:
        words, streams = await asyncio.to_thread(_hear, caller)
        for stream in streams:
            descriptors.callback(os.close, stream)
        if len(streams) != STREAMS:
            return  # it only looked whether somebody is there
        caller.setblocking(False)

        def gone() -> None:
            """Once: what is to be tidied up then must not be cancelled, too."""
            loop.remove_reader(caller)
            this.cancel()

        loop.add_reader(caller, gone)  # it has no more to say: it went away
        try:
            status = await obey(words, (streams[0], streams[1], streams[2]))
        except (LabError, OSError) as error:  # its streams may be gone before it is
            with suppress(OSError):
                os.write(streams[2], f"lab: {error}\n".encode())
            status = 1
        finally:
            loop.remove_reader(caller)
        with suppress(OSError):  # it went away just now
            caller.send(str(status).encode())


def _hear(caller: socket.socket) -> tuple[list[str], list[int]]:
    caller.settimeout(FIRST_WORD_S)
    with suppress(OSError, ValueError):  # it says nothing, or nothing of sense
        raw, streams, _, _ = socket.recv_fds(caller, MOST_BYTES, STREAMS)
        return json.loads(raw or b"[]"), streams
    return [], []
