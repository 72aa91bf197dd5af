"""Two real charons, an exit's and a provider's, on a cable of their own.

The key exchange runs on any kernel; where the kernel has no ESP it ends there.
"""

import asyncio
import itertools
import os
import signal
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from vici.protocol import Packet

from agents.exit import kernel_support
from agents.exit.charon import EVENTS, Charon
from agents.exit.ipsec import (
    CharonExited,
    IkeDown,
    IkeUp,
    IpsecError,
    IpsecEvent,
    IpsecTunnel,
)
from agents.exit.presets import PRESETS, Preset
from agents.process import Child, identify, read_pid_file
from bus.secret import Secret
from tests.agents.exit.daemons import (
    EXIT,
    LIMIT_S,
    PROVIDER,
    PSK,
    Log,
    Provider,
    launcher,
    provider,
    two_nodes,
)

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

MODERN = PRESETS["modern"]


@dataclass
class World:
    """An exit's charon that answers, and its provider."""

    charon: Charon
    server: Provider
    run_dir: Path
    log: Log = field(default_factory=Log)
    events: asyncio.Queue[IpsecEvent] = field(default_factory=asyncio.Queue)

    async def fails(
        self, psk: str = PSK, wanted: Preset = MODERN, remote_id: str = "%any"
    ) -> IpsecError:
        with pytest.raises(IpsecError) as caught:
            await self.connect(psk, wanted, remote_id)
        return caught.value

    async def connect(
        self, psk: str = PSK, wanted: Preset = MODERN, remote_id: str = "%any"
    ) -> None:
        tunnel = IpsecTunnel(EXIT, PROVIDER, Secret(psk), wanted, remote_id)
        await self.charon.connect(tunnel)

    async def trusts(self) -> None:
        """Brings the key exchange to its end, and ESP too where the kernel has it."""
        await self.server.offer(MODERN.ike, MODERN.esp, PSK)
        if kernel_support.lacks_esp() is None:
            await self.connect()
        else:
            await self.fails()
        await self.until(IkeUp())

    async def until(self, event: IpsecEvent) -> None:
        """Waits for it, whatever comes before."""
        async with asyncio.timeout(LIMIT_S):
            while await self.events.get() != event:
                pass

    async def listen(self) -> None:
        async for event in self.charon.events():
            self.events.put_nowait(event)


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[str, str]]:
    with two_nodes() as names:
        yield names


@pytest.fixture
async def world(nodes: tuple[str, str], tmp_path: Path) -> AsyncIterator[World]:
    here, there = nodes
    run_dir = tmp_path / "exit"
    run_dir.mkdir()
    log = Log()
    charon = Charon(run_dir, log, launcher=launcher(here, tmp_path / "ppp"))
    async with provider(there, tmp_path / "server") as server:
        world = World(charon, server, run_dir, log)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(world.listen())
            try:
                await charon.start(fresh_ports=False)
                yield world
            finally:
                await charon.stop()
                listening.cancel()


async def test_the_right_key_brings_ike_up(world: World) -> None:
    await world.trusts()

    assert world.server.log.says("established between")


@pytest.mark.skipif(kernel_support.lacks_esp() is None, reason="this kernel has ESP")
async def test_a_kernel_without_esp_is_the_cause(world: World) -> None:
    await world.server.offer(MODERN.ike, MODERN.esp, PSK)

    error = await world.fails()

    assert error.cause.startswith("kernel: ESP not taken")
    assert error.permanent


async def test_a_wrong_key_is_named_at_once(world: World) -> None:
    await world.server.offer(MODERN.ike, MODERN.esp, PSK)

    error = await world.fails(psk="another")

    assert error.cause == "ike: no answer to the key exchange (wrong PSK?)"
    assert error.permanent
    assert not world.log.says("giving up")


async def test_a_refused_key_exchange_names_the_offer(world: World) -> None:
    await world.server.offer(["aes128-sha1-modp2048"], MODERN.esp, PSK)

    error = await world.fails()

    offered = "aes256-sha256-modp2048, aes128-sha256-modp2048, aes256-sha256-ecp256"
    assert error.cause == f"ike: no proposal chosen (offered {offered})"
    assert error.refused
    assert not error.permanent


async def test_a_refused_esp_is_told_from_a_refused_key_exchange(world: World) -> None:
    await world.server.offer(MODERN.ike, ["aes256-sha256-modp2048"], PSK)

    error = await world.fails()

    offered = "aes256-sha256, aes128-sha256, without PFS"
    assert error.cause == f"ipsec: no proposal chosen (offered {offered})"
    assert error.refused


async def test_a_server_under_another_name_is_refused(world: World) -> None:
    await world.server.offer(MODERN.ike, MODERN.esp, PSK)

    error = await world.fails(remote_id="vpn.example.net")

    assert (
        error.cause == f"ike: the server calls itself {PROVIDER}, not vpn.example.net"
    )
    assert error.permanent


@pytest.mark.parametrize("name", PRESETS)
async def test_every_preset_is_known_to_charon(world: World, name: str) -> None:
    preset = PRESETS[name]
    await world.server.offer(preset.ike, preset.esp, PSK)

    if kernel_support.lacks_esp() is None:
        await world.connect(wanted=preset)
    else:
        await world.fails(wanted=preset)

    await world.until(IkeUp())


