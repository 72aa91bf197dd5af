"""What is done to whom, and when: from a seed alone, so that a run can be replayed.

Values and one function; nothing of a lab is touched here.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BURST_S: Final = 40.0
PAUSE_S: Final = (0.2, 4.0)
# So often in a burst. Many of the blows to a tunnel's daemons meet nobody, for a tunnel
# needs its time; the broker is missed ever longer the more often it dies.
BLOWS_EACH: Final = {
    "coordinator": 20,
    "entry": 15,
    "mosquitto": 5,
    "wireguard-go": 12,
    "charon": 20,
    "xl2tpd": 20,
    "pppd": 20,
}
BLOWS_EXIT: Final = 6
TUNNEL: Final = ("charon", "xl2tpd", "pppd")


class Blow(StrEnum):
    """What is done to a process.

    A hung one is what a health check finds, and ends: it is stopped, later killed.
    """

    KILL = "SIGKILL"
    PAUSE = "SIGSTOP, later SIGCONT"
    HANG = "SIGSTOP, later SIGKILL"


# Out of ten.
BLOWS: Final = (*[Blow.KILL] * 8, Blow.PAUSE, Blow.HANG)


@dataclass(frozen=True, slots=True)
class Victim:
    """A program in a node; an agent goes by its own name."""

    node: str
    program: str

    def __str__(self) -> str:
        return f"{self.node}/{self.program}"


@dataclass(frozen=True, slots=True)
class Strike:
    """One blow.

    Attributes:
        at_s: Since its burst began.
        for_s: From SIGSTOP to the second signal; 0 if there is none.
    """

    at_s: float
    victim: Victim
    blow: Blow
    for_s: float = 0.0

    def __str__(self) -> str:
        later = f" {self.for_s:g} s" if self.for_s else ""
        return f"{self.at_s:6.3f} s {self.victim} {self.blow}{later}"


def victims(exits: Sequence[str], wireguard: str) -> tuple[Victim, ...]:
    """Everybody that may die; `wireguard`: "kernel" or "userspace"."""
    agents = ("coordinator", "entry", *exits)
    found = [Victim(name, name) for name in agents]
    found.append(Victim("control", "mosquitto"))
    if wireguard == "userspace":
        found.append(Victim("entry", "wireguard-go"))
    found += [Victim(name, daemon) for name in exits for daemon in TUNNEL]
    return tuple(found)


def bursts(seed: int, among: Sequence[Victim]) -> Iterator[tuple[Strike, ...]]:
    """Bursts without end, each in the order of time; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    while True:
        drawn = [
            _strike(chance, victim)
            for victim in among
            for _ in range(BLOWS_EACH.get(victim.program, BLOWS_EXIT))
        ]
        yield tuple(sorted(drawn, key=lambda one: (one.at_s, str(one.victim))))


def _strike(chance: random.Random, victim: Victim) -> Strike:
    blow = chance.choice(BLOWS)
    at_s = round(chance.uniform(0, BURST_S), 3)
    for_s = 0.0 if blow is Blow.KILL else round(chance.uniform(*PAUSE_S), 3)
    return Strike(at_s, victim, blow, for_s)
