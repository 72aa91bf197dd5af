"""`python -m bench.failover`: the figures beside those of others, as table and JSON."""

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.failover import campaign
from bench.failover.campaign import KINDS, SYSTEMS, Plan
from bench.failover.figures import Record, rows, table
from lab.talk import LabError

PRIORITY: Final = 10  # of 1 to 99; all programs of the field inherit it
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(words: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = _parser()
    said = parser.parse_args(words)
    plan = Plan(
        systems=_among(parser, said.systems, tuple(SYSTEMS)),
        faults=_among(parser, said.faults, KINDS),
        rounds=said.rounds,
        peer_rounds=said.peer_rounds,
        passes=said.passes,
        quiet_s=said.quiet_s,
        logs=said.logs,
    )
    if said.realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    if absent := campaign.missing(plan.systems):
        parser.error(f"not installed: {', '.join(absent)}; lab/setup.sh bench does it")
    return _run(plan, said.out)


def _run(plan: Plan, out: Path | None) -> int:
    start_s = time.monotonic()
    known = campaign.blank(plan)

    def tell() -> None:
        if out is not None:
            _write(out, plan, known)

    try:
        asyncio.run(_interruptible(plan, known, tell))
    except asyncio.CancelledError:
        return 128 + signal.SIGINT
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        print(_text(plan, known), flush=True)
    minutes = (time.monotonic() - start_s) / 60
    print(f"bench: took {minutes:.1f} minutes", file=sys.stderr)
    return int(any(record.errors for record in known.values()))


async def _interruptible(
    plan: Plan, known: Mapping[str, Record], tell: Callable[[], None]
) -> None:
    """Runs the plan; a signal ends it in order."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker
    for signum in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    await campaign.run(plan, known, tell)


def _text(plan: Plan, known: Mapping[str, Record]) -> str:
    made = [row for one in known.values() for row in rows(one, plan.faults)]
    about = [f"- {name}: {SYSTEMS[name].about}" for name in known]
    machine = f"kernel {platform.release()}, {os.cpu_count()} cores"
    policy = os.sched_getscheduler(0)
    order = "SCHED_FIFO for all" if policy == os.SCHED_FIFO else "usual scheduling"
    how = f"{machine}; one packet a millisecond; {order}"
    return "\n".join([table(made), "", how, *about])


def _write(out: Path, plan: Plan, known: Mapping[str, Record]) -> None:
    """The rows as JSON, and beside them as a table."""
    made = [row for one in known.values() for row in rows(one, plan.faults)]
    values = [dataclasses.asdict(row) for row in made]
    lines = ",\n".join(f" {json.dumps(one)}" for one in values)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(f"[\n{lines}\n]\n")
    out.with_suffix(".md").write_text(_text(plan, known) + "\n")


def _parser() -> argparse.ArgumentParser:
    usual = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m bench.failover", description=__doc__
    )
    systems, faults = ",".join(SYSTEMS), ",".join(KINDS)
    parser.add_argument("--systems", default=systems, help=f"usually {systems}")
    parser.add_argument("--faults", default=faults, help=f"usually {faults}")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="of ours")
    parser.add_argument("--peer-rounds", type=int, default=usual.peer_rounds)
    parser.add_argument("--passes", type=int, default=usual.passes)
    parser.add_argument("--quiet-s", type=float, default=usual.quiet_s, help="of S1")
    parser.add_argument("--out", type=Path, help="JSON file; a table goes beside it")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="all programs of the field before everything else on the machine",
    )
    parser.add_argument("--logs", type=Path, help="folder for the systems' logs")
    return parser


def _among(
    parser: argparse.ArgumentParser, said: str, known: Sequence[str]
) -> tuple[str, ...]:
    wanted = tuple(one.strip() for one in said.split(",") if one.strip())
    for one in wanted:
        if one not in known:
            parser.error(f"{one!r} is none of {', '.join(known)}")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
