"""What can be wrong with a broker, or with the way to it: an agent carries on."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bus.endings import FLAPPING, FLAPS, TAKEN
from bus.interface import Bus, BusDown, BusUp, Subscription
from bus.link import open_link
from bus.messages.exits import ExitReport, Stage
from bus.messages.presence import Status
from bus.mosquitto import password_file
from bus.secret import Secret
from bus.topics import EXIT_STATE, PRESENCE
from bus.wire import Broker
from lab.proxy import CHUNK_BYTES, proxy
from tests.bus.hearing import PATIENCE_S, message, sign
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

STATES: Final = Subscription(EXIT_STATE)
REPORT: Final = ExitReport(stage=Stage.IKE, since=1.0)
DELAY_S: Final = 2.0
KEEPALIVE_S: Final = 5
SOON_S: Final = 0.05


@asynccontextmanager
async def agent(broker: Broker) -> AsyncIterator[Bus]:
    """An exit that has said its state, impatient to be on the bus again."""
    impatient = replace(broker, pause_s=lambda _: SOON_S)
    async with open_link("exit-a", "exit", impatient, [STATES]) as bus:
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        yield bus


async def said(caplog: pytest.LogCaptureFixture, words: str, times: int = 1) -> None:
    """Returns once the log has these words as often."""
    async with asyncio.timeout(PATIENCE_S):
        while caplog.text.count(words) < times:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)


async def test_a_broker_that_forgot_everything_is_told_again(
    mosquitto: Mosquitto, broker: Broker
) -> None:
    presence = Subscription(PRESENCE, {"agent": "exit-a"})
    async with agent(broker) as bus:
        await message(bus, EXIT_STATE)
        mosquitto.stop()
        await sign(bus, BusDown)
        mosquitto.start()
        await sign(bus, BusUp)

        async with open_link("watcher", "", broker, [presence, STATES]) as watcher:
            assert (await message(watcher, PRESENCE)).payload.status is Status.ONLINE
            assert (await message(watcher, EXIT_STATE)).payload.stage is Stage.IKE


async def test_a_password_that_is_refused_is_tried_again_until_it_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = tmp_path / "passwords"
    right, wrong = Secret("the right one"), Secret("another one")
    passwords.write_text(password_file([("exit-a", wrong)]))
    passwords.chmod(0o600)
    guard = Mosquitto(tmp_path, more=f"password_file {passwords}")
    guard.start()
    broker = Broker(guard.host, guard.port, username="exit-a", password=right)
    try:
        async with agent(broker) as bus:
            await said(caplog, "Not authorized", times=3)
            assert not bus.connected

            passwords.write_text(password_file([("exit-a", right)]))
            guard.reload()

            await sign(bus, BusUp)
            assert (await message(bus, EXIT_STATE)).payload.stage is Stage.IKE
            assert right.reveal() not in caplog.text
    finally:
        guard.stop()


@pytest.mark.kernel
async def test_a_full_disk_of_the_brokers_stops_no_message(
    tmp_path: Path,
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    more = (
        "allow_anonymous true\npersistence true\nautosave_on_changes true\n"
        f"autosave_interval 1\npersistence_location {full}/"
    )
    script = 'mount -t tmpfs -o size=4k full "$1"; : >"$1/f"; '
    script += 'dd if=/dev/zero of="$1/fill" bs=4k count=1 2>/dev/null; shift; exec "$@"'
    # The mount goes with the broker, whatever becomes of the test.
    apart = ("unshare", "--mount", "sh", "-c", script, "sh", str(full))
    crowded = Mosquitto(tmp_path, more=more, through=apart)
    crowded.start()
    try:
        async with agent(Broker(crowded.host, crowded.port)) as bus:
            for attempt in range(20):
                report = replace(REPORT, attempt=attempt)
                await bus.publish(EXIT_STATE, report, exit="exit-a")
            while (await message(bus, EXIT_STATE)).payload.attempt < 19:
                pass
            async with asyncio.timeout(PATIENCE_S):
                while crowded.log.read_text().count("Saving") < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            inside = Path(f"/proc/{crowded.pid}/root", str(full).lstrip("/"))
            assert os.statvfs(inside).f_bavail == 0
            await bus.publish(EXIT_STATE, replace(REPORT, attempt=20), exit="exit-a")
            assert (await message(bus, EXIT_STATE)).payload.attempt == 20
            assert bus.connected
    finally:
        crowded.stop()


async def test_a_slow_way_is_taken_and_holds(
    mosquitto: Mosquitto, broker: Broker
) -> None:
    async with proxy(mosquitto.port) as between:
        between.delay_s = DELAY_S
        slow = replace(broker, port=between.port, keepalive_s=KEEPALIVE_S)
        async with asyncio.timeout(60), agent(slow) as bus:
            await message(bus, EXIT_STATE)
            await asyncio.sleep(2 * KEEPALIVE_S)  # in which a deaf link would break
            await bus.publish(EXIT_STATE, replace(REPORT, attempt=9), exit="exit-a")
            while (await message(bus, EXIT_STATE)).payload.attempt != 9:
                pass
        assert between.accepted == 1


async def steal(broker: Broker, identifier: str) -> None:
    """Connects by this identifier, and goes."""
    words = b"\0\4MQTT\5\2\0\x3c\0" + len(identifier).to_bytes(2, "big")
    words += identifier.encode()
    hear, say = await asyncio.open_connection(broker.host, broker.port)
    say.write(b"\x10" + len(words).to_bytes(1, "big") + words)
    async with asyncio.timeout(PATIENCE_S):
        assert await hear.readexactly(1) == b"\x20"  # CONNACK
    say.close()
    await say.wait_closed()


async def test_a_name_that_is_stolen_again_and_again_is_said_once(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with agent(broker) as bus:
        for _ in range(FLAPPING + 1):
            assert (await message(bus, EXIT_STATE)).payload.stage is Stage.IKE
            await steal(broker, f"{broker.base}-exit-a")
            await sign(bus, BusDown)
        await sign(bus, BusUp)

    assert caplog.text.count(FLAPS) == 1


async def test_two_agents_of_one_name_say_so_once_each(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with agent(broker) as one, agent(broker) as other:
        for _ in range(FLAPPING):
            await sign(one, BusDown)
            await sign(other, BusDown)

    assert caplog.text.count(FLAPS) == 2
    assert caplog.text.count("another agent says that it is exit-a") <= 2


async def test_a_broker_that_tells_of_the_theft_is_believed(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def throw_out(hear: asyncio.StreamReader, say: asyncio.StreamWriter) -> None:
        await hear.read(CHUNK_BYTES)
        say.write(b"\x20\3\0\0\0")  # CONNACK
        await hear.read(CHUNK_BYTES)
        say.write(b"\xe0\2\x8e\0")  # DISCONNECT: session taken over
        await say.drain()
        say.close()

    server = await asyncio.start_server(throw_out, broker.host, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with agent(replace(broker, port=port)) as bus:
            for _ in range(FLAPPING + 1):
                await sign(bus, BusDown)

    assert caplog.text.count(TAKEN) == 1
    assert FLAPS not in caplog.text


async def test_a_link_that_flaps_says_so_once(
    mosquitto: Mosquitto, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with agent(broker) as bus:
        for _ in range(FLAPPING + 2):
            await sign(bus, BusUp)
            mosquitto.stop()
            await sign(bus, BusDown)
            mosquitto.start()
    assert caplog.text.count(FLAPS) == 1
