"""The demo: it holds, and whenever it is interrupted nothing of it is left."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from lab import capability
from lab.__main__ import INTERRUPTED
from lab.kernel import choose
from lab.process import PROJECT
from lab.talk import LabError
from tests.needs import need

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

WITHIN_S: Final = 240.0
END_S: Final = 40.0
MARK: Final = "VPNCHAIN_DEMO_TEST"  # in the environment of all that a demo starts
MOMENTS: Final = ("", "the lab stands", "the exits come up", "sends a stream")


@pytest.fixture(autouse=True)
def able() -> None:
    """Skips where no demo can be seen."""
    if missing := capability.missing():
        try:
            choose()
        except LabError as error:
            need(f"needs {'; '.join(missing)}, or a guest: {error}")


class Demo:
    """A running demo."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        self.process = process
        self.lines: list[str] = []
        self._mark = f"{MARK}={mark}".encode()

    async def until(self, text: str) -> None:
        """Return once it has said this, in a line of any kind."""
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode():
            self.lines.append(line.rstrip())
            if text in line:
                return
        raise AssertionError("\n".join(self.lines))

    async def end(self) -> int:
        """Its exit status, all its lines read."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())
        return await self.process.wait()

    def left(self) -> list[str]:
        """What it started and still runs."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):  # no process, or it ended meanwhile
                if self._mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "comm").read_text().strip())
        return found


@asynccontextmanager
async def playing() -> AsyncIterator[Demo]:
    """A demo, as a person starts it."""
    mark = uuid.uuid4().hex
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab", "demo"),
        cwd=PROJECT,
        env={**os.environ, MARK: mark},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            yield Demo(process, mark)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def test_every_step_holds() -> None:
    async with playing() as demo:
        status = await demo.end()

    told = json.loads(demo.lines[-1])
    assert status == 0, "\n".join(demo.lines)
    assert told["ok"] is True
    assert told["leaked"] == 0
    assert set(told["ready_s"]) == {"exit-a", "exit-b"}
    assert set(told["outage_ms"]) == {"provider_killed", "provider_silent", "failback"}
    assert demo.left() == []


@pytest.mark.parametrize("moment", MOMENTS)
async def test_nothing_is_left_when_it_is_interrupted_at(moment: str) -> None:
    async with playing() as demo:
        await demo.until(moment)
        # As a terminal does it: to all that is in the foreground.
        os.killpg(demo.process.pid, signal.SIGINT)
        async with asyncio.timeout(END_S):
            status = await demo.end()

    assert status == INTERRUPTED
    assert demo.left() == []
    assert not [one for one in demo.lines if "Traceback" in one], "\n".join(demo.lines)


async def test_nothing_is_left_when_it_is_killed() -> None:
    async with playing() as demo:
        await demo.until("all agents present")
        demo.process.kill()
        await demo.process.wait()
        # Whatever the kernel has to end, it ends at once; that takes a moment.
        async with asyncio.timeout(END_S):
            while demo.left():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
