"""What there is in the nodes of a chain, as lines that two moments can be compared by.

What differs from tunnel to tunnel (numbers, keys, leased addresses) is taken out, so
that a chain which has healed shows the same lines as one that was just started.
"""

import asyncio
import re
from collections import Counter
from typing import Final

from lab.nodes import Lab
from lab.topology import Topology, pool

# What makes a section of lines; {iptables} is the kind that works here.
LOOKS: Final = (
    "ip -o link show",
    "ip -o address show",
    "ip rule show",
    "ip -6 rule show",
    "ip route show table all",
    "ip -6 route show table all",
    "ip nexthop show",
    "ip -o xfrm state",
    "ip -o xfrm policy",
    "grep -oE 'TUNNEL|SESSION' /proc/net/pppol2tp",
    "{iptables}-save",
    "{ip6tables}-save",
    "find /run /etc/ppp -path /run/lab -prune -o -print",
)
MARK: Final = "=== "
# Pattern, what stands in its place.
DIFFERENT: Final = (
    (re.compile(r"^\d+: "), ""),  # ip -o link: the index
    (re.compile(r"\[\d+:\d+\]"), ""),  # iptables: the counters
    (re.compile(r"spi 0x[0-9a-f]+"), "spi"),
    (re.compile(r"reqid \d+"), "reqid"),
    (re.compile(r"0x[0-9a-f]{16,}"), "key"),
    (re.compile(r"sport \d+ dport \d+ addr"), "ports"),
    (re.compile(r"\boseq 0x\w+|\bseq 0x\w+|bitmap 0x\w+"), ""),
    (re.compile(r"expires -?\d+sec|valid_lft \w+|preferred_lft \w+"), ""),
    (re.compile(r"@if\d+|link-netnsid \d+|qlen \d+"), ""),
    (re.compile(r"fe80::[0-9a-f:]+"), "fe80::"),
)
ASKED_FOR: Final = "spi 0x00000000"  # an association that the kernel still waits for
COMMENT: Final = "#"


async def inventory(lab: Lab) -> Counter[str]:
    """Everything that agents or their daemons could leave behind, and how often."""
    topology = lab.topology
    nodes = ("control", "entry", *topology.exits)
    async with asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(_node(lab, node)) for node in nodes]
    found = Counter(line for one in looking for line in one.result())
    found.update(f"lab: {path.name}" for path in lab.folder.iterdir())
    found.update(_zombies(lab))
    return found


async def _node(lab: Lab, node: str) -> list[str]:
    kinds = {
        "iptables": lab.iptables,
        "ip6tables": lab.iptables.replace("iptables", "ip6tables"),
    }
    script = "".join(f"echo '{MARK}{look}'; {look} 2>&1\n" for look in LOOKS)
    said = await lab.exec(node, ["sh", "-c", script.format(**kinds)], check=False)
    pids = (await lab.exec("", ["ip", "netns", "pids", node])).stdout.split()
    return [f"{node}: {one}" for one in things(said.stdout, lab.topology)] + [
        f"{node}: process {name}" for pid in pids if (name := _name(lab, pid))
    ]


def things(text: str, topology: Topology) -> list[str]:
    """The lines of all sections, without what differs, each after its section's name.

    A name of processes that run is not among them.
    """
    section, found = "", []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(MARK):
            section = line.removeprefix(MARK)
        elif line and not line.startswith(COMMENT) and ASKED_FOR not in line:
            found.append(f"{section}: {same(line, topology)}")
    return found


def same(line: str, topology: Topology) -> str:
    """The line as it would be for any other tunnel."""
    for pattern, instead in DIFFERENT:
        line = pattern.sub(instead, line)
    for provider in topology.providers:
        line = re.sub(rf"\b{re.escape(pool(provider))}\.\d+", "LEASED", line)
    return " ".join(line.split())


def differences(before: Counter[str], now: Counter[str]) -> list[str]:
    """What there is now and was not before, and the other way round."""
    left = [f"left: {line} ({n})" for line, n in sorted((now - before).items())]
    return left + [f"gone: {line} ({n})" for line, n in sorted((before - now).items())]


def _name(lab: Lab, pid: str) -> str:
    """What a process is called; empty: it is no more."""
    try:
        return (lab.proc / pid / "comm").read_text().strip()
    except OSError:
        return ""


def _zombies(lab: Lab) -> list[str]:
    """Who has ended and is not waited for, wherever in the lab."""
    found = []
    for entry in lab.proc.iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # it is gone altogether
            if stat.rpartition(")")[2].split()[0] == "Z":
                found.append(f"zombie: {stat.partition('(')[2].rpartition(')')[0]}")
    return found
