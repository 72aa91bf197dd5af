"""Daemons as children: their lines, their end, and what survives whom."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from agents.process import (
    LINE_LIMIT_BYTES,
    Child,
    ProcessError,
    end_leftover,
    identify,
    read_pid_file,
)

PATIENCE_S: Final = 15.0

# An agent that starts a daemon which goes on talking, and then waits to be killed.
AGENT: Final = """
import asyncio, sys
from pathlib import Path
from agents.process import Child

async def main():
    talk = "while :; do echo still here; echo >> $0; sleep 0.02; done"
    await Child.start(
        ["sh", "-c", talk, sys.argv[2]],
        pid_file=Path(sys.argv[1]),
        on_line=lambda line: print(line, flush=True),
    )
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Lines(list[str]):
    """What a child said, and a way to wait for it."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def hear(self, line: str) -> None:
        self.append(line)
        self._news.set()

    async def until(self, line: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while line not in self:
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def lines() -> Lines:
    return Lines()


class Nursery:
    """Starts children and leaves none."""

    def __init__(self, folder: Path, lines: Lines) -> None:
        self.pid_file = folder / "daemon.pid"
        self._lines = lines
        self._children: list[Child] = []

    async def sh(self, script: str) -> Child:
        child = await Child.start(
            ["sh", "-c", script], pid_file=self.pid_file, on_line=self._lines.hear
        )
        self._children.append(child)
        return child

    async def end(self) -> None:
        for child in self._children:
            child.kill()
            await child.wait()


@pytest.fixture
async def nursery(tmp_path: Path, lines: Lines) -> AsyncIterator[Nursery]:
    nursery = Nursery(tmp_path, lines)
    yield nursery
    await nursery.end()


async def gone(pid: int) -> None:
    """Returns once nobody, not even a zombie of ours, has this pid."""
    async with asyncio.timeout(PATIENCE_S):
        while identify(pid) is not None:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)


async def test_lines_come_in_order_and_the_last_needs_no_end(
    nursery: Nursery, lines: Lines
) -> None:
    child = await nursery.sh("echo one; echo two >&2; printf three")
    assert await child.wait() == 0
    assert lines == ["one", "two", "three"]


async def test_a_line_is_text_that_can_be_printed(
    nursery: Nursery, lines: Lines
) -> None:
    child = await nursery.sh(r"printf 'a\tb\r\n\377\033[31m\n'")
    await child.wait()
    assert lines == ["a b", "\ufffd\ufffd[31m"]


async def test_a_line_without_end_is_cut(nursery: Nursery, lines: Lines) -> None:
    size = LINE_LIMIT_BYTES + 10
    child = await nursery.sh(f"head -c {size} /dev/zero | tr '\\0' x; echo; echo end")
    await child.wait()
    assert [len(line) for line in lines] == [LINE_LIMIT_BYTES, 10, 3]


@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -9 $$", -9)])
async def test_the_exit_status_tells_how_it_ended(
    nursery: Nursery, script: str, status: int
) -> None:
    child = await nursery.sh(script)
    assert await child.wait() == status
    assert not child.running


async def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="starting /no/such: No such file"):
        await Child.start(["/no/such"], pid_file=tmp_path / "x.pid", on_line=print)


async def test_a_child_without_pid_file_is_none(tmp_path: Path) -> None:
    pid_file = tmp_path / "no such folder" / "x.pid"
    with pytest.raises(ProcessError, match=r"writing .*: No such file"):
        await Child.start(["sleep", "60"], pid_file=pid_file, on_line=print)


async def test_who_listens_to_sigterm_ends_by_it(
    nursery: Nursery, lines: Lines
) -> None:
    child = await nursery.sh(
        "trap 'echo bye; exit 3' TERM; echo on; while :; do sleep 0.02; done"
    )
    await lines.until("on")
    assert await child.terminate(PATIENCE_S) == 3
    assert lines == ["on", "bye"]


async def test_who_is_deaf_to_sigterm_is_killed(nursery: Nursery, lines: Lines) -> None:
    child = await nursery.sh("trap '' TERM; echo on; while :; do sleep 0.02; done")
    await lines.until("on")
    assert await child.terminate(0.2) == -signal.SIGKILL


async def test_ending_one_that_has_ended_tells_its_status(nursery: Nursery) -> None:
    child = await nursery.sh("exit 4")
    await child.wait()
    child.kill()
    assert await child.terminate(1.0) == 4


async def test_a_killed_child_takes_its_own_children_along(
    nursery: Nursery, lines: Lines
) -> None:
    child = await nursery.sh("sleep 60 & echo $!; wait")
    async with asyncio.timeout(PATIENCE_S):
        while not lines:  # noqa: ASYNC110 - the line is not known
            await asyncio.sleep(0.01)
    child.kill()
    await child.wait()
    await gone(int(lines[0]))


async def test_a_grandchild_that_holds_the_pipe_does_not_hold_us(
    nursery: Nursery, lines: Lines
) -> None:
    child = await nursery.sh("sleep 60 & echo $!")
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await child.wait() == 0
    finally:
        os.kill(int(lines[0]), signal.SIGKILL)


async def test_the_pid_file_lives_as_long_as_the_child(nursery: Nursery) -> None:
    child = await nursery.sh("exec sleep 60")
    assert read_pid_file(nursery.pid_file) == identify(child.pid)
    child.kill()
    await child.wait()
    assert not nursery.pid_file.exists()
    assert not Path(f"/proc/{child.pid}").exists()


async def test_a_child_survives_its_killed_agent_until_a_successor_comes(
    tmp_path: Path,
) -> None:
    pid_file, proof = tmp_path / "daemon.pid", tmp_path / "proof"
    agent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", AGENT, str(pid_file), str(proof)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert agent.stdout is not None
        assert await agent.stdout.readline() == b"still here\n"
    finally:
        agent.kill()
        await agent.wait()
    known = read_pid_file(pid_file)
    assert known is not None
    size = proof.stat().st_size
    async with asyncio.timeout(PATIENCE_S):  # it writes on, although nobody reads
        while proof.stat().st_size < size + 5:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert await end_leftover(pid_file)
    await gone(known.pid)
    assert not pid_file.exists()


async def test_a_new_child_ends_the_one_that_was_left(nursery: Nursery) -> None:
    old = await nursery.sh("exec sleep 60")
    new = await nursery.sh("exec sleep 60")
    assert await old.wait() == -signal.SIGTERM
    assert new.running
    assert read_pid_file(nursery.pid_file) == identify(new.pid)


async def test_a_leftover_that_is_deaf_is_killed(
    nursery: Nursery, lines: Lines
) -> None:
    child = await nursery.sh("trap '' TERM; echo on; while :; do sleep 0.02; done")
    await lines.until("on")
    assert await end_leftover(nursery.pid_file, timeout_s=0.2)
    assert await child.wait() == -signal.SIGKILL


async def test_another_process_of_the_same_pid_is_let_live(
    nursery: Nursery, tmp_path: Path
) -> None:
    child = await nursery.sh("exec sleep 60")
    identity = identify(child.pid)
    assert identity is not None
    stale = tmp_path / "stale.pid"
    other_time = f"{identity.pid} {identity.started - 1} {identity.boot} /bin/sh\n"
    other_boot = f"{identity.pid} {identity.started} other-boot /bin/sh\n"
    for text in (other_time, other_boot):
        stale.write_text(text)
        assert not await end_leftover(stale)
        assert not stale.exists()
    assert child.running


@pytest.mark.parametrize("text", ["", "12", "one two three four", "999999999 1 b x"])
async def test_a_pid_file_without_sense_ends_nobody(tmp_path: Path, text: str) -> None:
    pid_file = tmp_path / "x.pid"
    pid_file.write_text(text)
    assert not await end_leftover(pid_file)


async def test_no_pid_file_ends_nobody(tmp_path: Path) -> None:
    assert not await end_leftover(tmp_path / "x.pid")
