"""What was measured, over time: it goes on, and says when there is nothing."""

import re
from typing import Final

import pytest
from playwright.async_api import expect

from bus.topics import EXIT_STATE
from tests.dashboard.test_page import World, both_ready

pytestmark = [pytest.mark.browser, pytest.mark.broker]

SERIES: Final = "**/api/series"
DASH: Final = "stroke-dasharray"
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


async def test_a_path_that_is_down_has_no_figures(world: World) -> None:
    page = world.page
    await both_ready(world)
    for plot, figure in (("1", "exit-b 31 ms"), ("2", "exit-b 0 %")):
        caption = page.locator(f"#plot-{plot} figcaption")
        await expect(caption).to_contain_text(figure)

    await world.chain.fail("exit-b")

    for plot in "1234":
        caption = page.locator(f"#plot-{plot} figcaption")
        await expect(caption).to_contain_text("exit-b –")  # noqa: RUF001 -- as shown


async def test_what_is_sent_is_drawn_as_well_as_what_is_received(world: World) -> None:
    await both_ready(world)
    exit_a = world.chain.exits["exit-a"]
    await exit_a.carry(0, 0)
    sent = world.page.locator("#plot-4 figcaption")
    await expect(sent).to_contain_text("exit-a 0 kbit/s")

    await exit_a.carry(received_bytes=90_000_000, sent_bytes=9_000_000)

    await expect(sent).to_contain_text(re.compile(r"exit-a \d+\.\d Mbit/s"))
    await expect(world.page.locator("#plot-4 .u-title")).to_have_text("Sent")


async def test_the_seventh_exit_does_not_look_like_the_first(world: World) -> None:
    await both_ready(world)
    exit_a = world.chain.exits["exit-a"]
    for letter in "cdefg":
        await exit_a.bus.publish(EXIT_STATE, exit_a.report, exit=f"exit-{letter}")

    lines = world.page.locator("#legend path")
    await expect(lines).to_have_count(7)
    looks = {
        (await line.get_attribute("stroke"), await line.get_attribute(DASH))
        for line in await lines.all()
    }

    assert len(looks) == 7
