"""On a real terminal: colours, the live picture, and what stays behind."""

import asyncio
import json
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from fcntl import ioctl
from typing import Final

import pytest

from bus.link import open_link
from bus.messages.paths import Health, PathReport
from bus.topics import PATH_STATE
from bus.wire import Broker
from tests.cli.test_commands import environment, line, ran, standing, started

TIMEOUT_S: Final = 30.0
MEASURED: Final = PathReport(health=Health.UP, since=0.0, rtt_ms=12.3, loss_ratio=0.0)
COLOUR: Final = re.compile(rb"\x1b\[[0-9;]*m")


class Terminal:
    """What a command writes to a terminal of 100 columns."""

    def __init__(self, process: asyncio.subprocess.Process, number: int) -> None:
        self.process = process
        self.seen = b""
        self._number = number
        self._grown = asyncio.Event()

    def read(self) -> None:
        try:
            self.seen += os.read(self._number, 65536)
        except OSError:  # the other end is closed
            asyncio.get_running_loop().remove_reader(self._number)
        self._grown.set()

    async def until(self, words: bytes) -> None:
        while words not in self.seen:
            self._grown.clear()
            await self._grown.wait()


@asynccontextmanager
async def on_terminal(
    env: Mapping[str, str], *arguments: str
) -> AsyncIterator[Terminal]:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        env={**env, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    terminal = Terminal(process, ours)
    asyncio.get_running_loop().add_reader(ours, terminal.read)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield terminal
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.broker
async def test_the_chain_is_shown_live_until_ctrl_c(broker: Broker) -> None:
    async with (
        standing(broker),
        open_link("entry-2", "entry", broker, ()) as entry,
        on_terminal(environment(broker), "top") as terminal,
    ):
        await entry.publish(PATH_STATE, MEASURED, entry="entry-2", exit="exit-a")
        await terminal.until(b"12 ms")
        await terminal.until("█".encode())
        terminal.process.send_signal(signal.SIGINT)
        status = await terminal.process.wait()
        await terminal.until(b"\x1b[?1049l")  # the screen as it was before

    assert status == 0
    assert b"clients leave through exit-a" in terminal.seen
    assert b"Traceback" not in terminal.seen


@pytest.mark.broker
async def test_a_program_gets_samples_a_line_at_a_time(broker: Broker) -> None:
    async with (
        standing(broker),
        open_link("entry-2", "entry", broker, ()) as entry,
        started(environment(broker), "top", "--json") as process,
    ):
        await entry.publish(PATH_STATE, MEASURED, entry="entry-2", exit="exit-a")
        rtt_ms = None
        while rtt_ms is None:
            exits = json.loads(await line(process))["exits"]
            rtt_ms = exits.get("exit-a", {}).get("rtt_ms")

    assert rtt_ms == 12.3


async def test_without_a_terminal_there_is_no_live_picture() -> None:
    code, out, error = await ran({"PATH": os.environ["PATH"]}, "top")

    assert (code, out) == (2, "")
    assert error == "top needs a terminal; --json is for programs\n"


@pytest.mark.broker
@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_colours_are_for_terminals_that_want_them(
    broker: Broker, more: Mapping[str, str], *, coloured: bool
) -> None:
    async with (
        standing(broker),
        on_terminal(environment(broker, **more), "status") as terminal,
    ):
        await terminal.until(b"exit-a")
        assert await terminal.process.wait() == 0

    codes = {code for code in COLOUR.findall(terminal.seen) if b"3" in code}
    assert bool(codes) is coloured
