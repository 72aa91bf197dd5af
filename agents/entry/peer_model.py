"""The words of a peer: who it is, what is known of it. Values only.

Times called `..._s` are of the shell's monotonic clock, `..._at` are Unix seconds, as
WireGuard and people have them.
"""

from dataclasses import dataclass

from bus.messages.entries import PeerReport


@dataclass(frozen=True, slots=True)
class PeerName:
    """A peer as wg0.conf has it; `id` is its level in topics."""

    id: str
    name: str
    public_key: str


@dataclass(frozen=True, slots=True)
class PeerSeen:
    """A peer as WireGuard has it.

    Attributes:
        handshake_at: The last one; None: never since wg0 came up.
        endpoint: Where it last came from; empty: unknown.
    """

    public_key: str
    handshake_at: float | None = None
    received_bytes: int = 0
    sent_bytes: int = 0
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known of one peer.

    Attributes:
        shaken_s: When it last shook hands, on our own clock: that of the wall may jump.
        said: Its report as the bus has it; None: not said yet.
        said_s: When that was said.
    """

    seen: PeerSeen
    shaken_s: float | None = None
    connected: bool = False
    said: PeerReport | None = None
    said_s: float = 0.0
