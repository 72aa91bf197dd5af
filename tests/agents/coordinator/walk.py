"""Every history of a few steps, one after another, held to the invariants."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from agents.coordinator.decide import decide
from agents.coordinator.model import Policy, WhenNone
from bus.messages.exits import Stage
from bus.messages.paths import Health
from tests.agents.coordinator.judge import ViolationError
from tests.agents.coordinator.story import POLICY
from tests.agents.coordinator.world import Decide, World, standing

Happening = Callable[[World], None]

# Small numbers, so that a few steps cross every threshold.
BRISK: Final = replace(
    POLICY, settle_s=12.0, stale_s=9.0, degraded_s=3.0, cooldown_s=12.0
)

HAPPENINGS: Final[dict[str, Happening]] = {
    "a ready": lambda world: world.reports("a", Stage.READY),
    "a down": lambda world: world.reports("a", Stage.DOWN),
    "b ready": lambda world: world.reports("b", Stage.READY),
    "b down": lambda world: world.reports("b", Stage.DOWN),
    "a crashes": lambda world: world.crashes("a"),
    "a starts": lambda world: world.starts("a"),
    "the grace passes": lambda world: world.passes(3.0),
    "settling passes": lambda world: world.passes(12.0),
    "silence": lambda world: world.passes(9.0, talking=False),
    "the bus breaks": lambda world: world.bus_breaks(),
    "the bus returns": lambda world: world.bus_returns(),
    "the path of a carries": lambda world: world.measures("a", Health.UP),
    "the path of a is down": lambda world: world.measures("a", Health.DOWN),
    "the path of b is degraded": lambda world: world.measures("b", Health.DEGRADED),
    "the entry crashes": lambda world: world.entry_crashes(),
    "the entry walks": lambda world: world.entry_walks("b"),
    "prefer b": lambda world: world.somebody_asks("prefer", "b"),
    "only b": lambda world: world.somebody_asks("only", "b"),
    "drain a": lambda world: world.somebody_asks("drain", "a"),
    "auto": lambda world: world.somebody_asks("auto"),
    "the coordinator restarts": lambda world: world.coordinator_restarts(),
}


def beginnings(rules: Decide, policy: Policy = BRISK) -> Iterator[World]:
    """Where histories begin: at nothing, and at a chain that stands."""
    names = ("a", "b")
    cold = World(names, policy, rules)
    cold.bus_returns()
    for name in names:
        cold.starts(name)
    cold.entry_starts()
    yield cold
    yield standing(names, policy, rules)
    yield standing(names, replace(policy, when_none=WhenNone.CLOSE), rules)


def walk(world: World, depth: int) -> int:
    """Goes every way of so many steps from here; how many steps those were.

    Raises:
        ViolationError: With the history behind it as notes, the latest step first.
    """
    if depth == 0:
        return 0
    steps = 0
    for name, happens in HAPPENINGS.items():
        there = world.branch()
        try:
            happens(there)
            if not there.same_as(world):
                steps += 1 + walk(there, depth - 1)
        except ViolationError as violation:
            violation.add_note(name)
            raise
    return steps


def walk_all(depth: int, rules: Decide = decide) -> int:
    return sum(walk(world, depth) for world in beginnings(rules))
