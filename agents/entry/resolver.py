"""Who answers the DNS of clients, and the rules that lead it there: pure.

Clients ask the entry's own address on wg0. What they ask is led to a resolver beyond
the active exit: it goes through the tunnel like everything else, or nowhere.
"""

from collections.abc import Sequence
from ipaddress import IPv4Interface, ip_interface
from typing import Final

from agents.entry.model import DEVICE
from agents.resolvers import is_resolver
from agents.settings_model import EntrySettings, NetworkSettings
from bus.messages.orders import Hop

PORT: Final = 53


def choose(hop: Hop | None, entry: EntrySettings, network: NetworkSettings) -> str:
    """The resolver's address while packets go to this exit; empty: DNS is refused."""
    if hop is None or entry.dns == "off":
        return ""
    known = hop.dns if entry.dns == "exit" else ()
    candidates = (*known, *map(str, entry.dns_servers))
    return next((one for one in candidates if is_resolver(one, network)), "")


def own_addresses(addresses: Sequence[str]) -> tuple[str, ...]:
    """Where clients ask: the IPv4 addresses of wg0, given as "10.13.13.1/24"."""
    interfaces = map(ip_interface, addresses)
    return tuple(str(one.ip) for one in interfaces if isinstance(one, IPv4Interface))


def leading(own: Sequence[str], resolver: str) -> str:
    """For iptables-restore: what is asked at `own` is answered by the resolver."""
    rules = [
        f"-A VPNCHAIN-PREROUTING -i {DEVICE} -d {address} -p {protocol}"
        f" --dport {PORT} -j DNAT --to-destination {resolver}\n"
        for address in own
        for protocol in ("udp", "tcp")
    ]
    return f"""\
*nat
:VPNCHAIN-PREROUTING - [0:0]
-A PREROUTING -j VPNCHAIN-PREROUTING
{"".join(rules) if resolver else ""}\
COMMIT
"""
