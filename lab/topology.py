"""What the lab is made of: nodes, their ports and addresses, the links between them.

Values only. The picture is that of the containers' deployment: `router` is the machine
that runs them, its bridge `vpn-network` is theirs, and it masquerades what they send to
the outside, so that the tunnels meet NAT as they do behind Docker.

    client ── router ── vpn-network 172.20.0.0/16 ── entry, exit-a, exit-b
                │                                       │
                │                vpn-bus 172.21.0.0/24 ─┴─ control (broker, coordinator)
                ├── wan-a ── provider-a ──┐
                ├── wan-b ── provider-b ──┤
                └── uplink ───────────────┴── internet 198.51.100.0/24

The uplink is there for the leaks that must not happen: a packet that leaves an exit
past its tunnel arrives at `internet` all the same, with the router's address on it.
"""

from dataclasses import dataclass
from enum import StrEnum
from string import ascii_lowercase
from typing import Final

BRIDGE_NETWORK: Final = "172.20.0.0/16"
BRIDGE_GATEWAY: Final = "172.20.0.1"
ENTRY_ADDRESS: Final = "172.20.0.2"
BUS_NETWORK: Final = "172.21.0.0/24"
CLIENT_NETWORK: Final = "10.13.13.0/24"  # inside WireGuard
ENTRY_TUNNEL_ADDRESS: Final = "10.13.13.1"
ENTRY_TUNNEL_IPV6: Final = "fd13::1/64"
WIREGUARD_PORT: Final = 51820
CONTROL_ADDRESS: Final = "172.21.0.2"
ROUTER_OUTSIDE: Final = "198.18.0.1"  # what a provider sees of every exit
ROUTER_UPLINK: Final = "198.51.100.254"  # what internet sees of a leak
INTERNET_ADDRESS: Final = "198.51.100.1"

MOST_EXITS: Final = len(ascii_lowercase)
MOST_CLIENTS: Final = 100


class Role(StrEnum):
    """What a node is for."""

    ROUTER = "router"
    CONTROL = "control"
    ENTRY = "entry"
    EXIT = "exit"
    PROVIDER = "provider"
    CLIENT = "client"
    INTERNET = "internet"


@dataclass(frozen=True, slots=True)
class Port:
    """A network interface of a node.

    Attributes:
        addresses: As `ip address add` takes them: "172.20.0.2/16",
            "198.18.0.1 peer 203.0.113.11/32".
        master: The bridge of the same node that it belongs to; empty: none.
        bridge: It is itself a bridge.
    """

    name: str
    addresses: tuple[str, ...] = ()
    master: str = ""
    bridge: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A host of its own: network namespace, /run, /etc/ppp.

    Attributes:
        routes: As `ip route add` takes them: "default via 172.20.0.1".
        forwards: It passes packets on by itself; entry and exits do once they are told.
        masquerade: Ports that give their own address to what leaves by them.
    """

    name: str
    role: Role
    ports: tuple[Port, ...]
    routes: tuple[str, ...] = ()
    forwards: bool = False
    masquerade: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link."""

    node: str
    port: str


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two ports."""

    one: End
    other: End


@dataclass(frozen=True, slots=True)
class Topology:
    """The whole lab; exits, providers and clients in order, best exit first."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    def names(self, role: Role) -> tuple[str, ...]:
        """The nodes of one role, in order."""
        return tuple(node.name for node in self.nodes if node.role is role)

    @property
    def exits(self) -> tuple[str, ...]:
        """exit-a, exit-b, ..."""
        return self.names(Role.EXIT)

    @property
    def providers(self) -> tuple[str, ...]:
        """provider-a, provider-b, ...: each serves the exit of the same letter."""
        return self.names(Role.PROVIDER)

    @property
    def clients(self) -> tuple[str, ...]:
        """client, client-2, ..."""
        return self.names(Role.CLIENT)


def place(name: str) -> int:
    """Where a node stands among its like, from 0: 1 for "exit-b", 0 for "client"."""
    _, _, suffix = name.partition("-")
    if not suffix:
        return 0
    return int(suffix) - 1 if suffix.isdigit() else ascii_lowercase.index(suffix)


def bus_address(name: str) -> str:
    """The address of the entry or of an exit on the bus."""
    return f"172.21.0.{3 if name == 'entry' else 11 + place(name)}"


def exit_address(name: str) -> str:
    """The address of an exit on the bridge."""
    return f"172.20.0.{11 + place(name)}"


def provider_of(exit_name: str) -> str:
    """The provider that an exit dials."""
    return exit_name.replace("exit-", "provider-")


def public_address(provider: str) -> str:
    """The address at which a provider serves its exits."""
    return f"203.0.113.{11 + place(provider)}"


def seen_address(provider: str) -> str:
    """What `internet` sees of those whose traffic a provider carries."""
    return f"198.51.100.{11 + place(provider)}"


