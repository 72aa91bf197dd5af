"""What only a real broker can do to a link."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.interface import BusDown, BusUp, Received, Subscription
from bus.link import open_link
from bus.messages.exits import ExitEvent, ExitEventKind, ExitReport, Stage
from bus.messages.presence import Status
from bus.secret import Secret
from bus.topics import EXIT_EVENT, EXIT_STATE, PRESENCE, TOPICS
from bus.wire import CALL_TIMEOUT_S, Broker, backoff_s
from tests.bus.hearing import PATIENCE_S, message, sign
from tests.mosquitto import Mosquitto
from tests.needs import need, tool

pytestmark = pytest.mark.broker

STATES: Final = Subscription(EXIT_STATE)
EVENTS: Final = Subscription(EXIT_EVENT)
REPORT: Final = ExitReport(stage=Stage.IKE, since=1.0)
LOST: Final = ExitEvent(
    kind=ExitEventKind.LOST, at=1.0, before=Stage.READY, after=Stage.DOWN
)


@given(st.integers(0, 10_000))
def test_the_pause_grows_to_half_a_minute_at_most(attempt: int) -> None:
    assert 0 <= backoff_s(attempt) <= min(30, 0.5 * 2.0 ** min(attempt, 50))


async def all_gone() -> None:
    """Returns once no task but the test's own is left, nor a forgotten socket.

    The latter would be a ResourceWarning, which is an error.
    """
    async with asyncio.timeout(PATIENCE_S):
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - the fact to wait for
            await asyncio.sleep(0.01)
    gc.collect()


async def logged(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Returns once a line of the log has these words."""
    async with asyncio.timeout(PATIENCE_S):
        while words not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)


async def test_who_is_killed_is_offline(broker: Broker) -> None:
    watched = Subscription(PRESENCE, {"agent": "exit-a"})
    async with open_link("watcher", "test", broker, [watched]) as bus:
        await sign(bus, BusUp)
        words = ("-m", "tests.bus.speaker", str(broker.port), broker.base, "exit-a")
        speaker = await asyncio.create_subprocess_exec(sys.executable, *words)
        try:
            online = (await message(bus, PRESENCE)).payload
            assert online.status is Status.ONLINE
        finally:
            speaker.kill()
            await speaker.wait()
        offline = (await message(bus, PRESENCE)).payload
        assert (offline.status, offline.boot) == (Status.OFFLINE, online.boot)


