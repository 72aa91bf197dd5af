"""What comes of a seed: what goes wrong, what the agents do, what must hold.

A chain starts and goes through some schedules, one after the other: in each several
things go wrong, then all is well, and the chain converges.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation.chain import Chain
from tests.simulation.faults import heal, strike
from tests.simulation.setup import USUAL, Setup
from tests.simulation.watch import ViolationError, Watch

SCHEDULES: Final = 3  # of one seed: starting a chain costs as much as a schedule
BEGINS_S: Final = 9.0
CONVERGES_S: Final = 75.0
LOOK_S: Final = 3.0  # two of them are longer than a heartbeat


@dataclass(frozen=True, slots=True)
class Outcome:
    """`violation`: empty if everything held."""

    seed: int
    steps: int
    violation: str
    history: tuple[tuple[float, str, str], ...]


def run(seed: int, setup: Setup = USUAL) -> Outcome:
    """What comes of this seed; the same each time."""
    rng = Random(seed)  # noqa: S311
    names = ("exit-a", "exit-b", "exit-c")[: rng.choice((2, 2, 3))]
    chain = Chain(rng, names, setup)
    watch, violation = Watch(chain), ""
    try:
        _play(chain, watch, rng)
    except ViolationError as error:
        violation = str(error)
        chain.note("watch", violation)
    return Outcome(seed, chain.clock.steps, violation, tuple(chain.history))


def _play(chain: Chain, watch: Watch, rng: Random) -> None:
    clock = chain.clock
    for node in (chain.entry, chain.coordinator, *chain.exits.values()):
        clock.later(rng.random(), node.begin)
    clock.run(clock.now_s + BEGINS_S, watch.look)
    for _ in range(SCHEDULES):
        _go_through(chain, watch, rng)


def _go_through(chain: Chain, watch: Watch, rng: Random) -> None:
    clock = chain.clock
    chain.begin_schedule()
    for _ in range(rng.randint(2, 5)):
        strike(chain, rng)
        clock.run(clock.now_s + rng.choice((0.02, 1.0, 6.0)) * rng.random(), watch.look)
    clock.run(clock.now_s + rng.choice((0.1, 1.0, 5.0, 20.0)), watch.look)
    heal(chain)
    _converge(chain, watch)


def _converge(chain: Chain, watch: Watch) -> None:
    """All is well: soon everything is as it should be, and stays so."""
    clock = chain.clock
    end_s, wrong, fine = clock.now_s + CONVERGES_S, "", 0
    while clock.now_s < end_s:
        clock.run(clock.now_s + LOOK_S, watch.look)
        wrong = watch.settled()
        fine = 0 if wrong else fine + 1
        if fine == 2:
            return
    raise ViolationError(f"not converged: {wrong}")
