"""What a new client of an entry has to know to come in. Values only."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from typing import Final

# One of WireGuard's keys, 32 bytes in base64.
KEY: Final = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
_ENDPOINT: Final = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,260}")
_NETWORKS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTerms:
    """What a client's configuration needs besides its own private key; no secret.

    It becomes a file that a client's machine obeys, so nothing but addresses, a key
    and numbers fit.

    Attributes:
        address: The client's own, in the tunnel.
        dns: Who resolves names for it; empty: whoever does already.
        entry_key: The entry's public key.
        endpoint: Where the entry is reached, as host:port.
        allowed_ips: What the client sends through the tunnel.
        keepalive_s: How often it shall let itself be heard.
    """

    address: str
    dns: str = ""
    mtu_bytes: int
    entry_key: str
    endpoint: str
    allowed_ips: tuple[str, ...]
    keepalive_s: int

    def __post_init__(self) -> None:
        """ValueError for what would be another line of that file, or none."""
        IPv4Address(self.address)
        if self.dns:
            IPv4Address(self.dns)
        if not KEY.fullmatch(self.entry_key):
            raise ValueError("a key of WireGuard's")
        if not _ENDPOINT.fullmatch(self.endpoint):
            raise ValueError("an endpoint, as host:port")
        if len(self.allowed_ips) > _NETWORKS or "%" in "".join(self.allowed_ips):
            raise ValueError("a few networks")
        for network in self.allowed_ips:
            ip_network(network)
