"""`python -m bench.scale`: what more exits cost, as tables and as JSON.

How soon the coordinator decides (`bench.decisions`), and what probing takes
(`bench.probing`). On a machine that has nothing else to do; about two minutes.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench import decisions, probing
from bench.decisions import Decisions, Span
from bench.probing import Probing
from lab.observer import NotSeenError
from lab.talk import LabError

DECIDING: Final = (2, 1000)
PROBING: Final = (2, 8, 32)


async def measure() -> tuple[list[Decisions], list[Probing]]:
    """One after the other; each as soon as it is known goes to the error stream."""
    decided, probed = [], []
    for exits in DECIDING:
        decided.append(await decisions.measure(exits))
        print(decided[-1], file=sys.stderr)
    for exits in PROBING:
        for profile in probing.PROFILES:
            probed.append(await probing.measure(exits, profile))
            print(probed[-1], file=sys.stderr)
    return decided, probed


def table(decided: list[Decisions], probed: list[Probing]) -> str:
    """For people."""
    head = f"{'order follows, ms':>20}{'failover':>16}{'ranked':>16}{'rules alone':>16}"
    lines = [head, f"{'exits':>20}" + f"{'median':>8}{'p99':>8}" * 3]
    lines += [
        f"{one.exits:20}{_pair(one.failover)}{_pair(one.ranked)}{_pair(one.pure)}"
        for one in decided
    ]
    names = ("probes/s", "entry %", "coordinator %", "mosquitto %", "all exits %")
    lines += ["", f"{'exits':>6} {'profile':<8}" + "".join(f"{n:>15}" for n in names)]
    for two in probed:
        _, profile, *figures = asdict(two).values()
        cells = "".join(f"{figure:15.1f}" for figure in figures)
        lines.append(f"{two.exits:6} {profile:<8}{cells}")
    return "\n".join(lines)


def _pair(span: Span) -> str:
    return f"{span.median_ms:8.2f}{span.p99_ms:8.2f}"


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--out", type=Path, help="where the JSON goes, too")
    said = parser.parse_args()
    try:
        decided, probed = asyncio.run(measure())
    except (LabError, NotSeenError, TimeoutError) as error:
        print(f"bench: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    print(table(decided, probed))
    result = {
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "decisions": [asdict(one) for one in decided],
        "probing": [asdict(one) for one in probed],
    }
    if said.out is not None:
        said.out.parent.mkdir(parents=True, exist_ok=True)
        said.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
