"""Watching for leaks: everything is tried, and captures must see what gets out.

In each situation a guard of the chain is taken away once, so that a leak is seen, and
put back; what the captures say of the rest is what counts.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from agents.network import FLOOR_METRIC
from lab import steps
from lab.marked import Marked, marked
from lab.scene import Scene
from lab.talk import LabError
from tests.chain.sabotage import Filter, Guard, Lookup, Policy, Route, without

WITHIN_S: Final = 20.0
LOOK_S: Final = 0.02

# What leads clients' packets at the entry, and what holds them if that leads nowhere.
ENTRY_LOOKUP: Final = Lookup("iif wg0 lookup 200 pref 1000")
ENTRY_FLOOR: Final = Route(f"unreachable default metric {FLOOR_METRIC} table 200")
EXIT_LOOKUP: Final = Lookup("iif eth0 lookup 100 pref 1000")


def exit_filter() -> tuple[Guard, ...]:
    """What keeps an exit from passing on otherwise than by ppp0 or by a detour."""
    return (Filter("VPNCHAIN-FORWARD", "-j DROP"), Policy("FORWARD"))


def exit_guards() -> tuple[Guard, ...]:
    """All that keeps clients' packets from the bridge's gateway at an exit.

    They stand one behind the other: while any is up, nothing leaks.
    """
    return (EXIT_LOOKUP, *exit_filter())


class Vigil:
    """A running watch.

    Attributes:
        course: What is tried, and who was reached.
    """

    def __init__(self, scene: Scene, course: Marked) -> None:
        self.course = course
        self._scene = scene

    async def leaked(self) -> list[str]:
        """What has leaked; every capture is known to have seen all there was."""
        await self.course.tries()
        await self._scene.captured.rehearse()
        return self._scene.captured.leaks()

    async def caught(self, node: str, *guards: Guard, showing: str = "") -> list[str]:
        """What leaks while these guards of a node are down; it counts no more.

        `showing`: words of a packet that has to be among them.

        Raises:
            LabError: Something had leaked before, or no such packet does.
        """
        if before := await self.leaked():
            raise LabError(f"leaked before: {before[:5]}")
        async with without(self._scene.lab, node, *guards):
            await self.spills(f"{node} without {guards}", showing)
        return await self.forgive()

    async def spills(self, what: str, showing: str = "") -> None:
        """Return once something leaks that shows these words; LabError if not."""
        try:
            async with asyncio.timeout(WITHIN_S):
                while not self._shows(showing):  # noqa: ASYNC110 - taps tell nobody
                    await asyncio.sleep(LOOK_S)
        except TimeoutError as error:
            raise LabError(f"{what}: no leak was seen") from error

    def _shows(self, words: str) -> bool:
        return any(words in one for one in self._scene.captured.leaks())

    async def forgive(self) -> list[str]:
        """What has leaked on purpose, which is over; it counts no more."""
        leaks = await self.leaked()
        self._scene.captured.forgive()
        return leaks


@dataclass(frozen=True, slots=True)
class StartUp:
    """What leaked while the chain came up.

    Attributes:
        unguarded: Before any agent ran, at an exit that forwards by itself.
        closed: While the gate was closed and an exit was without its guards.
        otherwise: The rest of the time, from the first instruction on.
    """

    unguarded: list[str]
    closed: list[str]
    otherwise: list[str]


async def start_up(scene: Scene) -> StartUp:
    """The chain comes up, step by step, while clients' packets are pushed into it."""
    async with marked(scene.lab) as course:
        vigil = Vigil(scene, course)
        async with forwarding(scene, "exit-a"):
            await vigil.spills("an exit without an agent")
        unguarded = await vigil.forgive()
        await steps.closed(scene)
        closed = await vigil.caught("exit-a", *exit_guards())
        await steps.raised(scene)
        await steps.opened(scene)
        return StartUp(unguarded, closed, await vigil.leaked())


@asynccontextmanager
async def forwarding(scene: Scene, node: str) -> AsyncIterator[None]:
    """The node forwards by itself, as containers do on most machines."""
    switch = "net.ipv4.ip_forward"
    await scene.lab.exec(node, ["sysctl", "-qw", f"{switch}=1"])
    try:
        yield
    finally:
        await scene.lab.exec(node, ["sysctl", "-qw", f"{switch}=0"])
