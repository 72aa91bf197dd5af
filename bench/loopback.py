"""A mosquitto with the product's limits on the loopback; anybody may come in."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bus.mosquitto import configuration

START_S: Final = 10.0
STOP_S: Final = 5.0
LOOK_S: Final = 0.02


@asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[int]:
    """Its port, as long as the block lasts; TimeoutError if it does not start."""
    port, file = _free_port(), folder / "mosquitto.conf"
    door = f"listener {port} 127.0.0.1\nallow_anonymous true\n"
    file.write_text(f"{configuration((), user='root')}\n{door}")
    process = await asyncio.create_subprocess_exec(
        "mosquitto", "-c", str(file), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(START_S):
            while not _listens(port):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(LOOK_S)
        yield port
    finally:
        process.terminate()
        async with asyncio.timeout(STOP_S):
            await process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
