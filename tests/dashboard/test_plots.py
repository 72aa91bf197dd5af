"""What was measured, over time: it goes on, and says when there is nothing."""

from typing import Final

import pytest
from playwright.async_api import expect

from tests.dashboard.test_page import World, both_ready

pytestmark = [pytest.mark.browser, pytest.mark.broker]

SERIES: Final = "**/api/series"
MINUTE_MS: Final = 60_000


async def test_a_day_that_is_shown_goes_on(world: World) -> None:
    page = world.page
    await page.clock.install()
    await page.reload()
    await both_ready(world)

    async with page.expect_response(SERIES):
        await page.click("[data-span='86400']")
    async with page.expect_response(SERIES):
        await page.clock.run_for(MINUTE_MS)

    await expect(page.locator("[data-span='86400']")).to_have_attribute(
        "aria-pressed", "true"
    )
