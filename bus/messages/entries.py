"""What an entry says of itself and of its peers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bus.messages.orders import Gate
from bus.messages.stamp import Stamp
from bus.names import ID

LONGEST: Final = 300  # of what is said of a leak: names, addresses and words


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReport(Stamp):
    """The present of an entry.

    Attributes:
        epoch: The order it obeys; 0 before the first.
        active: The exit that its next hop points to; None: blocked.
        wireguard: "kernel", "userspace", or empty while wg0 does not exist.
        public_key: wg0's public key; empty while wg0 does not exist.
        firewall: The iptables backend in use, "nft" or "legacy".
        cause: Why the order could not be obeyed in full; empty if it was.
        walked: It chose `active` itself, as the order's died and nobody ordered anew.
        ignored: Orders of this life that were not obeyed: old ones, or rubbish.
        public_address: What a service in the internet sees clients come from; empty:
            not asked, or not answered yet.
        leak: Why the gate was closed against all orders: clients were seen to come
            from an address that is no exit's; empty while nothing is wrong.
    """

    epoch: int
    gate: Gate
    active: str | None = None
    wireguard: str = ""
    public_key: str = ""
    listen_port: int | None = None
    mtu_bytes: int | None = None
    firewall: str = ""
    peers: int = 0
    cause: str = ""
    walked: bool = False
    public_address: str = ""
    leak: str = ""
    ignored: int = 0

    def __post_init__(self) -> None:
        """ValueError for a name that no exit can have: an order may be made of it."""
        if self.active is not None and not ID.fullmatch(self.active):
            raise ValueError("the name of an exit, of [a-z0-9-]")


class EntryEventKind(StrEnum):
    """What can happen at an entry."""

    GATE_OPENED = "gate-opened"
    GATE_CLOSED = "gate-closed"
    MOVED = "moved"  # the next hop points to another exit, or to none
    PEER_CONNECTED = "peer-connected"
    PEER_GONE = "peer-gone"
    LEAK = "leak"  # clients were seen to leave around the tunnels; the gate is closed


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryEvent:
    """Something happened at an entry.

    Attributes:
        before: The exit that carried until now; None: none did.
        after: The exit that carries from now on; None: none does.
        peer: Who came or went.
        epoch: The order that was obeyed last; 0: there was none. An entry that walks by
            itself says the one that it walks by.
        outage_ms: How long clients had no way when it moved: since the last answer over
            the path that was left; 0: that still answered. None: it was no move, nobody
            has taken over yet, or no path was measured.
    """

    kind: EntryEventKind
    at: float
    before: str | None = None
    after: str | None = None
    peer: str = ""
    epoch: int = 0
    outage_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport(Stamp):
    """A leak that stands; taken back once it does not.

    For the entry itself: one that was restarted keeps its gate closed by it.

    Attributes:
        why: What was seen that should not be, as `leak` of its report says.
    """

    why: str

    def __post_init__(self) -> None:
        """ValueError for what no entry says: it is repeated by the next life."""
        if not (0 < len(self.why) <= LONGEST and self.why.isprintable()):
            raise ValueError(f"a reason of 1 to {LONGEST} printable characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerReport(Stamp):
    """The present of one WireGuard peer.

    Attributes:
        name: Its comment in wg0.conf, or a short hash of its key.
        connected: It has shaken hands lately (WireGuard itself renews within 180 s).
        handshake_at: When it last did; None: never since wg0 came up.
        endpoint: Where it comes from; only if the settings ask for it.
        public_key: Its full key; only if the settings ask for it.
    """

    name: str
    connected: bool
    handshake_at: float | None = None
    received_bytes: int = 0
    sent_bytes: int = 0
    endpoint: str = ""
    public_key: str = ""
