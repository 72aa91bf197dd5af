"""What runs, or ran, in a node of a lab."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.talk import Talk

PROJECT: Final = Path(__file__).resolve().parent.parent
GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Output:
    """What a finished command said; negative status: the signal that ended it."""

    status: int
    stdout: str
    stderr: str


class Process:
    """Something that runs, or ran, in a node."""

    def __init__(self, talk: Talk, node: str, argv: Sequence[str]) -> None:
        self.node = node
        self.argv = tuple(argv)
        self.pid = 0
        self._talk = talk
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<{self.argv[0]} in {self.node}, pid {self.pid}>"

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._status.result() if self._status.done() else None

    async def wait(self) -> int:
        """Its exit status, once it has ended."""
        return await asyncio.shield(self._status)

    async def signal(self, signum: int, *, alone: bool = False) -> None:
        """Send to it and, unless alone, to the children that stayed in its session."""
        if not self._status.done():
            words = {"pid": self.pid, "signum": signum, "alone": alone}
            await self._talk.ask("signal", words)

    async def end(self, grace_s: float = GRACE_S) -> int:
        """Ask it to go, make it go after the grace; its exit status."""
        await self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                return await self.wait()
        except TimeoutError:
            await self.signal(signal.SIGKILL)
            return await self.wait()

    async def start(
        self, env: Mapping[str, str], streams: tuple[int, int, int]
    ) -> None:
        """Have it started with these standard streams; LabError if that cannot be."""
        words = {
            "node": self.node,
            "argv": self.argv,
            "env": {**_environment(), **env},
            "cwd": str(PROJECT),
        }
        answer, _ = await self._talk.ask(
            "spawn", words, descriptors=streams, on_end=self._ended
        )
        self.pid = answer["pid"]

    def _ended(self, status: int) -> None:
        if not self._status.done():  # whoever waited may have been cancelled
            self._status.set_result(status)


def _environment() -> dict[str, str]:
    """Ours, less what would set the product otherwise than the lab means to."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("VPNCHAIN_")
    }
