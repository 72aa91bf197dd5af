"""`python -m tests.bus.speaker PORT BASE NAME`: an agent to be killed."""

import asyncio
import sys

from bus.link import open_link
from bus.wire import Broker


async def speak(port: int, base: str, name: str) -> None:
    broker = Broker("127.0.0.1", port, base=base)
    async with open_link(name, "test", broker, []) as bus:
        async for _ in bus:
            pass


if __name__ == "__main__":
    asyncio.run(speak(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
