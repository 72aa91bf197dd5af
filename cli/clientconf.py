"""What a client is given: its side of WireGuard, as text. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from agents.entry.admission import EVERYTHING, KEEPALIVE_S
from bus.secret import Secret

NOT_OURS: Final = "<the private key, which only the client knows>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConf:
    """A client's configuration.

    Attributes:
        private: None: the client has made its keys itself.
        dns: Who resolves names for it; None: whoever does already.
        entry_key: The entry's public key.
        endpoint: Where the entry is reached, as host:port.
    """

    private: Secret | None
    address: IPv4Address
    dns: IPv4Address | None
    mtu_bytes: int
    entry_key: str
    shared: Secret | None
    endpoint: str

    def text(self) -> str:
        """It, in the form that every WireGuard reads; with secrets."""
        interface = [
            f"PrivateKey = {self.private.reveal() if self.private else NOT_OURS}",
            f"Address = {self.address}/32",
            f"MTU = {self.mtu_bytes}",
        ]
        if self.dns is not None:
            interface.insert(2, f"DNS = {self.dns}")
        peer = [
            f"PublicKey = {self.entry_key}",
            f"AllowedIPs = {', '.join(EVERYTHING)}",
            f"Endpoint = {self.endpoint}",
            f"PersistentKeepalive = {KEEPALIVE_S}",
        ]
        if self.shared is not None:
            peer.insert(1, f"PresharedKey = {self.shared.reveal()}")
        return "\n".join(("[Interface]", *interface, "", "[Peer]", *peer, ""))