async def test_a_link_waits_for_a_broker_that_comes_late(
    mosquitto: Mosquitto, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    mosquitto.stop()
    async with open_link("exit-a", "test", broker, [STATES]) as bus:
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        await logged(caplog, "in 0.")
        mosquitto.start()
        assert (await message(bus, EXIT_STATE)).payload.stage is Stage.IKE


async def test_a_silent_broker_is_noticed_and_found_again(
    mosquitto: Mosquitto, broker: Broker
) -> None:
    hasty = replace(broker, keepalive_s=2)
    async with open_link("exit-a", "test", hasty, [STATES]) as bus:
        await sign(bus, BusUp)
        mosquitto.freeze()
        await sign(bus, BusDown)
        mosquitto.thaw()
        await sign(bus, BusUp)


async def test_publishing_to_a_silent_broker_does_not_block(
    mosquitto: Mosquitto, broker: Broker
) -> None:
    async with open_link("exit-a", "test", broker, [STATES]) as bus:
        await sign(bus, BusUp)
        mosquitto.freeze()
        async with asyncio.timeout(CALL_TIMEOUT_S / 2):  # no call is waited for
            for number in range(100):
                report = replace(REPORT, attempt=number)
                await bus.publish(EXIT_STATE, report, exit="exit-a")
        mosquitto.thaw()
        attempt = -1
        while attempt < 99:
            attempt = (await message(bus, EXIT_STATE)).payload.attempt


async def test_a_link_that_ends_while_connecting_leaves_nothing(
    mosquitto: Mosquitto, broker: Broker
) -> None:
    mosquitto.freeze()
    async with open_link("exit-a", "test", broker, [STATES]):
        await asyncio.sleep(0)
    await all_gone()


async def test_a_link_ends_at_any_moment_of_its_beginning(broker: Broker) -> None:
    """Also while an answer to its subscriptions arrives."""
    wanted = [Subscription(topic) for topic in TOPICS]
    for steps in range(100):
        async with asyncio.timeout(PATIENCE_S):
            async with open_link("exit-a", "test", broker, wanted) as bus:
                await sign(bus, BusUp)
                for _ in range(steps % 20):
                    await asyncio.sleep(0)
    await all_gone()


async def test_a_link_to_a_silent_broker_ends(
    mosquitto: Mosquitto, broker: Broker
) -> None:
    async with open_link("exit-a", "test", broker, [STATES]) as bus:
        await sign(bus, BusUp)
        mosquitto.freeze()
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
    await all_gone()


async def test_two_agents_of_one_name_are_told_so(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_link("exit-a", "test", broker, []) as first:
        await sign(first, BusUp)
        async with open_link("exit-a", "test", broker, []) as second:
            await sign(second, BusUp)
            await sign(first, BusDown)
            await logged(caplog, "another agent says that it is exit-a")


async def test_nothing_of_a_burst_is_lost(broker: Broker) -> None:
    count = 5000
    async with open_link("exit-a", "test", broker, [EVENTS]) as bus:
        await sign(bus, BusUp)
        for number in range(count):
            await bus.publish(EXIT_EVENT, replace(LOST, at=number), exit="exit-a")
        for number in range(count):
            assert (await message(bus, EXIT_EVENT)).payload.at == number
        assert bus.counters.dropped == 0


async def test_a_misfit_is_named_in_the_log(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_link("exit-a", "test", broker, [EVENTS]) as bus:
        await sign(bus, BusUp)
        wrong = replace(LOST, at="noon")  # type: ignore[arg-type]
        await bus.publish(EXIT_EVENT, wrong, exit="exit-a")
        await logged(
            caplog,
            "dropping a message on exit/exit-a/event: $.at: got 'noon', wanted float",
        )


@pytest.fixture
def guarded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Broker]:
    """A broker that knows the user exit-a, who may only speak of exit-a."""
    passwords, rights = tmp_path / "passwords", tmp_path / "rights"
    program = tool("mosquitto_passwd") or need("needs mosquitto_passwd")
    command = [program, "-c", "-b", str(passwords), "exit-a", "hush-hush"]
    subprocess.run(command, check=True, timeout=10)
    rights.write_text("user exit-a\ntopic readwrite guarded/exit/exit-a/#\n")
    more = f"password_file {passwords}\nacl_file {rights}"
    mosquitto = Mosquitto(tmp_path, more=more)
    mosquitto.start()
    try:
        yield Broker(
            mosquitto.host,
            mosquitto.port,
            username="exit-a",
            password=Secret("hush-hush"),
            base="guarded",
        )
    finally:
        mosquitto.stop()
        assert "hush-hush" not in caplog.text


async def test_what_the_broker_refuses_is_counted_and_logged(
    guarded: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_link("exit-a", "", guarded, [STATES]) as bus:
        await bus.publish(EXIT_STATE, REPORT, exit="exit-b")
        await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
        assert (await message(bus, EXIT_STATE)).levels == {"exit": "exit-a"}
        assert bus.counters.refused == 1
        words = "saying guarded/exit/exit-b/state: refused by the broker"
        await logged(caplog, words)


async def test_a_wrong_password_is_said_without_the_password(
    guarded: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = replace(guarded, password=Secret("hush-hushh"))
    async with open_link("exit-a", "", wrong, [STATES]) as bus:
        await logged(caplog, "Not authorized")
        assert not bus.connected


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    openssl = tool("openssl") or need("needs openssl")
    key, authority = tmp_path / "key.pem", tmp_path / "ca.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(authority)]
    command = [openssl, *words.split(), *subject, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return key, authority


async def test_a_broker_is_known_by_its_authority(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    key, authority = certificate
    more = f"allow_anonymous true\ncertfile {authority}\nkeyfile {key}"
    mosquitto = Mosquitto(tmp_path, more=more)
    mosquitto.start()
    try:
        broker = Broker(mosquitto.host, mosquitto.port, tls_ca=authority)
        async with open_link("exit-a", "test", broker, [STATES]) as bus:
            await bus.publish(EXIT_STATE, REPORT, exit="exit-a")
            assert isinstance(await message(bus, EXIT_STATE), Received)
    finally:
        mosquitto.stop()


async def test_a_broker_that_speaks_the_old_protocol_only_is_spoken_to() -> None:
    """CONNECT of MQTT 5 gets the answer that MQTT 3.1.1 has for it."""
    levels: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packet = await reader.read(1024)
        level = packet[packet.index(b"MQTT") + 4]
        levels.append(level)
        writer.write(b"\x20\x02\x00" + (b"\x00" if level == 4 else b"\x01"))
        if level == 4:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with open_link("exit-a", "", Broker("127.0.0.1", port), []) as bus:
            await sign(bus, BusUp)
    assert levels == [5, 4]
