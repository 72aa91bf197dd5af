"""What `wg` is told and what it answers, as text: pure."""

import base64
from dataclasses import dataclass

from agents.entry.peer_model import PeerSeen
from agents.entry.wgconf import WgConf
from bus.secret import Secret


class DumpError(Exception):
    """`wg show dump` said what it never says; it holds keys, so it is not told."""


@dataclass(frozen=True, slots=True)
class DumpPeer:
    """A peer as WireGuard has it: what was set, and what was seen."""

    preshared_key: Secret | None
    allowed_ips: frozenset[str]
    keepalive_s: int
    seen: PeerSeen


@dataclass(frozen=True, slots=True)
class Dump:
    """A device as WireGuard has it."""

    private_key: Secret
    public_key: str
    listen_port: int
    peers: tuple[DumpPeer, ...]


def read_dump(text: str) -> Dump:
    """What `wg show DEVICE dump` printed.

    Raises:
        DumpError: It is none.
    """
    try:
        first, *rest = text.splitlines()
        private, public, port, _ = first.split("\t")
        peers = tuple(_read_peer(line) for line in rest)
        return Dump(Secret(private), public, int(port), peers)
    except ValueError:  # not chained: it may hold a key
        raise DumpError("reading wg show dump: not its format") from None


def _read_peer(line: str) -> DumpPeer:
    public, shared, endpoint, allowed, shaken, received, sent, alive = line.split("\t")
    return DumpPeer(
        preshared_key=None if shared == "(none)" else Secret(shared),
        allowed_ips=frozenset(() if allowed == "(none)" else allowed.split(",")),
        keepalive_s=0 if alive == "off" else int(alive),
        seen=PeerSeen(
            public_key=public,
            handshake_at=float(shaken) or None,
            received_bytes=int(received),
            sent_bytes=int(sent),
            endpoint="" if endpoint == "(none)" else endpoint,
        ),
    )


def agrees(dump: Dump, conf: WgConf) -> bool:
    """Whether the device is set as the file says; where peers come from apart."""
    have = {
        one.seen.public_key: (one.preshared_key, one.allowed_ips, one.keepalive_s)
        for one in dump.peers
    }
    want = {
        one.public_key: (one.preshared_key, frozenset(one.allowed_ips), one.keepalive_s)
        for one in conf.peers
    }
    return (
        dump.private_key == _clamped(conf.private_key)
        and dump.listen_port == conf.listen_port
        and have == want
    )


def _clamped(key: Secret) -> Secret:
    """The private key as WireGuard keeps it. Source: RFC 7748, section 5."""
    raw = bytearray(base64.b64decode(key.reveal()))
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return Secret(base64.b64encode(raw).decode())


def setconf(conf: WgConf) -> str:
    """The text for `wg syncconf`; it holds the keys."""
    lines = [
        "[Interface]",
        f"PrivateKey = {conf.private_key.reveal()}",
        f"ListenPort = {conf.listen_port}",
    ]
    for peer in conf.peers:
        lines += ["[Peer]", f"PublicKey = {peer.public_key}"]
        if peer.preshared_key is not None:
            lines.append(f"PresharedKey = {peer.preshared_key.reveal()}")
        lines.append(f"AllowedIPs = {', '.join(peer.allowed_ips)}")
        if peer.endpoint:
            lines.append(f"Endpoint = {peer.endpoint}")
        lines.append(f"PersistentKeepalive = {peer.keepalive_s}")
    return "\n".join((*lines, ""))
