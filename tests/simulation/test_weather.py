"""An hour of bad weather on every path: real detectors, and the chain after them."""

from functools import partial
from random import Random
from typing import Final

import pytest

from agents.entry.path_model import PROFILES
from bus.messages.paths import Health
from tests.agents.entry.wire import Wire
from tests.simulation.chain import Chain
from tests.simulation.run import BEGINS_S
from tests.simulation.watch import ViolationError, Watch

HOUR_S: Final = 3600.0
LOSS: Final = 0.05
ROUND_TRIP_S: Final = 0.02
JITTER_S: Final = 0.05
NAMES: Final = ("exit-a", "exit-b")

Healths = list[tuple[float, Health]]


def weather(
    seed: str, profile: str, loss: float = LOSS, for_s: float = HOUR_S
) -> Healths:
    """What the detector makes of it: when the path's health became what."""
    chance = Random(seed)  # noqa: S311 - weather

    def network(_at_s: float, _target: str) -> float | None:
        lost = chance.random() < loss
        return None if lost else ROUND_TRIP_S + chance.uniform(0.0, JITTER_S)

    return Wire(network, PROFILES[profile]).until(for_s).healths


def moves(paths: dict[str, Healths]) -> list[str]:
    """Where the entry leads its clients in that hour, once the chain has started."""
    chain = Chain(Random(1), NAMES)  # noqa: S311 - no secret
    watch, clock = Watch(chain), chain.clock
    for node in (chain.entry, chain.coordinator, *chain.exits.values()):
        node.begin()
    clock.run(clock.now_s + BEGINS_S, watch.look)
    assert watch.settled() == ""
    begun, began_s = len(chain.history), clock.now_s
    for name, healths in paths.items():
        # What it was until the first answer is the start's, not the weather's.
        for at_s, health in healths[2:]:
            clock.at(began_s + at_s, partial(chain.entry.see, name, health))
    clock.run(began_s + HOUR_S, watch.look)
    return [what for _, who, what in chain.history[begun:] if what.startswith("moves")]


@pytest.mark.parametrize("profile", ["normal", "fast"])
def test_an_hour_of_loss_and_jitter_moves_nobody(profile: str) -> None:
    paths = {name: weather(name, profile) for name in NAMES}

    assert moves(paths) == []


def test_a_storm_does_move_the_clients() -> None:
    paths = {"exit-a": weather("exit-a", "normal", 10 * LOSS, for_s=60.0)}

    with pytest.raises(ViolationError, match="moved from exit-a to exit-b"):
        moves(paths)
