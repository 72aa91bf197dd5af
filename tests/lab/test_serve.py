"""`python -m lab up`, and what can be asked of the lab that is up."""

import asyncio
import fcntl
import os
import sys
import termios
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from lab import capability
from lab.kernel import choose
from lab.process import PROJECT
from lab.talk import LabError
from tests.needs import need

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

WITHIN_S: Final = 120.0
SOCKET: Final = f"vpnchain-lab-test-{os.getpid()}.sock"


@pytest.fixture(autouse=True)
def able() -> None:
    """Skips where no lab can stay up."""
    if missing := capability.missing():
        try:
            choose()
        except LabError as error:
            need(f"needs {'; '.join(missing)}, or a guest: {error}")


async def lab(*words: str) -> tuple[int | None, str]:
    """Status and words of `python -m lab ...`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab", *words),
        cwd=PROJECT,
        env={**os.environ, "VPNCHAIN_LAB_SOCKET": SOCKET},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WITHIN_S):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


@asynccontextmanager
async def up() -> AsyncIterator[None]:
    """A small lab stays up meanwhile."""
    status, said = await lab("up", "--exits", "1")
    try:
        assert status == 0, said
        yield
    finally:
        await lab("down")


async def test_a_lab_stays_up_and_obeys() -> None:
    async with up():
        assert await lab("exec", "client", "hostname") == (0, "client\n")
        assert (await lab("exec", "client", "sh", "-c", "exit 5"))[0] == 5

        assert (await lab("kill", "provider-a"))[0] == 0
        assert (await lab("silence", "provider-a"))[0] == 0
        _, said = await lab("status")
        assert "provider-a  killed, silenced" in said

        assert (await lab("restart", "provider-a"))[0] == 0
        assert (await lab("heal", "provider-a"))[0] == 0
        _, said = await lab("status")
        assert "provider-a  serves\n" in said

        assert (await lab("kill", "coordinator"))[0] == 0
        _, said = await lab("status")
        assert "coordinator ended with status -9" in said
        assert (await lab("restart", "coordinator"))[0] == 0

        status, said = await lab("dance")
        assert status == 2
        status, said = await lab("kill", "nobody")
        assert status == 1
        assert "no such command or name" in said

        status, said = await lab("up")
        assert status == 1
        assert "a lab is up already" in said

    assert not Path("/run", SOCKET).exists()


async def abandoned(*words: str) -> None:
    """`python -m lab ...`, gone while it prints, and its reader with it."""
    hear, say = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab", *words),
        cwd=PROJECT,
        env={**os.environ, "VPNCHAIN_LAB_SOCKET": SOCKET},
        stdout=say,
    )
    os.close(say)
    try:
        async with asyncio.timeout(WITHIN_S):
            assert await asyncio.to_thread(os.read, hear, 2) == b"y\n"
        process.kill()
    finally:
        os.close(hear)
    await process.wait()


async def test_a_lab_outlives_whoever_asks_it_something() -> None:
    async with up():
        await abandoned("exec", "client", "yes")
        assert await lab("exec", "client", "hostname") == (0, "client\n")


async def full(hear: int) -> None:
    """Nothing more fits into this pipe."""
    waiting_bytes = array("i", [0])
    async with asyncio.timeout(WITHIN_S):
        while waiting_bytes[0] < fcntl.fcntl(hear, fcntl.F_GETPIPE_SZ):
            await asyncio.sleep(0.05)  # nothing tells
            fcntl.ioctl(hear, termios.FIONREAD, waiting_bytes)


async def test_who_does_not_read_keeps_nobody_else_waiting() -> None:
    async with up():
        hear, say = os.pipe()
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab", "exec", "client", "yes"),
            cwd=PROJECT,
            env={**os.environ, "VPNCHAIN_LAB_SOCKET": SOCKET},
            stdout=say,
        )
        os.close(say)
        try:
            await full(hear)
            for _ in range(3):
                told = await lab("exec", "client", "seq", "1", "20000")
                assert told == (0, "".join(f"{n}\n" for n in range(1, 20001)))
            assert asking.returncode is None

            asking.kill()
            await asking.wait()
            assert await lab("exec", "client", "hostname") == (0, "client\n")
        finally:
            os.close(hear)


async def test_without_a_lab_there_is_nothing_to_ask() -> None:
    assert await lab("status") == (1, "lab: no lab is up: python -m lab up\n")
    assert await lab("down") == (1, "lab: no lab is up\n")
