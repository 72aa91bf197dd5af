"""The page without a mouse, and without eyes."""

import re
from typing import Final

import pytest
from playwright.async_api import ElementHandle, Page, expect

from bus.messages.entries import PeerReport
from tests.dashboard.test_page import World, both_ready, card, log_in

pytestmark = [pytest.mark.browser, pytest.mark.broker]

CONTROLS: Final = "a[href], button, input, select, textarea, [tabindex='0']"
MOST_STEPS: Final = 60
VERBS: Final = ("Move to", "Pin to", "Drain", "Reconnect")
FOCUSED: Final = "() => document.activeElement"
# Whether who sees the page sees where the focus is.
RINGED: Final = """(node) => {
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  const { width, height } = node.getBoundingClientRect();
  const ringed = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return ringed && width > 0 && height > 0;
}"""


async def tab(page: Page) -> ElementHandle:
    """The next control, of which is seen that it has the focus."""
    await page.keyboard.press("Tab")
    focused = (await page.evaluate_handle(FOCUSED)).as_element()
    assert focused is not None
    return focused


async def test_every_control_is_reached_by_tab_and_seen_to_be(world: World) -> None:
    page = world.page
    await both_ready(world)
    wanted = await page.locator(CONTROLS).filter(visible=True).element_handles()
    reached: list[ElementHandle] = []

    for _ in wanted:
        reached.append(await tab(page))
        assert await reached[-1].evaluate(RINGED)

    same = "(node, all) => all.includes(node)"
    for control in wanted:
        assert await control.evaluate(same, reached), await control.evaluate(
            "(node) => node.outerHTML"
        )
    assert len(wanted) >= 10  # theme, log in, three spans, two menus, a client, lists


async def test_the_menu_of_an_exit_is_walked_by_keys(world: World) -> None:
    page = world.page
    await both_ready(world)
    await page.focus(f"{card('exit-b')} .more")

    await page.keyboard.press("Enter")
    for verb in VERBS:
        item = page.get_by_role("menuitem", name=f"{verb} exit-b")
        await expect(item).to_be_focused()
        assert await item.evaluate(RINGED)
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("menu")).to_have_count(0)  # it was left

    await page.focus(f"{card('exit-b')} .more")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Pin to exit-b")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(f"{card('exit-b')} .more")).to_be_focused()


async def test_the_chain_is_steered_without_a_mouse(world: World) -> None:
    page = world.page
    await both_ready(world)
    await log_in(page)
    await page.focus(f"{card('exit-b')} .more")

    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.locator("#ask")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.locator("#ask-yes")).to_be_focused()
    await page.keyboard.press("Enter")

    await world.shown("Traffic leaves through exit-b")


async def test_every_button_has_a_name(world: World) -> None:
    page = world.page
    await both_ready(world)
    await page.click(f"{card('exit-a')} .more")

    for role in ("button", "menuitem"):
        every = page.get_by_role(role, include_hidden=True)
        named = page.get_by_role(role, name=re.compile(r"\w"), include_hidden=True)
        assert await every.count() >= len(VERBS)
        await expect(named).to_have_count(await every.count())


async def test_what_is_read_of_a_client_stays_where_it_is(world: World) -> None:
    page = world.page
    phone = PeerReport(name="phone", connected=True, received_bytes=5_000_000)
    await world.chain.entry.meet("phone", phone)
    row = page.get_by_role("row", name="phone")
    await expect(row).to_contain_text("5.0 MB")
    read = await row.element_handle()

    tablet = PeerReport(name="a tablet", connected=True, received_bytes=7_000_000)
    await world.chain.entry.meet("tablet", tablet)
    await expect(page.locator("#peers")).to_contain_text("7.0 MB")

    assert read is not None
    assert await read.evaluate("(node) => node.isConnected")


async def test_what_is_said_is_said_into_a_region_that_was_there(world: World) -> None:
    await both_ready(world)
    toast = world.page.locator("#toast")
    await expect(toast).to_be_empty()
    assert await toast.evaluate("(node) => getComputedStyle(node).display") != "none"
