"""Who on the bridge can be an exit, and who cannot. Pure.

Clients' packets that are given to a wrong address leave around the tunnels: to the
bridge's gateway, say. So an address that somebody says is checked by whoever uses it.
The first address of the bridge is its gateway's, as Docker gives it out: an entry whose
default route is another network's would not know it from its own routes.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from agents.settings_model import BRIDGE, ENTRY


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The addresses of a bridge that an exit may have.

    Attributes:
        bridge: The network that all exits stand in.
        others: Addresses in it that are known to be no exit's.
    """

    bridge: IPv4Network
    others: frozenset[str] = frozenset()

    def has(self, address: str) -> bool:
        """Whether an exit can be there; what is written in an unusual way cannot."""
        return address not in self.others and _is_host(address, self.bridge)


@lru_cache(maxsize=4096)  # asked of every exit again and again
def _is_host(address: str, network: IPv4Network) -> bool:
    try:
        ip = IPv4Address(address)
    except ValueError:
        return False
    first = network.network_address
    return ip in network and ip not in (first, first + 1, network.broadcast_address)


# What can be known before the host has been looked at, if nothing else is set.
USUAL: Final = Neighbours(BRIDGE, frozenset({str(ENTRY)}))
