"""What a guest's command says, and a reader who takes his time."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Final

import pytest

from lab.outlet import MOST_BYTES, Outlet
from lab.talk import LabError

WITHIN_S: Final = 20.0
CHUNK: Final = b"0123456789abcdef" * 4096
TOO_MANY: Final = range(MOST_BYTES // len(CHUNK) + 4)  # the pipe takes one


class Pipe:
    """A pipe: what is put into its outlet can be read."""

    def __init__(self) -> None:
        self.hear, self.say = os.pipe()
        self.outlet = Outlet(self.say)
        self.full: list[bool] = []
        self.changed = asyncio.Event()
        self.outlet.on_change = self._changed

    def _changed(self) -> None:
        self.full.append(self.outlet.is_full)
        self.changed.set()

    def close(self) -> None:
        self.outlet.close()
        for end in (self.hear, self.say):
            if end >= 0:
                os.close(end)

    def hang_up(self) -> None:
        """Nobody will ever read."""
        os.close(self.hear)
        self.hear = -1

    async def read(self, size: int) -> bytes:
        """So many of the next bytes."""
        got = b""
        while len(got) < size:
            got += await asyncio.to_thread(os.read, self.hear, size - len(got))
        return got


@pytest.fixture
async def pipe() -> AsyncIterator[Pipe]:
    one = Pipe()
    yield one
    one.close()


async def test_what_is_put_in_comes_out_in_order(pipe: Pipe) -> None:
    for number in range(100):
        pipe.outlet.put(b"%d " % number)

    async with asyncio.timeout(WITHIN_S):
        await pipe.outlet.flushed()
    os.close(pipe.say)
    pipe.say = -1
    assert await pipe.read(290) == b"".join(b"%d " % n for n in range(100))


async def test_a_reader_who_stops_is_not_waited_for_and_loses_nothing(
    pipe: Pipe,
) -> None:
    for _ in TOO_MANY:
        pipe.outlet.put(CHUNK)
    assert pipe.full == [True]
    pipe.changed.clear()

    async with asyncio.timeout(WITHIN_S):
        assert await pipe.read(len(TOO_MANY) * len(CHUNK)) == CHUNK * len(TOO_MANY)
        await pipe.outlet.flushed()
        await pipe.changed.wait()

    assert pipe.full == [True, False]


async def test_who_gives_up_waits_for_no_reader(pipe: Pipe) -> None:
    for _ in TOO_MANY:
        pipe.outlet.put(CHUNK)

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(pipe.outlet.flushed(), name="flushed")
        await asyncio.sleep(0)
        assert not waiting.done()
        pipe.outlet.close()

    assert pipe.full == [True, False]
    pipe.outlet.put(CHUNK)
    assert not pipe.outlet.is_full


async def test_what_nobody_listens_to_is_lost(pipe: Pipe) -> None:
    pipe.hang_up()

    for _ in TOO_MANY:
        pipe.outlet.put(CHUNK)

    async with asyncio.timeout(WITHIN_S):
        await pipe.outlet.flushed()


async def test_a_disk_that_is_full_is_told_of() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        outlet = Outlet(full)
        outlet.put(b"words")

        async with asyncio.timeout(WITHIN_S):
            with pytest.raises(LabError, match="No space left on device"):
                await outlet.flushed()
        outlet.close()
    finally:
        os.close(full)
