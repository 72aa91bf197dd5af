"""All rounds of all systems, in passes, so that a busy minute is not one system's.

In each pass every system stands on a field of its own for its share of the rounds; the
quiet time belongs to the first.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.failover import episode
from bench.failover.field import FAULTS, Field, open_field
from bench.failover.figures import PLANNED, QUIET, Record
from bench.failover.frr import FRR
from bench.failover.keepalived import LOOP, TUNED
from bench.failover.system import System
from bench.failover.vpnchain import FAST, NORMAL, Vpnchain
from lab.talk import LabError

SYSTEMS: Final[Mapping[str, System]] = {
    one.name: one for one in (NORMAL, FAST, TUNED, LOOP, FRR)
}
KINDS: Final = (*FAULTS, PLANNED, QUIET)
MOST_BLIND: Final = 1  # rounds in a pass of a fault that a system cannot see
MOST_ERRORS: Final = 3  # of one system in one pass


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    Attributes:
        rounds: Of ours, on each fault.
        peer_rounds: Of others' systems.
        passes: In so many parts.
        quiet_s: How long nothing is wrong.
        logs: Where the systems' logs go; None: nowhere.
    """

    systems: tuple[str, ...] = tuple(SYSTEMS)
    faults: tuple[str, ...] = KINDS
    rounds: int = 20
    peer_rounds: int = 10
    passes: int = 2
    quiet_s: float = 60.0
    logs: Path | None = None

    def share(self, system: System, number: int) -> int:
        """The rounds of a system in one pass; the first passes take what is over."""
        rounds = self.rounds if isinstance(system, Vpnchain) else self.peer_rounds
        share, over = divmod(rounds, self.passes)
        return share + (number < over)


def blank(plan: Plan) -> dict[str, Record]:
    """A record for each system."""
    return {name: Record(name, [], [], [], {}) for name in plan.systems}


async def run(
    plan: Plan, records: Mapping[str, Record], tell: Callable[[], None]
) -> None:
    """Runs it and fills in the records; tells whenever a system has had its share."""
    for number in range(plan.passes):
        for name in plan.systems:
            rounds = plan.share(SYSTEMS[name], number)
            if rounds or (number == 0 and QUIET in plan.faults):
                await _stand(SYSTEMS[name], plan, number, records[name])
                tell()


async def _stand(system: System, plan: Plan, number: int, record: Record) -> None:
    """One system's part of a pass; what goes wrong is told and counted."""
    say(f"{system.name}: pass {number + 1} of {plan.passes}")
    async with open_field(translating=system.translating) as field:
        try:
            await system.start(field)
            await field.start_flow()
            await episode.steady(field, system, system.pace.ready_s)
            await episode.warm(system)
            await _rounds(field, system, plan, number, record)
        except LabError as error:
            say(str(error))
            record.errors["start"] = record.errors.get("start", 0) + 1
        finally:
            for program in field.ended():
                say(f"{system.name}: ended: {program}")
            if plan.logs is not None:
                _save_logs(field, plan.logs / f"{system.name}-{number}")


async def _rounds(
    field: Field, system: System, plan: Plan, number: int, record: Record
) -> None:
    errors = 0
    for kind in kinds(system, plan, number):
        try:
            await _one(field, system, kind, plan, record)
        except LabError as error:
            say(f"{kind}: {error}")
            record.errors[kind] = record.errors.get(kind, 0) + 1
            errors += 1
            if errors == MOST_ERRORS:
                say(f"{system.name}: given up in this pass")
                return


def kinds(system: System, plan: Plan, number: int) -> list[str]:
    """What happens in a pass, one after the other."""
    wanted = [QUIET] if number == 0 and QUIET in plan.faults else []
    for turn in range(plan.share(system, number)):
        wanted += [
            fault
            for fault in plan.faults
            if fault in FAULTS and (fault not in system.blind or turn < MOST_BLIND)
        ]
        if PLANNED in plan.faults and system.movable:
            wanted.append(PLANNED)
    return wanted


async def _one(
    field: Field, system: System, kind: str, plan: Plan, record: Record
) -> None:
    if kind == QUIET:
        quiet = await episode.quiet(field, system, plan.quiet_s)
        record.quiet.append(quiet)
        say(f"{kind}: {quiet.flow.changes} moves, {quiet.flow.lost} lost")
    elif kind == PLANNED:
        for to in (episode.SECOND, episode.FIRST):
            passage = await episode.planned(field, system, to)
            record.planned.append(passage)
            say(f"{kind}: {passage.lost} lost, gap {passage.gap_ms:.1f} ms")
    else:
        one = await episode.fault(field, system, kind)
        record.rounds.append(one)
        out = "never" if not one.noticed else f"gap {one.out.gap_ms:.1f} ms"
        back = "no way back" if one.back is None else f"back {one.back.lost} lost"
        say(f"{kind}: {out}, {one.out.lost} lost; {back}")


def _save_logs(field: Field, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in field.lab.folder.glob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())


def say(text: str) -> None:
    """What happens, to who waits."""
    print(text, file=sys.stderr, flush=True)


def missing(names: Sequence[str]) -> list[str]:
    """Programs that these systems need and this machine lacks."""
    needed = {path for name in names for path in SYSTEMS[name].programs}
    return sorted(str(path) for path in needed if not path.exists())
