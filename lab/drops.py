"""Packets that the guest's own kernel dropped because it was busy.

All nodes share one slow processor. What waits too long in a queue is dropped there, and
would look like a loss of the chain's: it is counted, to be told apart. What a device or
a route drops is not counted, for that may be the chain's doing.
"""

import asyncio
from typing import Final

from lab.nodes import Lab

SOCKETS: Final = "/proc/net/snmp"  # of a node: full queues of UDP sockets
PROCESSOR: Final = "/proc/net/softnet_stat"  # of all: the queue before the protocols
FULL: Final = ("RcvbufErrors", "SndbufErrors")


async def dropped(lab: Lab) -> int:
    """How many so far, in all nodes."""
    async with asyncio.TaskGroup() as tasks:
        looking = [
            tasks.create_task(lab.exec(node.name, ["cat", SOCKETS]))
            for node in lab.topology.nodes
        ]
        processor = tasks.create_task(lab.exec("", ["cat", PROCESSOR]))
    sockets = sum(of_sockets(one.result().stdout) for one in looking)
    return sockets + of_processor(processor.result().stdout)


def of_sockets(text: str) -> int:
    """What full queues of UDP sockets have cost, from `/proc/net/snmp`."""
    names, values = (
        line.split()[1:] for line in text.splitlines() if line.startswith("Udp:")
    )
    counted = dict(zip(names, map(int, values), strict=True))
    return sum(counted[name] for name in FULL)


def of_processor(text: str) -> int:
    """What the processors' queues have cost: the second number of each line."""
    return sum(int(line.split()[1], 16) for line in text.splitlines())
