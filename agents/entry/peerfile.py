"""wg0.conf with a peer more or less; every other line stays as it is. Pure.

Whoever adds one goes by these rules: `vpnchain peer`, and the entry when it is asked.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_interface, ip_network
from typing import Final

from agents.entry.wgconf import WgConf, name_of, slug
from bus.messages.peers import KEY
from bus.secret import Secret

NAME_LIMIT: Final = 64
_HEAD: Final = re.compile(r"\s*\[([^\]#]*)\]")


class PeerError(Exception):
    """What was asked cannot be done with this file; it is left as it was."""


@dataclass(frozen=True, slots=True)
class NewPeer:
    """A peer as the entry has to know it."""

    name: str
    public_key: str
    address: IPv4Address
    shared: Secret | None = None


def check_name(name: str, conf: WgConf) -> str:
    """The id that a peer of this name gets on the bus.

    Raises:
        PeerError: The name would not be read back as it is, or is taken.
    """
    fits = len(name) <= NAME_LIMIT and name.isprintable() and name == name.strip()
    if not fits or "#" in name or name_of([name]) != name or not slug(name):
        # Never the text: it may be a key, in the wrong place.
        raise PeerError(
            f"naming the peer: a name has a letter or digit, up to {NAME_LIMIT} "
            "characters, neither # nor =, and does not look like a key"
        )
    if any(slug(peer.name) == slug(name) for peer in conf.peers):
        raise PeerError(f"naming the peer {name}: there is one of this name")
    return slug(name)


def check_key(public_key: str, conf: WgConf, entry_key: str) -> None:
    """Nothing, if a new peer may have the key; `entry_key`: the entry's public one.

    Raises:
        PeerError: It is none, or somebody has it.
    """
    taken = {entry_key, *(peer.public_key for peer in conf.peers)}
    if not KEY.fullmatch(public_key) or public_key in taken:
        raise PeerError("adding a peer: its public key is none, or another's")


def next_free(conf: WgConf, clients: IPv4Network) -> IPv4Address:
    """The lowest address of the clients' network that nobody has.

    Raises:
        PeerError: There is none.
    """
    taken = _taken(conf)
    for address in clients.hosts():
        if not any(address in network for network in taken):
            return address
    raise PeerError(f"finding an address in {clients}: all are taken")


def check_address(address: IPv4Address, conf: WgConf, clients: IPv4Network) -> None:
    """Nothing, if a client may have the address.

    Raises:
        PeerError: It is no client's, or somebody has it.
    """
    if address not in clients:
        raise PeerError(f"giving the peer {address}: it is not in {clients}")
    if any(address in network for network in _taken(conf)):
        raise PeerError(f"giving the peer {address}: somebody has it")


def own_address(conf: WgConf) -> IPv4Address | None:
    """wg0's IPv4 address, where the entry resolves names for its clients."""
    own = (ip_interface(one).ip for one in conf.addresses)
    return next((one for one in own if isinstance(one, IPv4Address)), None)


def _taken(conf: WgConf) -> list[IPv4Network]:
    networks = [ip_network(one) for peer in conf.peers for one in peer.allowed_ips]
    networks += [ip_network(ip_interface(one).ip) for one in conf.addresses]
    return [one for one in networks if isinstance(one, IPv4Network)]


def added(text: str, peer: NewPeer) -> str:
    """The text with the peer at its end."""
    lines = [
        f"# {peer.name}",
        "[Peer]",
        f"PublicKey = {peer.public_key}",
        f"AllowedIPs = {peer.address}/32",
    ]
    if peer.shared is not None:
        lines.insert(3, f"PresharedKey = {peer.shared.reveal()}")
    gap = "" if text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + "\n".join(lines) + "\n"


def removed(text: str, place: int) -> str:
    """The text without its peer of this place, 0 for the first, and its comments."""
    lines = text.split("\n")
    peers = [part for part in _parts(lines) if part.title == "peer"]
    part = peers[place]
    begin, end = part.begin, part.end
    while end < len(lines) - 1 and not lines[end].strip():
        end += 1  # the blank lines that set it apart from what follows
    return "\n".join(lines[:begin] + lines[end:])


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines from `begin` up to `end`, with the comments right above the head."""

    title: str
    begin: int
    end: int


def _parts(lines: Sequence[str]) -> Iterator[_Part]:
    heads = [number for number, line in enumerate(lines) if _HEAD.match(line)]
    begins = [_above(lines, head) for head in heads]
    for place, head in enumerate(heads):
        follows = begins[place + 1] if place + 1 < len(heads) else len(lines)
        match = _HEAD.match(lines[head])
        title = match[1].strip().lower() if match else ""
        yield _Part(title, begins[place], _end(lines, head, follows))


def _above(lines: Sequence[str], head: int) -> int:
    """Where the comments begin that stand right above a head."""
    begin = head
    while begin and lines[begin - 1].strip().startswith("#"):
        begin -= 1
    return begin


def _end(lines: Sequence[str], head: int, follows: int) -> int:
    """One past the last line of a section; comments after a gap are no part of it."""
    last = head
    for number in range(head + 1, follows):
        line = lines[number].strip()
        attached = line.startswith("#") and last == number - 1
        if line and (attached or not line.startswith("#")):
            last = number
    return last + 1