def pool(provider: str) -> str:
    """The first three numbers of the addresses that a provider gives to its exits."""
    return f"10.{201 + place(provider)}.0"


def wan_port(provider: str) -> str:
    """The router's port towards a provider: the place to look at ESP, or to cut it."""
    return provider.replace("provider-", "wan-")


def client_address(client: str) -> str:
    """The address of a client inside WireGuard."""
    return f"10.13.13.{2 + place(client)}"


def allowed_addresses(client: str) -> str:
    """All addresses of a client, as WireGuard's AllowedIPs."""
    return f"{client_address(client)}/32, {client_ipv6(client)}/128"


def client_ipv6(client: str) -> str:
    """Another one of it; nothing out there is reached by IPv6."""
    return f"fd13::{2 + place(client):x}"


def build(*, exits: int = 2, clients: int = 1) -> Topology:
    """The lab with so many exits, each with a provider of its own, and clients.

    Raises:
        ValueError: There are no names or addresses for so many.
    """
    if not 1 <= exits <= MOST_EXITS or not 1 <= clients <= MOST_CLIENTS:
        raise ValueError(f"building a lab: {exits} exits, {clients} clients")
    exit_names = [f"exit-{letter}" for letter in ascii_lowercase[:exits]]
    client_names = ["client", *(f"client-{n}" for n in range(2, clients + 1))]
    provider_names = [provider_of(name) for name in exit_names]
    inner = ["entry", *exit_names]
    nodes = (
        _router(inner, provider_names, client_names),
        _control(),
        _container("entry", Role.ENTRY, ENTRY_ADDRESS),
        *(_container(name, Role.EXIT, exit_address(name)) for name in exit_names),
        *(_provider(name) for name in provider_names),
        *(_client(name) for name in client_names),
        _internet(provider_names),
    )
    links = (
        *(_link(name, "eth0", "router", f"to-{name}") for name in inner),
        *(_link(name, "eth1", "router", f"bus-{name}") for name in inner),
        _link("control", "eth0", "router", "bus-control"),
        *(_link(name, "eth0", "router", f"to-{name}") for name in client_names),
        *(_link(name, "eth0", "router", wan_port(name)) for name in provider_names),
        *(_link(name, "eth1", "internet", f"to-{name}") for name in provider_names),
        _link("router", "uplink", "internet", "to-router"),
    )
    return Topology(nodes, links)


def _link(node: str, port: str, other_node: str, other_port: str) -> Link:
    return Link(End(node, port), End(other_node, other_port))


def _router(inner: list[str], providers: list[str], clients: list[str]) -> Node:
    ports = (
        Port("vpn-network", (f"{BRIDGE_GATEWAY}/16",), bridge=True),
        Port("vpn-bus", bridge=True),
        *(Port(f"to-{name}", master="vpn-network") for name in inner),
        *(Port(f"bus-{name}", master="vpn-bus") for name in (*inner, "control")),
        *(Port(f"to-{name}", (f"192.168.{place(name)}.1/24",)) for name in clients),
        *(
            Port(wan_port(name), (f"{ROUTER_OUTSIDE} peer {public_address(name)}/32",))
            for name in providers
        ),
        Port("uplink", (f"{ROUTER_UPLINK}/24",)),
    )
    return Node(
        "router",
        Role.ROUTER,
        ports,
        routes=(f"default via {INTERNET_ADDRESS}",),
        forwards=True,
        masquerade=(*(wan_port(name) for name in providers), "uplink"),
    )


def _control() -> Node:
    return Node("control", Role.CONTROL, (Port("eth0", (f"{CONTROL_ADDRESS}/24",)),))


def _container(name: str, role: Role, address: str) -> Node:
    ports = (
        Port("eth0", (f"{address}/16",)),
        Port("eth1", (f"{bus_address(name)}/24",)),
    )
    route = f"default via {BRIDGE_GATEWAY}"
    return Node(name, role, ports, routes=(route,))


def _provider(name: str) -> Node:
    ports = (
        Port("eth0", (f"{public_address(name)} peer {ROUTER_OUTSIDE}/32",)),
        Port("eth1", (f"{seen_address(name)}/24",)),
    )
    return Node(name, Role.PROVIDER, ports, forwards=True, masquerade=("eth1",))


def _client(name: str) -> Node:
    net = f"192.168.{place(name)}"
    route = f"{BRIDGE_NETWORK} via {net}.1"
    return Node(name, Role.CLIENT, (Port("eth0", (f"{net}.2/24",)),), routes=(route,))


def _internet(providers: list[str]) -> Node:
    ports = (
        Port("inet", (f"{INTERNET_ADDRESS}/24",), bridge=True),
        *(Port(f"to-{name}", master="inet") for name in (*providers, "router")),
    )
    return Node("internet", Role.INTERNET, ports)
