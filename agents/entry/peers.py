"""The rules about peers: who is connected, and what to say of them. Pure."""

from dataclasses import replace

from agents.entry.events import Polled
from agents.entry.model import Action, Policy, SayEvent, SayPeer, State
from agents.entry.peer_model import Peer, PeerName, PeerSeen
from bus.messages.entries import EntryEventKind, PeerReport


def observe_peers(state: State, event: Polled, policy: Policy) -> State:
    """The state with what WireGuard says; a peer it does not name is not connected."""
    if event.peers is None:
        return state
    seen = {one.public_key: one for one in event.peers}
    peers = {}
    for name in policy.peers:
        key = name.public_key
        now = seen.get(key, PeerSeen(key))
        peers[key] = _observe_peer(state.peers.get(key), now, event, policy)
    return replace(state, peers=peers)


def _observe_peer(
    before: Peer | None, seen: PeerSeen, event: Polled, policy: Policy
) -> Peer:
    """The peer with its latest handshake put on our own clock.

    Only a handshake from before our first look is dated by the wall clock.
    """
    peer = before or Peer(seen)
    shaken_s = peer.shaken_s
    if seen.handshake_at is None:
        shaken_s = None
    elif before is None:
        shaken_s = event.at_s - max(0.0, event.wall_at - seen.handshake_at)
    elif seen.handshake_at != before.seen.handshake_at:
        shaken_s = event.at_s
    connected = (
        shaken_s is not None and event.at_s - shaken_s < policy.handshake_timeout_s
    )
    return replace(peer, seen=seen, shaken_s=shaken_s, connected=connected)


def tell_peers(
    before: State, after: State, at_s: float, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    """The state with what was said of peers, and the saying."""
    if after.peers is before.peers:
        return after, ()
    news: list[Action] = []
    peers = dict(after.peers)
    for name in policy.peers:
        key = name.public_key
        peer, was = after.peers.get(key), before.peers.get(key)
        if peer is None or peer is was:
            continue
        if was is not None and peer.connected is not was.connected:
            news.append(_event(after, name, peer))
        report = report_of_peer(name, peer, policy)
        if _worth_saying(peer, report, at_s, policy):
            peers[key] = replace(peer, said=report, said_s=at_s)
            news.append(SayPeer(name.id, report))
    return replace(after, peers=peers), tuple(news)


def _event(state: State, name: PeerName, peer: Peer) -> SayEvent:
    kinds = EntryEventKind
    kind = kinds.PEER_CONNECTED if peer.connected else kinds.PEER_GONE
    epoch = state.order.epoch if state.order else 0
    return SayEvent(kind, epoch, peer=name.id)


def _worth_saying(peer: Peer, report: PeerReport, at_s: float, policy: Policy) -> bool:
    """At once when the peer came, went or moved; else now and then."""
    said = peer.said
    if said is None or (said.connected, said.endpoint) != (
        report.connected,
        report.endpoint,
    ):
        return True
    due = at_s >= peer.said_s + policy.report_every_s
    return due and (report.connected or report != said)


def report_of_peer(name: PeerName, peer: Peer, policy: Policy) -> PeerReport:
    """The peer's present as the bus shall have it, but for its stamp."""
    seen = peer.seen
    return PeerReport(
        name=name.name,
        connected=peer.connected,
        handshake_at=seen.handshake_at,
        received_bytes=seen.received_bytes,
        sent_bytes=seen.sent_bytes,
        endpoint=seen.endpoint if policy.show_endpoints else "",
        public_key=name.public_key if policy.show_keys else "",
    )
