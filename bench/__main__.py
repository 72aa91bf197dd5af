"""`python -m bench here|chain`: the cost of the agents, as a table and as JSON.

`here`: on the kernel we run on, tunnels or not: how soon an agent is present, how much
memory it takes. `chain`: with tunnels that stand, so in a kernel that can carry them.
The exit status is 1 if an agent costs more than its goal. The last line is one JSON
object; with `--out` it is in that file, too.
"""

import argparse
import asyncio
import dataclasses
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.agents import GOALS, Cost, measure, missed
from lab import topology
from lab.chain import open_chain
from lab.observer import observe


async def run(what: str, out: Path | None) -> int:
    """Measures, prints; the exit status."""
    tunnels = what == "chain"
    async with (
        open_chain(topology.build()) as chain,
        observe(chain.broker) as observer,
    ):
        costs = await measure(chain, observer, tunnels=tunnels)
        await chain.stop_agents()
    return tell(costs, "tunnels ready" if tunnels else "no tunnels", out)


def tell(costs: Mapping[str, Cost], what: str, out: Path | None) -> int:
    """Prints and writes what was measured; the exit status."""
    beyond = missed(costs)
    print(f"kernel {platform.release()}, {what}")
    print(f"{'':14}{'present s':>12}{'resident MB':>14}{'idle % core':>14}")
    for name, cost in costs.items():
        row = f"{cost.present_s:12.2f}{cost.resident_mb:14.1f}{cost.idle_percent:14.2f}"
        print(f"{name:14}{row}")
    goals = "".join(f"{goal:14g}" for goal in GOALS.values())
    print(f"{'goal, at most':12}{goals}")
    for one in beyond:
        print(f"BEYOND THE GOAL: {one}")
    measured = {name: dataclasses.asdict(cost) for name, cost in costs.items()}
    told = {"kernel": platform.release(), "tunnels": what, **measured}
    print(json.dumps(told))
    if out is not None:
        out.write_text(json.dumps(told, indent=2) + "\n")
    return 1 if beyond else 0


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=("here", "chain"))
    parser.add_argument("--out", type=Path, help="where the JSON goes, too")
    wanted = parser.parse_args(arguments)
    return asyncio.run(run(wanted.what, wanted.out))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
