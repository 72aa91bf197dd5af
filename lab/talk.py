"""The conversation with a lab's keeper (`lab/keeper.py`), from the side that asks."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from lab.keeper import MOST_BYTES, MOST_DESCRIPTORS

ANSWER_S: Final = 30.0
FULL_S: Final = 0.01

_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: unix(7)
_ROOM: Final = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(
    4 * MOST_DESCRIPTORS
)

Answer = tuple[dict[str, Any], list[int]]


class LabError(Exception):
    """The lab could not be built, or a command in it went wrong."""


class Talk:
    """Requests to the keeper, and its answers, while both live.

    Attributes:
        keeper_pid: The keeper as seen from here, once it has said hello.
    """

    def __init__(self, control: socket.socket) -> None:
        self.keeper_pid = 0
        self._control = control
        control.setblocking(False)
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._loop = asyncio.get_running_loop()
        self._next = 0
        self._hello: asyncio.Future[None] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._ends: dict[int, Callable[[int], None]] = {}
        self._gone = False
        self._loop.add_reader(control, self._receive)

    async def hello(self) -> None:
        """Return once the keeper is there.

        Raises:
            LabError: It ended, or said nothing in time.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._hello
        except TimeoutError as error:
            raise LabError("starting the lab's keeper: no word from it") from error

    async def ask(
        self,
        verb: str,
        words: dict[str, Any],
        *,
        descriptors: Sequence[int] = (),
        on_end: Callable[[int], None] | None = None,
    ) -> Answer:
        """The answer, and the descriptors that came with it, now the caller's.

        `on_end` is called with the exit status of the process that this request starts,
        never before the answer.

        Raises:
            LabError: The keeper could not do it, or is gone.
        """
        if self._gone:
            raise LabError(f"asking for {verb}: the lab is gone")
        self._next += 1
        number, answer = self._next, self._loop.create_future()
        self._answers[number] = answer
        if on_end is not None:
            self._ends[number] = on_end
        message = json.dumps({"id": number, "do": verb, **words}).encode()
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._send(message, descriptors)
                said, got = await answer
        except OSError as error:  # a time-out is one, without words of its own
            cause = str(error) or "no answer"
            raise LabError(f"asking for {verb}: {cause}") from error
        finally:
            del self._answers[number]
        if "error" in said:
            self._ends.pop(number, None)
            raise LabError(f"{verb} {words.get('argv', words)}: {said['error']}")
        return said, got

    async def _send(self, message: bytes, descriptors: Sequence[int]) -> None:
        """Returns once it is on its way: many who ask at once fill the socket."""
        while True:
            try:
                socket.send_fds(self._control, [message], descriptors)
            except BlockingIOError:
                await asyncio.sleep(FULL_S)
            else:
                return

    def close(self) -> None:
        """End the conversation; whoever still waits is told that the lab is gone."""
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
            self._control.close()
            self._lost()

    def _receive(self) -> None:
        try:
            raw, ancillary, _, _ = self._control.recvmsg(MOST_BYTES, _ROOM)
        except BlockingIOError:
            return
        except ConnectionResetError:  # it ended without having read what we asked
            raw, ancillary = b"", []
        if raw:
            self._take(json.loads(raw), *_unpack(ancillary))
        else:
            self._loop.remove_reader(self._control)
            self._lost()

    def _take(self, said: dict[str, Any], pid: int, descriptors: list[int]) -> None:
        if "hello" in said:
            self.keeper_pid = pid
            self._hello.set_result(None)
        elif "exited" in said:
            if (on_end := self._ends.pop(said["exited"], None)) is not None:
                on_end(said["status"])
        elif (answer := self._answers.get(said["id"])) and not answer.done():
            answer.set_result((said, descriptors))
        else:  # nobody waits any more
            for descriptor in descriptors:
                os.close(descriptor)

    def _lost(self) -> None:
        self._gone = True
        if not self._hello.done():
            self._hello.set_exception(LabError("starting the lab's keeper: it ended"))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(LabError("waiting for the lab: it is gone"))
        for on_end in self._ends.values():
            on_end(-9)
        self._ends.clear()


def _unpack(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, list[int]]:
    """Who sent it, as seen from here, and the descriptors that came along."""
    pid, descriptors = 0, []
    for _, kind, data in ancillary:
        if kind == socket.SCM_CREDENTIALS:
            pid = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
        elif kind == socket.SCM_RIGHTS:
            count = len(data) // 4
            descriptors = list(struct.unpack(f"{count}i", data[: 4 * count]))
    return pid, descriptors
