"""A real guest, on any machine that may boot one."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from lab.kernel import STOCK_KERNEL
from lab.process import PROJECT
from tests.needs import need

pytestmark = pytest.mark.kernel

WITHIN_S = 60.0
MANY = 1_000_000  # lines: more than all buffers on their way take
# In a guest whatever this machine can do: the test is about guests.
BOOT = """
import asyncio, sys
from lab.run import _in_guest
sys.exit(asyncio.run(_in_guest(sys.argv[1:], ["all: it is a test"])))
"""


@pytest.fixture(autouse=True)
def uml() -> None:
    """Skips where no guest can be booted."""
    if not STOCK_KERNEL.exists():
        need(f"needs {STOCK_KERNEL}")


async def boot(
    *argv: str, stdout: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    """A command on its way into a guest."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BOOT, *argv),
        cwd=PROJECT,
        env={key: value for key, value in os.environ.items() if key != "CI"},
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(*argv: str) -> tuple[int | None, str, str]:
    """Status, standard output and error of a command in a guest."""
    async with asyncio.timeout(WITHIN_S):
        process = await boot(*argv)
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_streams_and_status_come_back_unchanged() -> None:
    script = "seq 1 30000; printf 'a\\r\\n\\003\\tb' ; echo trouble >&2; exit 3"
    status, out, err = await run("sh", "-c", script)

    assert status == 3
    assert out == "".join(f"{n}\n" for n in range(1, 30001)) + "a\r\n\x03\tb"
    assert err.endswith("\ntrouble\n")


async def test_a_command_waits_for_its_reader_as_anywhere() -> None:
    hear, say = os.pipe()
    process = await boot("sh", "-c", f"seq 1 {MANY}; echo done >&2", stdout=say)
    os.close(say)
    assert process.stderr is not None
    with os.fdopen(hear, "rb") as reading:
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as tasks:
            assert (await asyncio.to_thread(reading.read, 2)) == b"1\n"
            assert b"booting" in await process.stderr.readline()
            ended = tasks.create_task(process.stderr.readline(), name="ended")
            await asyncio.wait([ended], timeout=1.0)  # it would be over long since
            assert not ended.done()

            lines = (await asyncio.to_thread(reading.read)).splitlines()
            assert await ended == b"done\n"
            assert await process.wait() == 0
    assert [int(line) for line in lines] == list(range(2, MANY + 1))


async def test_a_guest_can_do_all_that_a_chain_needs() -> None:
    status, out, err = await run(sys.executable, "-m", "lab", "check")

    assert (status, out) == (0, "nothing is missing\n"), err


async def test_only_the_project_can_be_written_to() -> None:
    note = PROJECT / f".guest-test-{os.getpid()}"
    temporary = Path("/tmp", note.name)  # noqa: S108 - the guest's own
    script = f"echo x > {note}; echo x > {temporary} && ! echo x > /root/{note.name}"
    try:
        status, _, err = await run("sh", "-c", script)

        assert status == 0
        assert "Read-only file system" in err
        assert note.read_text() == "x\n"
        assert not temporary.exists()
    finally:
        note.unlink(missing_ok=True)


async def test_a_signal_reaches_the_command_which_may_end_in_order() -> None:
    script = "trap 'echo bye; exit 4' INT; echo here; sleep 1000 & wait"
    async with asyncio.timeout(WITHIN_S):
        process = await boot("sh", "-c", script)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()

    assert process.returncode == 4
    assert out == b"bye\n"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
async def test_no_guest_outlives_its_host(signum: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        process = await boot("sh", "-c", "echo here; sleep 1000")
        assert process.stdout is not None
        assert await process.stdout.readline() == b"here\n"
        machines = machines_of(process.pid)
        assert machines
        process.send_signal(signum)
        await process.communicate()

        while any(alive(pid) for pid in machines):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


def machines_of(parent: int) -> set[int]:
    """The process that starts a guest's kernel, and that kernel."""
    started = {pid for pid, one in parents().items() if one == parent}
    return started | {pid for pid, one in parents().items() if one in started}


def parents() -> dict[int, int]:
    """Every process's parent."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue  # it ended meanwhile
        found[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def alive(pid: int) -> bool:
    """Whether a process still runs; one that nobody has waited for does not."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
