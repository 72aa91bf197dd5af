"""Ports: whether somebody else sits on those that the chain needs."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.doctor.finding import Finding, in_doubt, ok, unknown, wrong

TABLES: Final = ("/proc/net/udp", "/proc/net/udp6")
IKE: Final = ((500, "IKE"), (4500, "IKE behind NAT"), (1701, "L2TP"))
OURS: Final = ("wireguard-go", "docker-proxy")
AGENTS: Final = b"\0-m\0agents\0"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a port.

    Attributes:
        name: Of the process; empty: of none, as the kernel's own WireGuard, or of one
            that we may not see.
        ours: An agent has started it.
    """

    name: str
    ours: bool


def checks(listen_port: int, *, contained: bool) -> Iterator[Finding]:
    """WireGuard's port, and those of the exits' daemons.

    `contained`: in a container, whose ports are other ones than those of the host.
    """
    held = in_use(_tables())
    holders = dict(_holders(set(held.values())))
    for port, what in ((listen_port, "WireGuard"), *IKE):
        holder = None
        if port in held:
            holder = holders.get(held[port], Holder("", ours=False))
        wireguard = Path("/sys/class/net/wg0").exists()
        finding = of_port(port, what, holder, wireguard=wireguard)
        yield in_doubt(finding) if contained else finding


# --- judgement ------------------------------------------------------------------------


def of_port(port: int, what: str, holder: Holder | None, *, wireguard: bool) -> Finding:
    """`wireguard`: there is a wg0, whose port belongs to no process."""
    check = f"udp {port}"
    if holder is None:
        return ok(check, f"free for {what}")
    if holder.ours or holder.name in OURS:
        return ok(check, f"used by {holder.name}, which is ours")
    if not holder.name and what == "WireGuard" and wireguard:
        return ok(check, "used by wg0")
    if not holder.name:
        return unknown(check, "in use, by whom cannot be seen", "run this as root")
    todo = f"stop {holder.name} where the chain runs without containers"
    return wrong(check, f"{what} needs it, {holder.name} has it", todo)


def in_use(text: str) -> Mapping[int, str]:
    """Bound UDP ports and the inodes of their sockets.

    Source: proc(5), /proc/net/udp: address:port in hexadecimal second, inode tenth.
    """
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 9 and ":" in fields[1]:
            found[int(fields[1].rpartition(":")[2], 16)] = fields[9]
    return found


# --- probing --------------------------------------------------------------------------


def _tables() -> str:
    texts = []
    for name in TABLES:
        path = Path(name)
        if path.exists():
            texts += path.read_text().splitlines()[1:]
    return "\n".join(texts)


def _holders(inodes: set[str]) -> Iterator[tuple[str, Holder]]:
    """Who has these sockets, of the processes that we may look into."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = list(_links(process / "fd"))
            name = (process / "comm").read_text().strip()
        except OSError:
            continue  # not ours to see, or gone
        for link in links:
            if link in wanted:
                yield wanted[link], Holder(name, ours=_is_ours(process))


def _links(descriptors: Path) -> Iterator[str]:
    for one in descriptors.iterdir():
        with suppress(FileNotFoundError):  # closed in this instant
            yield str(one.readlink())


def _is_ours(process: Path) -> bool:
    """Whether it or its parent is an agent."""
    try:
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        lines = [
            (one / "cmdline").read_bytes() for one in (process, Path("/proc", parent))
        ]
    except OSError:
        return False
    return any(AGENTS in line for line in lines)
