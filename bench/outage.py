"""`python -m bench.outage`: how long a client is without a way when its provider dies.

Real tunnels, so in a kernel that can carry them; the demo's chain and its steps, again
and again. The last line is one JSON object; with `--out` it is in that file, too.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lab import steps
from lab.demo import FAILURES, explain, kernel, stage
from lab.scene import Scene
from lab.story import Story

ROUNDS: Final = 5
FAULTS: Final = ("provider_killed", "provider_silent")
KINDS: Final = (*FAULTS, "failback")


async def measure(scene: Scene) -> dict[str, object]:
    """Medians over all rounds; keys: the faults, and the way back after each."""
    gaps_ms, lost = (
        defaultdict[str, list[float]](list),
        defaultdict[str, list[int]](list),
    )
    await steps.closed(scene)
    await steps.raised(scene)
    await steps.opened(scene)
    async with scene.client.stream() as stream:
        for _ in range(ROUNDS):
            for fault in FAULTS:
                await steps.moved(scene, stream, fault)
                await steps.returned(scene, stream)
                for kind in (fault, "failback"):
                    gaps_ms[kind].append(scene.measured.outage_ms[kind])
                    lost[kind].append(scene.measured.lost[kind])
    return {
        "kernel": kernel(),
        "stream_hz": stream.rate_hz,
        "rounds": ROUNDS,
        "median_ms": {kind: statistics.median(gaps_ms[kind]) for kind in KINDS},
        "max_ms": {kind: max(gaps_ms[kind]) for kind in KINDS},
        "median_lost": {kind: statistics.median(lost[kind]) for kind in KINDS},
    }


async def run(out: Path | None) -> int:
    """The exit status."""
    async with stage(Story()) as scene:
        try:
            measured = await measure(scene)
        except FAILURES as error:
            explain(scene, error)
            return 1
        finally:
            await scene.chain.stop_agents()
    print(json.dumps(measured), flush=True)
    if out is not None:
        out.write_text(json.dumps(measured, indent=2) + "\n")
    return 0


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.outage")
    parser.add_argument("--out", type=Path, help="where the JSON goes, too")
    return asyncio.run(run(parser.parse_args(arguments).out))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
