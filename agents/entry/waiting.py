"""Waiting for a wish, but perhaps not for ever."""

import asyncio
from contextlib import suppress


async def wait_within(wished: asyncio.Event, limit_s: float | None) -> None:
    """Waits until there is a wish, or so long; None: until there is one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await wished.wait()
