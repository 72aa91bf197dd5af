"""`python -m tests.simulation SEED` prints a history; `--count N` runs N schedules."""

import argparse
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulation.run import SCHEDULES, Outcome, run

BATCH: Final = 100
REPLAY: Final = ".venv/bin/python -m tests.simulation"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def failing(seeds: range) -> tuple[int, list[tuple[int, str]]]:
    """How many steps these seeds took, and which of them violate what."""
    steps, found = 0, []
    for seed in seeds:
        outcome = run(seed)
        steps += outcome.steps
        if outcome.violation:
            found.append((seed, outcome.violation))
    return steps, found


def many(first: int, count: int) -> int:
    """Runs so many schedules on all cores; how many seeds fail."""
    began_s, steps, failed = time.monotonic(), 0, 0
    end = first + math.ceil(count / SCHEDULES)
    batches = [range(at, min(at + BATCH, end)) for at in range(first, end, BATCH)]
    with ProcessPoolExecutor() as pool:
        for taken, found in pool.map(failing, batches):
            steps += taken
            failed += len(found)
            for seed, violation in found:
                say(f"seed {seed}: {violation}; replay: {REPLAY} {seed}")
    took_s = time.monotonic() - began_s
    say(
        f"{count} schedules, {steps} steps in {took_s:.0f} s: {count / took_s:.0f} "
        f"schedules/s, {steps / took_s:.0f} steps/s; "
        f"{failed} of {end - first} seeds failed"
    )
    return failed


def tell(outcome: Outcome) -> None:
    for at_s, who, what in outcome.history:
        say(f"{at_s - 100:9.3f}  {who:<12}  {what}")
    say(f"seed {outcome.seed}: {outcome.violation or 'everything held'}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--count", type=int, help="so many schedules, from SEED on")
    asked = parser.parse_args()
    if asked.count is not None:
        return 1 if many(asked.seed, asked.count) else 0
    outcome = run(asked.seed)
    tell(outcome)
    return 1 if outcome.violation else 0


if __name__ == "__main__":
    sys.exit(main())
