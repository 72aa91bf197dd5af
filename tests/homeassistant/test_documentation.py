"""The page for people: a real house takes each of its blocks of YAML as it stands."""

import asyncio
import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.homeassistant.house import LOOK_S, PATIENCE_S
from tests.homeassistant.world import World
from tests.needs import HASS, ROOT

pytestmark = [pytest.mark.home, pytest.mark.broker]

PAGE: Final = ROOT / "docs/home-assistant.md"
BLOCK: Final = re.compile(
    r"^## ([^\n]+)\n\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
BLOCKS: Final = dict(BLOCK.findall(PAGE.read_text()))
CHANGED: Final = "Tell me when the exit changes"
EVENING: Final = "Evening traffic through exit-b"
CARD: Final = "A card"
# So that somebody can see what a person would be told.
NOTIFIER: Final = "notify: [{platform: file, filename: told.txt}]\n"
READ: Final = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"


@pytest.fixture
def packages() -> Mapping[str, str]:
    """The automations of the page, each a file of its own."""
    return {"changed": BLOCKS[CHANGED], "evening": BLOCKS[EVENING], "told": NOTIFIER}


def told(world: World) -> list[str]:
    """All messages so far, of one line each."""
    file = world.folder / "told.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in lines if " to " in line]


async def is_told(world: World, words: str) -> None:
    """Waits until the last message is such; AssertionError with all if it is not."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while words not in "".join(told(world)[-1:]):  # noqa: ASYNC110 - a file
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise AssertionError(f"wanted {words!r}, told {told(world)}") from None


def test_each_block_of_the_page_is_tried_here() -> None:
    assert PAGE.read_text().count("```yaml") == len(BLOCKS)
    assert set(BLOCKS) == {CHANGED, EVENING, CARD}


async def test_a_person_is_told_of_each_change_once(world: World) -> None:
    await world.house.shows(automation__vpn_exit_changed="on")
    await world.chain.fail("exit-a")
    await is_told(world, "exit-a to exit-b: ")
    before = told(world)
    await world.agent.aclose()
    await world.house.shows(event__vpnchain_event="unavailable")
    await world.begin()
    await world.house.until("event.vpnchain_event", lambda state: bool(state))
    await world.chain.fail("exit-b")
    await is_told(world, "exit-b to none: ")
    assert told(world)[:-1] == before


async def test_the_hour_moves_the_chain(world: World) -> None:
    await world.house.shows(automation__evening_through_exit_b="on")
    await world.house.do(
        "select/select_option", "select.vpnchain_exit", option="exit-a"
    )
    await world.house.shows(select__vpnchain_exit="exit-a")
    await world.house.do("automation/trigger", "automation.evening_through_exit_b")
    by_hour = ("exit-b", "auto")
    await world.house.until("select.vpnchain_exit", lambda state: state in by_hour)


async def test_the_card_shows_nothing_that_is_not_there(world: World) -> None:
    card = read(BLOCKS[CARD])
    assert card["type"] == "entities"
    rows = [
        {"entity": row} if isinstance(row, str) else row for row in card["entities"]
    ]
    shown = [row["entity"] for row in rows if row.get("type") != "section"]
    assert len(shown) == len(rows) - 1
    await world.house.knows(shown)


def read(text: str) -> dict[str, Any]:
    """YAML, by the house's own reader."""
    argv = [str(HASS), "-c", READ]
    said = subprocess.run(argv, input=text, check=True, capture_output=True, text=True)
    card: dict[str, Any] = json.loads(said.stdout)
    return card
