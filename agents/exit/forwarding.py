"""Routes and rules of an exit, as wanted states: values only.

What comes from the bridge leaves by ppp0 or not at all: its table knows ppp0's default
route and, below it, `unreachable`; the packet filter forwards nothing else.

The one exception is another exit, which holds to the same: between ppp0 and
`unreachable` stands a detour through it, so that the kernel itself goes on when ppp0
vanishes. What takes the detour is marked, and what is marked never takes another.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from agents.network import FLOOR_METRIC, MAIN_TABLE, Family, Route, Rule

DEVICE: Final = "ppp0"
CLIENTS: Final = 100  # table of what comes from the bridge
SERVER: Final = 99  # table of the one route past ppp0
FAMILIES: Final[tuple[Family, ...]] = (4, 6)
_LINK_METRIC: Final = 100
_DETOUR_METRIC: Final = 200
REALM: Final = 7  # by it the packet filter knows what the detour's route leads


def floor() -> tuple[Route, ...]:
    """What holds when nothing else does: nowhere to go."""
    return tuple(
        Route(CLIENTS, kind="unreachable", metric=FLOOR_METRIC, family=family)
        for family in FAMILIES
    )


def rules(bridge: str) -> tuple[Rule, ...]:
    """Who asks the clients' table: the bridge, and whoever is bound to ppp0."""
    return tuple(
        rule
        for family in FAMILIES
        for rule in (
            Rule(1000, CLIENTS, iif=bridge, family=family),
            Rule(1001, CLIENTS, oif=DEVICE, family=family),
        )
    )


def through_link() -> Route:
    """Out by ppp0; it vanishes with the device."""
    return Route(CLIENTS, dev=DEVICE, metric=_LINK_METRIC)


def detour(via: str, bridge: str) -> Route:
    """Back onto the bridge, to another exit; worse than ppp0, so only without it."""
    return Route(CLIENTS, via=via, dev=bridge, metric=_DETOUR_METRIC, realm=REALM)


def is_detour(route: Route) -> bool:
    """Whether it leads to another exit."""
    return (route.table, route.metric) == (CLIENTS, _DETOUR_METRIC)


def back(clients: IPv4Network, entry: IPv4Address) -> Route:
    """The way back to the clients."""
    return Route(MAIN_TABLE, to=str(clients), via=str(entry))


def pin(server: str, main: Sequence[Route]) -> tuple[Route, Rule] | None:
    """The server past ppp0, as the main table leads there; None if it does not.

    The provider may give ppp0's other end the server's own address, which would lead
    the tunnel into itself.
    """
    address = IPv4Address(server)
    ways = [
        (_network(route).prefixlen, -route.metric, route)
        for route in main
        if route.kind == "unicast" and route.dev not in (None, DEVICE)
        if address in _network(route)
    ]
    if not ways:
        return None
    _, _, way = max(ways, key=lambda one: one[:2])
    route = Route(SERVER, to=f"{server}/32", via=way.via, dev=way.dev)
    return route, rule_of_pin(route)


def rule_of_pin(route: Route) -> Rule:
    """The rule that leads what is said here ("lo", see ip-rule(8)) to a pinned route.

    Clients' packets for the server's address leave by ppp0 like all others.
    """
    return Rule(900, SERVER, iif="lo", to=route.to)


def _network(route: Route) -> IPv4Network:
    return IPv4Network("0.0.0.0/0" if route.to == "default" else route.to)
