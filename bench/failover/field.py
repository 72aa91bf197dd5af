"""The standing ground: pull and plug cables, run programs, see what they cost.

Faults hit one exit. F1: its ppp0 vanishes. F2: its provider drops everything, the link
stays up. F3: the exit is dead, its cables are cut at the far end, so that the entry
keeps its carrier. F4: the provider's end answers, but nothing beyond it.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.failover import ground, prober
from bench.failover.flow import Flow
from lab.nodes import FOLDER, Lab, open_lab
from lab.process import Process
from lab.talk import LabError
from lab.topology import INTERNET_ADDRESS, exit_address, place, provider_of

FAULTS: Final = ("F1", "F2", "F3", "F4")
RATE_HZ: Final = 1000
ROOM: Final = 3600 * RATE_HZ
START_S: Final = 20.0
LOOK_S: Final = 0.02
FLOW_FILE: Final = "flow"
# The measuring itself goes first, or a busy machine would be measured.
FIRST: Final = ("chrt", "--fifo", "40")
_PYTHON: Final = (sys.executable, "-S", "-m")
_TICKS_S: Final = os.sysconf("SC_CLK_TCK")

# What a system asks to find out whether exits work: echo requests, BFD, VRRP.
_COUNTED: Final = """\
*raw
-A OUTPUT -p icmp --icmp-type echo-request
-A OUTPUT -p udp --dport 3784
-A OUTPUT -p vrrp
COMMIT
"""
_POLICIES: Final = "*filter\n:FORWARD {forward} [0:0]\n:INPUT {inward} [0:0]\nCOMMIT\n"


class Field:
    """The ground in a lab, and the flow over it.

    Attributes:
        flow: From the client to the echo, once `start_flow` has returned.
    """

    def __init__(self, lab: Lab, *, translating: bool) -> None:
        self.lab = lab
        self.exits = lab.topology.exits
        self._translating = translating
        self._spawned: list[tuple[Process, str]] = []
        self.flow: Flow

    async def ip(self, node: str, *lines: str) -> None:
        """Runs `ip` lines in a node."""
        text = "".join(f"{line}\n" for line in lines)
        await self.lab.exec(node, ["ip", "-batch", "-"], stdin=text)

    async def spawn(
        self, node: str, argv: Sequence[str], log: str, env: Mapping[str, str] = {}
    ) -> Process:
        """Starts a program in a node; it dies with the node, or with the field."""
        process = await self.lab.spawn(node, argv, log=log, env=env)
        self._spawned.append((process, log))
        return process

    def ended(self) -> list[str]:
        """What was not to end by itself, and its last words."""
        return [
            f"{log}: status {process.status}: {_last_line(self.lab.log(log))}"
            for process, log in self._spawned
            if process.status not in (None, -signal.SIGKILL)  # that is F3
        ]

    async def until(self, fact: Callable[[], bool], what: str, within_s: float) -> None:
        """Returns once the fact is true.

        Raises:
            LabError: It did not become so in time.
        """
        deadline_s = time.monotonic() + within_s
        while not fact():
            if time.monotonic() > deadline_s:
                raise LabError(f"waiting for {what}: not within {within_s:g} s")
            await asyncio.sleep(LOOK_S)

    def folder(self, name: str) -> Path:
        """A folder for a program's files, as seen from here."""
        path = self.lab.folder / name
        path.mkdir(exist_ok=True)
        return path

    def inside(self, path: Path) -> Path:
        """The same path as the nodes see it."""
        return FOLDER / path.relative_to(self.lab.folder)

    # --- the ground -------------------------------------------------------------------

    async def prepare(self) -> None:
        """Every ppp0 is plugged in, packets that ask are counted, the echo answers."""
        for name in self.exits:
            await self.plug(name)
        for node in ("entry", *self.exits):
            await self.lab.restore(node, _COUNTED)
        echo = [*FIRST, *_PYTHON, "lab.internet", "--host", INTERNET_ADDRESS]
        await self.spawn("internet", echo, log="internet")

    async def start_flow(self) -> None:
        """The client's packets flow, whether or not they come back."""
        file = self.lab.folder / FLOW_FILE
        words = [str(FOLDER / FLOW_FILE), INTERNET_ADDRESS, str(RATE_HZ), str(ROOM)]
        argv = [*FIRST, *_PYTHON, prober.__name__, *words]
        await self.spawn("client", argv, log="prober")
        await self.until(lambda: _begun(file), "the prober", START_S)
        self.flow = Flow(file, RATE_HZ)

    async def plug(self, name: str) -> None:
        """An exit gets its ppp0, up and with an address, as from pppd."""
        provider, mac = provider_of(name), f"02:00:00:00:00:{1 + place(name):02x}"
        here, there = ground.ppp_address(name), ground.peer_address(name)
        cable = (
            f"link add {ground.PPP} address {mac} netns {name} type veth "
            f"peer name {ground.FAR} address {mac} netns {provider}"
        )
        await self.ip("", cable)
        await self.ip(
            provider,
            f"link set {ground.FAR} arp off",
            f"address add {there} peer {here} dev {ground.FAR}",
            f"link set {ground.FAR} up",
        )
        await self.ip(
            name,
            f"link set {ground.PPP} arp off",
            f"address add {here} peer {there} dev {ground.PPP}",
            f"link set {ground.PPP} up",
            *self._own_routes(),
        )

    def _own_routes(self) -> list[str]:
        return [f"route replace default dev {ground.PPP}"] if self._translating else []

    # --- faults -----------------------------------------------------------------------

    async def fault(self, kind: str, name: str = "exit-a") -> None:
        """It happens."""
        match kind:
            case "F1":
                await self.ip(name, f"link delete {ground.PPP}")
            case "F2":
                await self._provider(name, forward="DROP", inward="DROP")
            case "F3":
                await self._cables(name, "down")
                await self.lab.sweep(name, signal.SIGKILL)
            case "F4":
                await self._provider(name, forward="DROP", inward="ACCEPT")
            case _:
                raise ValueError(f"no such fault: {kind}")

    async def heal(self, kind: str, name: str = "exit-a") -> None:
        """It is mended.

        After F3 the exit is as after booting: a new ppp0, and programs yet to start.
        """
        match kind:
            case "F1":
                await self.plug(name)
            case "F2" | "F4":
                await self._provider(name, forward="ACCEPT", inward="ACCEPT")
            case _:
                await self._boot(name)

    async def _provider(self, name: str, *, forward: str, inward: str) -> None:
        policies = _POLICIES.format(forward=forward, inward=inward)
        await self.lab.restore(provider_of(name), policies)

    async def _cables(self, name: str, state: str) -> None:
        ports = ground.cables_to(name)
        await self.ip("lan", *(f"link set {port} {state}" for port in ports))

    async def _boot(self, name: str) -> None:
        back = ground.way_back() if self._translating else ground.DOCKERS
        await self.lab.exec(name, ["conntrack", "-F"])
        await self.ip(
            name,
            "address flush dev eth0",
            "link set eth0 down",
            f"link delete {ground.PPP}",
            f"address add {exit_address(name)}/16 dev eth0",
            "link set eth0 up",
            f"route replace {back}",
        )
        await self._cables(name, "up")
        await self.plug(name)

    # --- costs ------------------------------------------------------------------------

    async def busy_s(self) -> float:
        """Processor time so far of all that runs in entry, exits and control."""
        nodes = ("entry", "control", *self.exits)
        pids = [pid for node in nodes for pid in await self.lab.sweep(node, 0)]
        return sum(self._busy_s(pid) for pid in pids)

    def _busy_s(self, pid: int) -> float:
        """Of one process and the children that it has reaped (proc(5), 14 to 17)."""
        try:
            text = (self.lab.proc / str(pid) / "stat").read_text()
        except OSError:  # it has just ended
            return 0.0
        fields = text.rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS_S

    async def asked(self) -> int:
        """Packets so far by which entry and exits asked whether exits work."""
        packets = 0
        for node in ("entry", *self.exits):
            argv = [f"{self.lab.iptables}-save", "-c", "-t", "raw"]
            said = (await self.lab.exec(node, argv)).stdout
            lines = (line for line in said.splitlines() if "-A OUTPUT" in line)
            packets += sum(int(line[1:].partition(":")[0]) for line in lines)
        return packets


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _begun(file: Path) -> bool:
    return file.exists() and file.stat().st_size == prober.size(ROOM)


@asynccontextmanager
async def open_field(*, translating: bool) -> AsyncIterator[Field]:
    """The field until the block is left; nothing is left of it then.

    Raises:
        LabError: It cannot be built here.
    """
    async with open_lab(ground.build(translating=translating)) as lab:
        field = Field(lab, translating=translating)
        await field.prepare()
        yield field
