"""The words of a host's network: devices, rules, routes, next hops. Values only."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_interface
from typing import Final, Literal

Family = Literal[4, 6]
Kind = Literal["unicast", "unreachable"]

MAIN_TABLE: Final = 254
FLOOR_METRIC: Final = 4278198272  # worse than any route that somebody may add


@dataclass(frozen=True, slots=True)
class Link:
    """A network device.

    Attributes:
        up: IFF_UP. A ppp device's carrier says nothing, so it is not asked.
        kind: What made it ("veth", "wireguard", "tun", "ppp"); empty for hardware.
        addresses: As "172.20.0.2/16", in the kernel's order.
    """

    name: str
    index: int
    up: bool
    mtu: int
    kind: str = ""
    addresses: tuple[str, ...] = ()

    def within(self, network: IPv4Network) -> tuple[str, ...]:
        """The device's addresses in this network, as "172.20.0.2"."""
        ips = (ip_interface(address).ip for address in self.addresses)
        return tuple(str(ip) for ip in ips if ip.version == 4 and ip in network)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that came out of a device, and that went into it, since it exists."""

    received_bytes: int
    sent_bytes: int


def link_within(links: Iterable[Link], network: IPv4Network) -> Link | None:
    """The first device with an address in this network; None if none has."""
    return next((link for link in links if link.within(network)), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which packets ask which table; lower priorities are asked first.

    `mark`: that a socket of this host put on them; None: any.
    """

    priority: int
    table: int
    iif: str | None = None
    oif: str | None = None
    to: str | None = None
    source: str | None = None
    mark: int | None = None
    family: Family = 4


@dataclass(frozen=True, slots=True)
class Route:
    """A route; one table holds one route for each (`to`, `metric`).

    Attributes:
        to: A prefix, or "default".
        metric: Of routes to the same prefix the least wins.
        realm: What the packet filter knows its packets by; 0: nothing.
        nexthop_id: The next-hop object it follows, instead of `via` and `dev`.
    """

    table: int
    to: str = "default"
    via: str | None = None
    dev: str | None = None
    metric: int = 0
    kind: Kind = "unicast"
    realm: int = 0
    nexthop_id: int | None = None
    family: Family = 4


@dataclass(frozen=True, slots=True)
class NextHop:
    """A next-hop object: gateway and device that routes may share."""

    id: int
    via: str
    dev: str
