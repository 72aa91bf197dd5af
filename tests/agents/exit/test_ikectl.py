import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents.exit.ikectl import Ikectl, IkectlError, RefusedError
from tests.agents.exit.daemons import LIMIT_S, Provider, provider
from tests.agents.netns import namespace


@pytest.fixture
async def charon(tmp_path: Path) -> AsyncIterator[Provider]:
    with namespace("ikectl") as name:
        async with provider(name, tmp_path / "x") as charon:
            yield charon


async def drain(source: AsyncIterator[object], told: list[object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        async for each in source:
            told.append(each)  # noqa: PERF401 -- it ends by an error


@asynccontextmanager
async def saying(path: Path, raw: bytes) -> AsyncIterator[None]:
    """A socket on which somebody says these bytes and hangs up."""

    def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        writer.close()

    server = await asyncio.start_unix_server(speak, path)
    async with server:
        yield


@pytest.mark.kernel
@pytest.mark.daemon
async def test_an_answer_is_text(charon: Provider) -> None:
    async with await Ikectl.open(charon.socket) as link:
        version = await link.request("version")

    assert version["daemon"] == "charon"


@pytest.mark.kernel
@pytest.mark.daemon
async def test_a_connection_takes_one_command_after_the_other(
    charon: Provider,
) -> None:
    await charon.offer(["aes256-sha1-modp2048"], ["aes256-sha1"], "x")

    async with await Ikectl.open(charon.socket) as link:
        connections = await link.request("get-conns")
        keys = await link.request("get-shared")

    assert connections == {"conns": ["any"]}
    assert keys == {"keys": ["x"]}


@pytest.mark.kernel
@pytest.mark.daemon
async def test_a_refusal_says_why(charon: Provider) -> None:
    async with await Ikectl.open(charon.socket) as link:
        with pytest.raises(RefusedError, match="terminate: no matching SAs"):
            await link.request("terminate", {"ike": "nobody"})
        with pytest.raises(IkectlError, match="asking charon to dance: unknown"):
            await link.request("dance")
        with pytest.raises(IkectlError, match="listening for moonrise: unknown"):
            await link.register("moonrise")


@pytest.mark.kernel
@pytest.mark.daemon
async def test_a_command_can_be_followed(charon: Provider) -> None:
    await charon.offer(["aes256-sha1-modp2048"], ["aes256-sha1"], "x")
    told: list[object] = []

    async with await Ikectl.open(charon.socket) as link:
        wanted = {"ike": "any", "timeout": "1000", "loglevel": "1"}
        log = link.follow("initiate", wanted, "control-log")
        with pytest.raises(RefusedError, match="asking charon to initiate"):
            await drain(log, told)

    assert told, "to %any it cannot go, and says so"


@pytest.mark.kernel
@pytest.mark.daemon
async def test_events_come_until_the_connection_ends(charon: Provider) -> None:
    async with await Ikectl.open(charon.socket) as link:
        await link.register("log", "ike-updown")
        await charon.offer(["aes256-sha1-modp2048"], ["aes256-sha1"], "x")
        events = link.events()
        async with asyncio.timeout(LIMIT_S):
            name, content = await anext(events)
        link.close()
        with pytest.raises(IkectlError, match="it has gone"):
            await drain(events, [])

    assert name == "log"
    assert "msg" in content


async def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IkectlError, match="connecting to charon: No such file"):
        await Ikectl.open(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"", "it has gone"),
        (struct.pack("!I", 9) + b"abc", "it has gone"),
        (struct.pack("!I", 2**31), "2147483648 bytes at once"),
        (struct.pack("!I", 4) + b"\x01\x03\xffx", "reading from charon: "),
        (struct.pack("!I", 2) + b"\x07\xff", "reading from charon: "),
    ],
)
async def test_nonsense_is_an_error(tmp_path: Path, raw: bytes, cause: str) -> None:
    async with saying(tmp_path / "socket", raw):
        link = await Ikectl.open(tmp_path / "socket")
        async with link:
            with pytest.raises(IkectlError, match=cause):
                await link.request("version")
