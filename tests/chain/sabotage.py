"""One rule or route of the product is taken away in the running lab, and put back.

What captures have never caught they may be blind for: with its guard taken away, a leak
has to show.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from lab.nodes import Lab
from lab.talk import LabError

EXISTS: Final = "File exists"


class Guard(Protocol):
    """Something at a node that keeps packets in."""

    async def fall(self, lab: Lab, node: str) -> None:
        """It is not there any more; LabError if it never was."""

    async def rise(self, lab: Lab, node: str) -> None:
        """It is there again, unless somebody else has put it back already."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something that `ip KIND add` takes; `family` is 4 or 6."""

    kind: ClassVar[str]
    text: str
    family: int = 4

    async def fall(self, lab: Lab, node: str) -> None:
        """See Guard."""
        await _ip(lab, node, f"-{self.family} {self.kind} del {self.text}")

    async def rise(self, lab: Lab, node: str) -> None:
        """See Guard."""
        await _ip(lab, node, f"-{self.family} {self.kind} add {self.text}", again=True)


class Route(_Entry):
    """A route."""

    kind = "route"


class Lookup(_Entry):
    """A routing rule."""

    kind = "rule"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a chain of the kernel's does with what no rule decides: DROP."""

    chain: str
    family: int = 4

    async def fall(self, lab: Lab, node: str) -> None:
        """See Guard."""
        await _tables(lab, node, self.family, f"-P {self.chain} ACCEPT")

    async def rise(self, lab: Lab, node: str) -> None:
        """See Guard."""
        await _tables(lab, node, self.family, f"-P {self.chain} DROP")


class Filter:
    """All rules of a chain of the packet filter with these words in them."""

    def __init__(
        self, chain: str, *words: str, table: str = "filter", family: int = 4
    ) -> None:
        self._chain, self._words = chain, words
        self._table, self._family = table, family
        self._taken: list[tuple[int, str]] = []

    def __repr__(self) -> str:
        return f"Filter({self._chain}: {' '.join(self._words)})"

    async def fall(self, lab: Lab, node: str) -> None:
        """See Guard."""
        said = await self._do(lab, node, f"-S {self._chain}")
        rules = [line.split(" ", 2)[2] for line in said.splitlines() if "-A " in line]
        self._taken = [
            (number, rule)
            for number, rule in enumerate(rules, start=1)
            if all(word in rule for word in self._words)
        ]
        if not self._taken:
            raise LabError(f"{node}: no such rule: {self}")
        for number, _ in reversed(self._taken):
            await self._do(lab, node, f"-D {self._chain} {number}")

    async def rise(self, lab: Lab, node: str) -> None:
        """See Guard."""
        for number, rule in self._taken:
            try:
                await self._do(lab, node, f"-C {self._chain} {rule}")
            except LabError:
                await self._do(lab, node, f"-I {self._chain} {number} {rule}")

    async def _do(self, lab: Lab, node: str, text: str) -> str:
        return await _tables(lab, node, self._family, f"-t {self._table} {text}")


@asynccontextmanager
async def without(lab: Lab, node: str, *guards: Guard) -> AsyncIterator[None]:
    """These guards of a node are down until the block is left.

    Raises:
        LabError: One of them did not stand.
    """
    async with AsyncExitStack() as stack:
        for guard in guards:
            await guard.fall(lab, node)
            stack.push_async_callback(guard.rise, lab, node)
        yield


async def _ip(lab: Lab, node: str, text: str, *, again: bool = False) -> None:
    """Run `ip`; `again`: what stands already is fine."""
    said = await lab.exec(node, ["ip", *text.split()], check=False)
    if said.status != 0 and not (again and EXISTS in said.stderr):
        raise LabError(f"{node}: ip {text}: {said.stderr.strip()}")


async def _tables(lab: Lab, node: str, family: int, text: str) -> str:
    """Run the iptables in use."""
    tool = lab.iptables if family == 4 else lab.iptables.replace("ip", "ip6", 1)
    return (await lab.exec(node, [tool, *text.split()])).stdout
