"""Rules and routes of somebody else, Docker's for one, beside those of the chain."""

from collections.abc import Mapping
from typing import Final

from lab.nodes import Lab
from lab.topology import Role

_V4: Final = """\
*filter
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A INPUT -p tcp --dport 4242 -j ACCEPT
-A OUTPUT -p tcp --sport 4242 -j ACCEPT
-A DOCKER-USER -s 192.0.2.200/32 -j DROP
-A DOCKER-USER -j RETURN
COMMIT
*nat
:DOCKER_OUTPUT - [0:0]
-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT
-A DOCKER_OUTPUT -d 127.0.0.11/32 -p udp --dport 53 -j DNAT --to 127.0.0.11:4053
COMMIT
*mangle
-A PREROUTING -s 192.0.2.200/32 -j ACCEPT
COMMIT
"""
_ROUTES: Final = """\
rule add to 192.0.2.200 lookup 300 pref 500
route add blackhole 192.0.2.200 table 300
"""
OURS: Final = "VPNCHAIN-"
_TABLES: Final = ("filter", "nat", "mangle")


async def settle(lab: Lab) -> Mapping[str, str]:
    """What is there of others, once it is; keys: nodes."""
    for node in _nodes(lab):
        await lab.restore(node, _V4)
        await lab.exec(node, ["ip", "-batch", "-"], stdin=_ROUTES)
    return await found(lab)


async def found(lab: Lab) -> Mapping[str, str]:
    """What is there of others now; keys: nodes."""
    return {node: await _found(lab, node) for node in _nodes(lab)}


def _nodes(lab: Lab) -> tuple[str, ...]:
    roles = (Role.ENTRY, Role.EXIT)
    return tuple(node.name for node in lab.topology.nodes if node.role in roles)


async def _found(lab: Lab, node: str) -> str:
    """Rules and chains in order; the policies of chains are the agents' own."""
    looks = [[lab.iptables, "-t", table, "-S"] for table in _TABLES]
    looks += [["ip", "rule", "show", "pref", "500"]]
    looks += [["ip", "route", "show", "table", "300"]]
    said = [(await lab.exec(node, look)).stdout.splitlines() for look in looks]
    return "\n".join(
        line
        for lines in said
        for line in lines
        if OURS not in line and not line.startswith("-P ")
    )