async def test_an_unknown_cipher_leaves_room_for_another_preset(world: World) -> None:
    odd = Preset("odd", ike=("rot13-md5-modp1",), esp=("rot13-md5",), groups=())

    error = await world.fails(wanted=odd)

    assert error.cause.startswith("charon: ")
    assert "rot13-md5-modp1" in error.cause
    assert error.refused


async def test_the_server_is_told_that_we_go(world: World) -> None:
    await world.trusts()

    await world.charon.terminate(force=True)

    await world.server.log.until("received DELETE for IKE_SA")
    await world.until(IkeDown())


async def test_a_stopped_charon_says_goodbye_too(world: World) -> None:
    await world.trusts()

    await world.charon.stop()

    await world.server.log.until("received DELETE for IKE_SA")


async def test_terminating_nothing_is_harmless(world: World) -> None:
    await world.charon.terminate(force=False)
    await world.charon.stop()
    await world.charon.terminate(force=True)


async def test_an_attempt_given_up_leaves_nothing_behind(world: World) -> None:
    silent = IpsecTunnel(EXIT, "203.0.113.9", Secret(PSK), MODERN)
    async with asyncio.TaskGroup() as tasks:
        connecting = tasks.create_task(world.charon.connect(silent))
        await world.log.until("initiating Main Mode IKE_SA")
        connecting.cancel()

    await world.charon.terminate(force=True)

    await world.log.until("destroying IKE_SA in state CONNECTING")
    await world.log.until("uninstalling 'l2tp'")


async def test_fresh_ports_are_fresh(world: World) -> None:
    await world.trusts()
    await world.charon.start(fresh_ports=True)

    await world.trusts()

    received = "received packet: from 203.0.113.1["
    ports = [
        line.partition(received)[2].partition("]")[0]
        for line in world.server.log.lines
        if received in line
    ]
    seen = [port for port, _ in itertools.groupby(ports)]
    assert seen[0] == "500"
    assert seen[-1] not in {"500", "4500"}


async def test_a_death_that_nobody_asked_for_is_told(world: World) -> None:
    known = read_pid_file(world.run_dir / "charon.pid")
    assert known is not None

    os.kill(known.pid, signal.SIGKILL)

    await world.until(CharonExited())
    error = await world.fails()
    assert error.cause == "charon: it has gone"
    await world.charon.start(fresh_ports=False)
    await world.trusts()


async def test_a_successor_ends_the_charon_of_a_killed_agent(
    world: World, nodes: tuple[str, str], tmp_path: Path
) -> None:
    pid_file = world.run_dir / "charon.pid"
    launched = read_pid_file(pid_file)
    assert launched is not None
    left = identify(launched.pid)  # now that charon has taken the launcher's place
    pid_file.write_text(f"{left}\n")
    before = launcher(nodes[0], tmp_path / "ppp")
    successor = Charon(world.run_dir, Log(), launcher=before)

    await successor.start(fresh_ports=False)

    try:
        assert identify(launched.pid) is None
    finally:
        await successor.stop()


async def test_the_key_is_neither_on_disk_nor_in_the_log(world: World) -> None:
    await world.trusts()

    assert not world.log.says(PSK)
    for file in world.run_dir.iterdir():
        if file.is_file():
            assert PSK not in file.read_text()


async def test_a_charon_that_cannot_start_says_so(tmp_path: Path) -> None:
    charon = Charon(tmp_path, Log(), launcher=("false",))

    with pytest.raises(IpsecError, match="ended with status 1"):
        await charon.start(fresh_ports=False)


async def test_a_full_disk_is_the_cause_and_may_pass(tmp_path: Path) -> None:
    (tmp_path / "strongswan.conf").symlink_to("/dev/full")

    with pytest.raises(IpsecError, match="No space left on device") as caught:
        await Charon(tmp_path, Log()).start(fresh_ports=False)

    assert not caught.value.permanent


async def test_a_connection_that_is_refused_its_events_is_closed(
    tmp_path: Path,
) -> None:
    """A charon that listens before it knows its own events."""
    answers = [Packet.EVENT_UNKNOWN, *[Packet.EVENT_CONFIRM] * len(EVENTS)]
    closed: asyncio.Queue[int] = asyncio.Queue()

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(EOFError, ConnectionError):
            while True:
                (length,) = struct.unpack("!I", await reader.readexactly(4))
                await reader.readexactly(length)
                writer.write(struct.pack("!IB", 1, answers.pop(0)))
        writer.close()
        closed.put_nowait(len(answers))

    child = await Child.start(["sleep", "60"], pid_file=tmp_path / "pid", on_line=Log())
    charon = Charon(tmp_path, Log())
    try:
        async with (
            asyncio.timeout(LIMIT_S),
            await asyncio.start_unix_server(answer, tmp_path / "charon.vici"),
        ):
            async with await charon._first_link(child):
                assert await closed.get() == len(EVENTS)
                assert closed.empty()
            await closed.get()
    finally:
        await child.terminate(5)
