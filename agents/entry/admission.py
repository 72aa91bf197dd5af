"""A client that comes in: what wg0.conf says from then on, what it is told. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from agents.entry.peerfile import (
    NewPeer,
    PeerError,
    added,
    check_key,
    check_name,
    next_free,
    own_address,
)
from agents.entry.wgconf import USUAL_MTU_BYTES, WgConf, parse
from agents.settings_checks import ENDPOINT
from bus.messages.peers import PeerTerms

EVERYTHING: Final = ("0.0.0.0/0", "::/0")  # IPv6 as well: it is blocked, leaks nowhere
KEEPALIVE_S: Final = 25  # shorter than what routers with NAT forget after
PEERS: Final = 1_000  # in wg0.conf; each has a topic, and the file is read at once


@dataclass(frozen=True, slots=True)
class House:
    """Where somebody wants to come in.

    Attributes:
        text: What is in wg0.conf now.
        entry_key: The entry's public key.
        endpoint: Where clients reach the entry, as the settings say.
    """

    file: Path
    text: str
    clients: IPv4Network
    entry_key: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """wg0.conf with the new client, as text and as it reads, and the client's terms."""

    text: str
    conf: WgConf
    terms: PeerTerms


def admit(house: House, name: str, public_key: str) -> Admitted:
    """A client of this name with this key may come in.

    Raises:
        PeerError: It may not.
        SettingsError: wg0.conf is wrong.
    """
    conf = parse(house.text, str(house.file), house.clients)
    if len(conf.peers) >= PEERS:
        raise PeerError(f"adding a peer: there are {len(conf.peers)} already")
    check_name(name, conf)
    check_key(public_key, conf, house.entry_key)
    peer = NewPeer(name, public_key, next_free(conf, house.clients))
    text = added(house.text, peer)
    dns = own_address(conf)
    terms = PeerTerms(
        address=str(peer.address),
        dns=str(dns) if dns else "",
        mtu_bytes=conf.mtu_bytes or USUAL_MTU_BYTES,
        entry_key=house.entry_key,
        endpoint=endpoint_of(house.endpoint, conf.listen_port),
        allowed_ips=EVERYTHING,
        keepalive_s=KEEPALIVE_S,
    )
    return Admitted(text, parse(text, str(house.file), house.clients), terms)


def endpoint_of(said: str, port: int) -> str:
    """Where the entry is reached: as said, with this port if it names none."""
    match = ENDPOINT.fullmatch(said)
    return said if match is None or match[3] else f"{said}:{port}"
