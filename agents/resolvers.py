"""Which resolvers clients' DNS may be led to. Pure."""

from ipaddress import IPv4Address, IPv4Network
from typing import Final

from agents.settings_model import NetworkSettings

# Nobody there can be asked through an exit. Source: RFC 6890.
_NOBODY: Final = tuple(
    map(
        IPv4Network,
        ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
    )
)


def is_resolver(address: str, network: NetworkSettings) -> bool:
    """Whether somebody beyond the exits can be there: not the chain, not this host."""
    try:
        ip = IPv4Address(address)
    except ValueError:
        return False
    return not any(ip in one for one in (*_NOBODY, network.bridge, network.clients))
