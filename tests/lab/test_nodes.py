"""Real networks, on the machine's own kernel."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from lab import topology
from lab.nodes import FOLDER, Lab, open_lab
from lab.process import PROJECT
from lab.talk import LabError

pytestmark = pytest.mark.kernel

SMALL = topology.build(exits=1)
WITHIN_S = 20.0
OPENER = """
import asyncio
from lab import topology
from lab.nodes import open_lab

async def main():
    async with open_lab(topology.build(exits=1)) as lab:
        await lab.spawn("client", ["sleep", "1000"], log="sleep")
        print(lab.folder, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def keeper_of(folder: Path) -> Path:
    """The /proc folder of the lab's keeper; it goes when the lab is gone."""
    return Path(*folder.parts[:3])


async def gone(path: Path) -> None:
    """Wait until a path is no more."""
    async with asyncio.timeout(WITHIN_S):
        while path.exists():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.01)


async def test_a_command_says_what_it_says_and_how_it_ended() -> None:
    async with open_lab(SMALL) as lab:
        command = ["sh", "-c", "cat; echo trouble >&2; exit 3"]
        output = await lab.exec("client", command, stdin="hello", check=False)

    assert (output.status, output.stdout, output.stderr) == (3, "hello", "trouble\n")


async def test_a_command_that_fails_is_an_error_with_its_words() -> None:
    async with open_lab(SMALL) as lab:
        with pytest.raises(LabError, match=r"client: sh -c .* status 3: trouble"):
            await lab.exec("client", ["sh", "-c", "echo trouble >&2; exit 3"])


async def test_a_command_that_does_not_exist_is_an_error() -> None:
    async with open_lab(SMALL) as lab:
        with pytest.raises(LabError, match="No such file"):
            await lab.exec("client", ["no-such-command"])


async def test_a_command_that_does_not_end_is_ended() -> None:
    async with open_lab(SMALL) as lab:
        with pytest.raises(LabError, match="not done after"):
            await lab.exec("client", ["sleep", "1000"], timeout_s=0.1)

        assert not await lab.sweep("client")


async def test_a_node_has_run_and_etc_ppp_of_its_own() -> None:
    async with open_lab(SMALL) as lab:
        (lab.run_of("exit-a") / "hello").write_text("from outside")
        inside = await lab.exec("exit-a", ["cat", "/run/hello"])
        other = await lab.exec("entry", ["ls", "/run"])

    assert inside.stdout == "from outside"
    assert "hello" not in other.stdout


async def test_the_labs_folder_is_the_same_everywhere() -> None:
    async with open_lab(SMALL) as lab:
        await lab.exec("exit-a", ["sh", "-c", f"echo x > {FOLDER}/note"])

        assert (lab.folder / "note").read_text() == "x\n"
        assert (await lab.exec("entry", ["cat", f"{FOLDER}/note"])).stdout == "x\n"


async def test_a_spawned_process_is_logged_and_told_to_go() -> None:
    async with open_lab(SMALL) as lab:
        said = "trap 'echo bye; exit 4' TERM; echo here; sleep 1000 & wait"
        process = await lab.spawn("client", ["sh", "-c", said], log="talker")
        async with asyncio.timeout(WITHIN_S):
            while not lab.log("talker").read_text():  # noqa: ASYNC110 - just a file
                await asyncio.sleep(0.01)

        assert process.status is None
        assert await process.end() == 4
        assert lab.log("talker").read_text() == "here\nbye\n"


async def test_a_sweep_finds_daemons_too() -> None:
    async with open_lab(SMALL) as lab:
        daemon = "setsid sleep 1000 </dev/null >/dev/null 2>&1 &"
        await lab.exec("exit-a", ["sh", "-c", daemon])
        bystander = await lab.spawn("entry", ["sleep", "1000"], log="bystander")

        assert len(await lab.sweep("exit-a")) == 1
        assert not await lab.sweep("exit-a")
        assert bystander.status is None


async def test_a_socket_of_a_node_speaks_in_its_network() -> None:
    async with open_lab(SMALL) as lab:
        datagrams = (socket.AF_INET, socket.SOCK_DGRAM)
        with (
            await lab.socket("internet", *datagrams) as server,
            await lab.socket("provider-a", *datagrams) as sender,
        ):
            server.bind((topology.INTERNET_ADDRESS, 4000))
            sender.sendto(b"hello", (topology.INTERNET_ADDRESS, 4000))
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(WITHIN_S):
                data, (address, _) = await loop.sock_recvfrom(server, 100)

    assert data == b"hello"
    assert address == topology.seen_address("provider-a")


async def reaches(lab: Lab, node: str, address: str) -> bool:
    """Whether a ping is answered; patient with a bridge that has just begun."""
    ping = ["ping", "-c", "1", "-W", "5", address]
    return (await lab.exec(node, ping, check=False)).status == 0


async def test_nodes_reach_whom_they_shall() -> None:
    async with open_lab(SMALL) as lab:
        assert await reaches(lab, "client", topology.ENTRY_ADDRESS)
        assert await reaches(lab, "entry", topology.exit_address("exit-a"))
        assert await reaches(lab, "exit-a", topology.public_address("provider-a"))
        assert await reaches(lab, "exit-a", topology.CONTROL_ADDRESS)
        assert await reaches(lab, "provider-a", topology.INTERNET_ADDRESS)
        # A leak would arrive: the lab does not hide it.
        assert await reaches(lab, "exit-a", topology.INTERNET_ADDRESS)


async def test_two_labs_do_not_meet() -> None:
    async with open_lab(SMALL) as one, open_lab(SMALL) as other:
        await one.exec("client", ["ip", "link", "set", "eth0", "down"])

        assert not await reaches(one, "client", topology.ENTRY_ADDRESS)
        assert await reaches(other, "client", topology.ENTRY_ADDRESS)


async def test_nothing_of_a_lab_shows_outside() -> None:
    before = {name for _, name in socket.if_nameindex()}
    async with open_lab(SMALL):
        assert {name for _, name in socket.if_nameindex()} == before


async def test_a_lab_vanishes_after_an_error() -> None:
    seen: list[Path] = []

    async def fail() -> None:
        async with open_lab(SMALL) as lab:
            await lab.spawn("client", ["sleep", "1000"], log="sleep")
            seen.append(keeper_of(lab.folder))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert not seen[0].exists()


def children() -> set[str]:
    """Our own processes."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.add(folder.name)
    return found


async def test_a_lab_vanishes_when_it_is_cancelled_while_it_is_built() -> None:
    before = children()

    async def build() -> None:
        async with open_lab(topology.build(exits=26)):
            pass

    building = asyncio.create_task(build())
    async with asyncio.timeout(WITHIN_S):
        while children() == before:  # noqa: ASYNC110 - nobody tells that it begins
            await asyncio.sleep(0.001)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building

    assert children() == before


async def test_a_lab_vanishes_with_the_process_that_opened_it() -> None:
    opener = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPENER, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert opener.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        keeper = keeper_of(Path((await opener.stdout.readline()).decode().strip()))
        assert keeper.exists()

        opener.send_signal(signal.SIGKILL)
        await opener.wait()

    await gone(keeper)


async def test_a_lab_whose_keeper_was_killed_is_an_error() -> None:
    async with open_lab(SMALL) as lab:
        process = await lab.spawn("client", ["sleep", "1000"], log="sleep")
        os.kill(int(keeper_of(lab.folder).name), signal.SIGKILL)

        async with asyncio.timeout(WITHIN_S):
            assert await process.wait() == -signal.SIGKILL
        with pytest.raises(LabError, match="gone"):
            await lab.exec("client", ["true"])
