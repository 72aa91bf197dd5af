"""A tunnel without daemons: it has the rules of the real one, and a server to script.

Steps come one after the other, nothing is built twice, nothing stands after `clear`,
and what is posted goes through the same queue.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NoReturn

from agents.exit.model import (
    Carry,
    Cause,
    Closed,
    Connect,
    Dial,
    Event,
    Failed,
    PppLink,
    PppUp,
    Prepare,
    Probed,
    Reached,
    Resolved,
)
from agents.network import Traffic
from bus.messages.exits import Stage

PROBE_EVERY_S = 0.01


@dataclass
class FakeTunnel:
    """What stands, and how the server behaves.

    Attributes:
        answers: The server lets probes through.
        accepts: The preset that the server takes.
        hangs: The server never answers the key exchange.
        left: A predecessor's tunnel stands when it is opened.
        traffic_asked: How often it was asked what went through; so much did.
        detours: Where clients' traffic was led, one after the other.
    """

    post: Callable[[Event], None] = lambda _: None
    address: str = ""
    accepted: str = ""
    answers: bool = True
    accepts: str = "modern"
    hangs: bool = False
    left: bool = False
    traffic_asked: int = 0
    detours: list[str] = field(default_factory=list)
    stands: list[str] = field(default_factory=list)
    running: int = 0
    attempts: int = 0
    closed: bool = False
    carrying: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        """See agent.Tunnel."""
        self.address = "172.20.0.11"
        if self.left:
            self.stands += ["ipsec", "l2tp", "route"]

    async def keep(self) -> NoReturn:
        """See agent.Tunnel."""
        await asyncio.Event().wait()
        raise AssertionError

    async def reroute(self, detour: str) -> None:
        """See agent.Tunnel."""
        self.detours.append(detour)

    async def traffic(self) -> Traffic | None:
        """See agent.Tunnel."""
        self.traffic_asked += 1
        return Traffic(self.traffic_asked, 1000 + self.traffic_asked)

    async def run(self, step: Prepare | Connect | Dial | Carry) -> None:
        """See agent.Tunnel."""
        self.running += 1
        try:
            match step:
                case Prepare():
                    assert not self.stands, "the last attempt was cleared"
                    self.attempts += 1
                    self.post(Resolved(monotonic(), "203.0.113.2"))
                case Connect():
                    await self._connect(step)
                case Dial():
                    self._build("ipsec", "l2tp")
                    self.post(Reached(monotonic(), Stage.L2TP))
                    self.post(PppUp(monotonic(), PppLink("10.201.0.10", 1400)))
                    await asyncio.Event().wait()
                case Carry():
                    self._build("l2tp", "route")
                    self.carrying.set()
                    await self._probe()
        finally:
            self.running -= 1

    async def _connect(self, step: Connect) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if step.preset != self.accepts:
            refusal = Cause("ike: no proposal chosen")
            self.post(Failed(monotonic(), refusal, refused=True))
            return
        self._build("", "ipsec")
        self.post(Reached(monotonic(), Stage.IKE))
        self.post(Reached(monotonic(), Stage.IPSEC))
        await asyncio.Event().wait()

    async def _probe(self) -> None:
        while True:
            self.post(Probed(monotonic(), self.answers, 1.5, 0.0))
            await asyncio.sleep(PROBE_EVERY_S)

    async def clear(self) -> None:
        """See agent.Tunnel."""
        assert self.running == 0, "the steps end first"
        self.stands.clear()
        self.post(Closed(monotonic(), clean=True, jitter=0.0))

    async def close(self) -> None:
        """See agent.Tunnel."""
        assert self.running == 0, "the steps end first"
        self.stands.clear()
        self.closed = True

    def _build(self, on: str, what: str) -> None:
        assert what not in self.stands, f"{what} stands already"
        assert not on or on in self.stands, f"{what} needs {on}"
        self.stands.append(what)
