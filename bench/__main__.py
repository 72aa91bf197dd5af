"""`python -m bench here|chain`: the cost of the agents, as a table and as JSON.

`here`: on the kernel we run on, tunnels or not: how soon an agent is present, how much
memory it takes. `chain`: with tunnels that stand, so in a kernel that can carry them.
"""

import asyncio
import dataclasses
import json
import platform
import sys
from collections.abc import Mapping

from bench.agents import GOALS, Cost, measure
from lab import topology
from lab.chain import open_chain
from lab.observer import observe


async def run(*, tunnels: bool) -> int:
    """Measures, prints; the exit status."""
    async with (
        open_chain(topology.build()) as chain,
        observe(chain.broker) as observer,
    ):
        costs = await measure(chain, observer, tunnels=tunnels)
        await chain.stop_agents()
    _show(costs, "tunnels ready" if tunnels else "no tunnels")
    return 0


def _show(costs: Mapping[str, Cost], what: str) -> None:
    print(f"kernel {platform.release()}, {what}")
    print(f"{'':14}{'present s':>12}{'resident MB':>14}{'idle % core':>14}")
    for name, cost in costs.items():
        row = f"{cost.present_s:12.2f}{cost.resident_mb:14.1f}{cost.idle_percent:14.2f}"
        print(f"{name:14}{row}")
    goals = "".join(f"{goal:14g}" for goal in GOALS.values())
    print(f"{'goal, at most':12}{goals}")
    measured = {name: dataclasses.asdict(cost) for name, cost in costs.items()}
    print(json.dumps({"kernel": platform.release(), "tunnels": what, **measured}))


def main() -> int:
    """The exit status."""
    match sys.argv[1:]:
        case ["here"]:
            return asyncio.run(run(tunnels=False))
        case ["chain"]:
            return asyncio.run(run(tunnels=True))
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
