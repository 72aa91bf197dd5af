"""Debian's Chromium, driven."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.needs import tool


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=tool("chromium"), args=["--no-sandbox"]
        )
        try:
            yield browser
        finally:
            await browser.close()
