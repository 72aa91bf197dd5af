"""The ground that every system is tried on: nodes, cables, addresses. Values only.

    client ─ wg0 ─ entry ── lan 172.20.0.0/16 ── exit-a ─ ppp0 ─ provider-a ─┐
                     │                       └── exit-b ─ ppp0 ─ provider-b ─┤
                     └─ bus 172.21.0.0/24 ─ control                       internet

A ppp0 is one end of a cable without ARP that is plugged and pulled while all runs; the
client's cable is called wg0 at the entry. Providers do not translate addresses, so the
echo in `internet` sees which exit's ppp0 a packet left by.
"""

from string import ascii_lowercase
from typing import Final

from lab.topology import (
    BRIDGE_GATEWAY,
    CLIENT_NETWORK,
    CONTROL_ADDRESS,
    ENTRY_ADDRESS,
    ENTRY_TUNNEL_ADDRESS,
    INTERNET_ADDRESS,
    End,
    Link,
    Node,
    Port,
    Role,
    Topology,
    client_address,
    exit_address,
    place,
    provider_of,
)

PPP: Final = "ppp0"
FAR: Final = "pp0"  # the provider's end
VIRTUAL_ADDRESS: Final = "172.20.0.254"  # free for a system that needs one
TARGETS: Final = ("198.51.100.53", "198.51.100.54", "198.51.100.55")
CLIENT: Final = client_address("client")

_LAN: Final = "lan"
DOCKERS: Final = f"default via {BRIDGE_GATEWAY}"  # where it leads nothing is answered


def letter(exit_name: str) -> str:
    """What tells an exit from the others: "a" for "exit-a"."""
    return exit_name[-1]


def ppp_address(exit_name: str) -> str:
    """The exit's end of its ppp0: what the echo sees of its traffic."""
    return f"10.200.{1 + place(exit_name)}.2"


def peer_address(exit_name: str) -> str:
    """The provider's end."""
    return f"10.200.{1 + place(exit_name)}.1"


def cables_to(node: str) -> tuple[str, ...]:
    """The ports of `lan` where a node is plugged in: bridge and bus."""
    return f"to-{node}", f"bus-{node}"


def build(*, translating: bool, exits: int = 2) -> Topology:
    """The ground, without any ppp0 yet.

    `translating`: the exits masquerade and route by themselves, for systems that only
    choose among exits; ours does that itself, in containers as Docker makes them.
    """
    few = exits <= len(ascii_lowercase)
    suffixes = ascii_lowercase[:exits] if few else range(1, exits + 1)
    names = [f"exit-{one}" for one in suffixes]
    providers = [provider_of(name) for name in names]
    nodes = (
        _switch(["entry", *names]),
        Node("control", Role.CONTROL, (Port("eth0", (f"{CONTROL_ADDRESS}/24",)),)),
        _entry(translating=translating),
        *(_exit(name, translating=translating) for name in names),
        *(_provider(name) for name in providers),
        _client(),
        _internet(providers),
    )
    links = (
        Link(End("client", "eth0"), End("entry", "wg0")),
        Link(End("control", "eth0"), End(_LAN, "bus-control")),
        *(
            Link(End(name, f"eth{number}"), End(_LAN, port))
            for name in ("entry", *names)
            for number, port in enumerate(cables_to(name))
        ),
        *(Link(End(name, "eth0"), End("internet", f"to-{name}")) for name in providers),
    )
    return Topology(nodes, links)


def _switch(plugged: list[str]) -> Node:
    ports = (
        Port("bridge", (f"{BRIDGE_GATEWAY}/16",), bridge=True),
        Port("bus", bridge=True),
        *(Port(f"to-{name}", master="bridge") for name in plugged),
        *(Port(f"bus-{name}", master="bus") for name in (*plugged, "control")),
    )
    return Node(_LAN, Role.ROUTER, ports)


def _entry(*, translating: bool) -> Node:
    ports = (
        Port("wg0", (f"{ENTRY_TUNNEL_ADDRESS}/24",)),
        Port("eth0", (f"{ENTRY_ADDRESS}/16",)),
        Port("eth1", (_bus_address("entry"),)),
    )
    routes = () if translating else (DOCKERS,)
    return Node("entry", Role.ENTRY, ports, routes=routes, forwards=True)


def _exit(name: str, *, translating: bool) -> Node:
    ports = (
        Port("eth0", (f"{exit_address(name)}/16",)),
        Port("eth1", (_bus_address(name),)),
    )
    return Node(
        name,
        Role.EXIT,
        ports,
        routes=(way_back() if translating else DOCKERS,),
        forwards=True,
        masquerade=(PPP,) if translating else (),
    )


def way_back() -> str:
    """How an exit that only forwards finds the clients."""
    return f"{CLIENT_NETWORK} via {ENTRY_ADDRESS}"


def _provider(name: str) -> Node:
    number = 1 + place(name)
    port = Port("eth0", (f"198.18.{number}.1/30",))
    route = f"default via 198.18.{number}.2"
    return Node(name, Role.PROVIDER, (port,), routes=(route,), forwards=True)


def _client() -> Node:
    port = Port("eth0", (f"{CLIENT}/24",))
    route = f"default via {ENTRY_TUNNEL_ADDRESS}"
    return Node("client", Role.CLIENT, (port,), routes=(route,))


def _internet(providers: list[str]) -> Node:
    numbers = {name: 1 + place(name) for name in providers}
    ports = (
        Port("lo", tuple(f"{one}/32" for one in (INTERNET_ADDRESS, *TARGETS))),
        *(Port(f"to-{name}", (f"198.18.{n}.2/30",)) for name, n in numbers.items()),
    )
    routes = tuple(f"10.200.{n}.0/30 via 198.18.{n}.1" for n in numbers.values())
    return Node("internet", Role.INTERNET, ports, routes=routes)


def _bus_address(name: str) -> str:
    number = 3 if name == "entry" else 11 + place(name)
    return f"172.21.0.{number}/24"
