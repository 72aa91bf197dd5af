"""Where to look for leaks in the lab, and what would be one at each place.

The places are all ports of all nodes: every interface outside the tunnels.
"""

from typing import Final

from lab.capture import (
    NEIGHBOURS,
    TUNNEL,
    Watch,
    all_but_between,
    all_but_tunnels,
    between,
    never,
)
from lab.inside import station
from lab.marked import MARKED
from lab.nodes import Lab
from lab.topology import (
    BRIDGE_NETWORK,
    BUS_NETWORK,
    CLIENT_NETWORK,
    ENTRY_ADDRESS,
    WIREGUARD_PORT,
    Node,
    Role,
    Topology,
    public_address,
    seen_address,
)

MQTT: Final = "tcp port 1883"
# The client's tunnel, and what is said when nobody listens at its port.
WIREGUARD: Final = (
    f"udp port {WIREGUARD_PORT} or "
    f"(icmp[0] == 3 and icmp[17] == 17 and icmp[30:2] == {WIREGUARD_PORT})"
)
# By their addresses, whatever else they look like; ARP only asks for such.
CLIENTS: Final = f"ip net {CLIENT_NETWORK}"
# Where clients have no business, though their packets might get there.
INSIDE: Final = (
    f"ip src net {CLIENT_NETWORK} and "
    f"(ip dst net {BRIDGE_NETWORK} or ip dst net {BUS_NETWORK})"
)


def complaints(topology: Topology) -> str:
    """What providers say themselves about a port that their dead daemon left.

    They quote what came to them through ESP, in the clear: nobody on our side can keep
    them from it.
    """
    return f"icmp[0] == 3 and ({_any('src host', topology.providers)})"


def carelessness(topology: Topology) -> str:
    """What providers without an SA say in the clear: their L2TP goes on.

    Nobody on our side can keep them from it, nor the router from refusing it.
    """
    said = f"udp port 1701 and ({_any('src host', topology.providers)})"
    refused = f"icmp[0] == 3 and icmp[17] == 17 and icmp[28:4] == {1701 << 16 | 1701}"
    return f"({said}) or ({refused} and ({_any('dst host', topology.providers)}))"


async def watches(lab: Lab) -> list[Watch]:
    """Every interface of the lab outside the tunnels, with what would be a leak."""
    members = [
        await station(lab, node.name)
        for node in lab.topology.nodes
        if node.role in (Role.ENTRY, Role.EXIT)
    ]
    leaks = _leaks(lab.topology, members)
    return [
        Watch(node.name, port.name, leaks[_network(node, port.name)])
        for node in lab.topology.nodes
        for port in node.ports
    ]


def _leaks(topology: Topology, members: list[str]) -> dict[str, str]:
    """What would be a leak; keys: names of networks, as `_network` gives them."""
    theirs = f"({complaints(topology)}) or ({carelessness(topology)})"
    wan = all_but_tunnels(theirs)
    seen = " or ".join(f"host {seen_address(name)}" for name in topology.providers)
    return {
        "bridge": _bridge(members, theirs),
        "bus": f"({never(NEIGHBOURS, MQTT)}) or ({CLIENTS})",
        "client": never(NEIGHBOURS, WIREGUARD),
        "wan": f"({wan}) or ({CLIENTS}) or ({MARKED})",
        # What leaves a provider is in the clear by right, and under its address.
        "far": f"({never(NEIGHBOURS, seen)}) or ({CLIENTS})",
        "uplink": never(NEIGHBOURS),
    }


def _bridge(members: list[str], theirs: str) -> str:
    """On the bridge clients' packets go between entry and exits, and nowhere else.

    The entry passes on what is from a client or its own, and nothing for the networks
    that it stands in.
    """
    among = between(members)
    client = f"({CLIENTS}) or ({MARKED})"
    stranger = never(NEIGHBOURS, CLIENTS, f"host {ENTRY_ADDRESS}", TUNNEL)
    leaks = (
        all_but_between(members, f"{WIREGUARD} or {theirs}"),
        f"({client}) and not ({among})",
        f"({among}) and {stranger}",
        f"({MARKED}) and not ({CLIENTS})",
        INSIDE,
    )
    return " or ".join(f"({one})" for one in leaks)


def _network(node: Node, port: str) -> str:
    """What a port is plugged into."""
    kinds = {
        Role.CONTROL: {"eth0": "bus"},
        Role.ENTRY: {"eth0": "bridge", "eth1": "bus"},
        Role.EXIT: {"eth0": "bridge", "eth1": "bus"},
        Role.PROVIDER: {"eth0": "wan", "eth1": "far"},
        Role.CLIENT: {"eth0": "client"},
        Role.INTERNET: {"inet": "far", "to-router": "uplink"},
        Role.ROUTER: {"vpn-network": "bridge", "vpn-bus": "bus", "uplink": "uplink"},
    }[node.role]
    if port in kinds:
        return kinds[port]
    if node.role is Role.INTERNET:
        return "far"
    kind, _, other = port.partition("-")
    if kind == "to":
        return "client" if other.partition("-")[0] == Role.CLIENT else "bridge"
    return kind


def _any(what: str, providers: tuple[str, ...]) -> str:
    return " or ".join(f"{what} {public_address(name)}" for name in providers)
