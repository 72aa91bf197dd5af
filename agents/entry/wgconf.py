"""wg0.conf as an operator writes it, read into values: pure, and strict.

The usual wg-quick keys. Obeyed: Address, ListenPort (51820 if absent), PrivateKey, MTU,
and all of a peer's. Passed over with a warning, because the agent does it itself or
must not: DNS, Table, SaveConfig, FwMark, PreUp, PostUp, PreDown, PostDown (no command
of the file is ever run). Anything else ends the agent before it touches anything.

A peer is named by a comment right above its `[Peer]`, behind it, or inside:
`# alice-phone`, or `# Name = Alice's phone`. What looks like a key that was commented
out is never taken for a name.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Interface, IPv4Network, ip_interface, ip_network
from typing import Final, NoReturn

from agents.entry.wgfile import SPELLING, Reader, Section, Value
from agents.settings_model import SettingsError
from bus.messages.peers import KEY
from bus.secret import Secret

USUAL_PORT: Final = 51820
USUAL_MTU_BYTES: Final = 1400  # min(1420, what fits through an exit's ppp0)
MTU_LEAST_BYTES: Final = 576  # what IPv4 asks of every network
_LIKE_A_KEY: Final = re.compile(r"[A-Za-z0-9+/]{32,}")
_NAMED: Final = re.compile(r"(?:friendly_)?name\s*=\s*(.+)", re.IGNORECASE)
_ENDPOINT: Final = re.compile(
    r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})"
)
_NUMBER: Final = re.compile("[0-9]{1,5}")
_NAME_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class PeerConf:
    """One `[Peer]`.

    Attributes:
        id: Of its topic: the name in [a-z0-9-], or a short hash of the key.
        name: As its comment says; else the id.
        endpoint: Empty: it comes to us.
        keepalive_s: 0: none.
    """

    id: str
    name: str
    public_key: str
    preshared_key: Secret | None
    allowed_ips: tuple[str, ...]
    endpoint: str
    keepalive_s: int


@dataclass(frozen=True, slots=True)
class WgConf:
    """The whole file.

    Attributes:
        addresses: Of wg0, as "10.13.13.1/24".
        mtu_bytes: None: the agent works it out.
        passed_over: For the log: keys that have no effect, with their lines.
    """

    private_key: Secret
    addresses: tuple[str, ...]
    listen_port: int
    mtu_bytes: int | None
    peers: tuple[PeerConf, ...]
    passed_over: tuple[str, ...]


def parse(text: str, file: str, clients: IPv4Network) -> WgConf:
    """The configuration; `clients`: where the IPv4 addresses of all clients must be.

    Raises:
        SettingsError: Anything is wrong; file with line, key, got, wanted. No secret is
            ever part of it.
    """
    reader = Reader(file)
    reader.read(text)
    interfaces = [one for one in reader.sections if one.title == "interface"]
    if len(interfaces) != 1:
        got = f"{len(interfaces)} sections"
        raise SettingsError(file, "[Interface]", got, "exactly one")
    (interface,) = interfaces
    judge = _Judge(file, clients)
    peers = [judge.peer(one) for one in reader.sections if one.title == "peer"]
    port, mtu = interface.values.get("listenport"), interface.values.get("mtu")
    return WgConf(
        private_key=Secret(judge.key(interface, "privatekey")),
        addresses=judge.addresses(interface),
        listen_port=judge.number(port, "listenport", 1) if port else USUAL_PORT,
        mtu_bytes=judge.number(mtu, "mtu", MTU_LEAST_BYTES) if mtu else None,
        peers=_told_apart(peers),
        passed_over=tuple(reader.passed_over),
    )


class _Judge:
    """Values of the file, checked one by one and against one another."""

    def __init__(self, file: str, clients: IPv4Network) -> None:
        self._file = file
        self._clients = clients
        self._keys: set[str] = set()
        self._taken: set[str] = set()

    def peer(self, section: Section) -> PeerConf:
        """The peer of a section."""
        public_key = self.key(section, "publickey")
        if public_key in self._keys:
            line = section.values["publickey"].line
            self._fail(line, "publickey", "the key of an earlier peer", "another")
        self._keys.add(public_key)
        short = hashlib.sha256(public_key.encode()).hexdigest()[:8]
        name = name_of(section.comments)
        shared = "presharedkey" in section.values
        return PeerConf(
            id=slug(name) or short,
            name=name or short,
            public_key=public_key,
            preshared_key=Secret(self.key(section, "presharedkey")) if shared else None,
            allowed_ips=self._allowed_ips(section),
            endpoint=self._endpoint(section.values.get("endpoint")),
            keepalive_s=self._keepalive(section.values.get("persistentkeepalive")),
        )

    def key(self, section: Section, key: str) -> str:
        """A key of WireGuard's; it is in no error, it may be a secret."""
        value = self._required(section, key)
        if not KEY.fullmatch(value.items[0]):
            got = f"{len(value.items[0])} other characters"
            self._fail(value.line, key, got, "a key of 44 characters (base64)")
        return value.items[0]

    def number(self, value: Value, key: str, least: int) -> int:
        """A number up to 65535."""
        text = value.items[0]
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= 65535:
            self._fail(value.line, key, shown(text), f"{least}..65535")
        return int(text)

    def addresses(self, section: Section) -> tuple[str, ...]:
        """The addresses of wg0."""
        value = self._required(section, "address")
        found = []
        for item in value.items:
            try:
                one = ip_interface(_without_zone(item))
            except ValueError:
                wanted = "an address such as 10.13.13.1/24"
                self._fail(value.line, "address", shown(item), wanted)
            if isinstance(one, IPv4Interface) and not one.network.subnet_of(
                self._clients
            ):
                wanted = f"one in network.clients ({self._clients})"
                self._fail(value.line, "address", str(one), wanted)
            found.append(one.with_prefixlen)
        return tuple(found)

    def _allowed_ips(self, section: Section) -> tuple[str, ...]:
        value = self._required(section, "allowedips")
        for item in value.items:
            try:
                network = ip_network(_without_zone(item), strict=False)
            except ValueError:
                wanted = "an address such as 10.13.13.2/32"
                self._fail(value.line, "allowedips", shown(item), wanted)
            got, wanted = str(network), f"within network.clients ({self._clients})"
            if isinstance(network, IPv4Network) and not network.subnet_of(
                self._clients
            ):
                self._fail(value.line, "allowedips", got, wanted)
            if network.prefixlen == 0:
                self._fail(value.line, "allowedips", got, "the peer's own addresses")
            if got in self._taken:
                wanted = "addresses that no other peer has"
                self._fail(value.line, "allowedips", got, wanted)
            self._taken.add(got)
        networks = (ip_network(item, strict=False) for item in value.items)
        return tuple(str(network) for network in networks)

    def _endpoint(self, value: Value | None) -> str:
        if value is None:
            return ""
        match = _ENDPOINT.fullmatch(value.items[0])
        if match is None or not 0 < int(match[2]) < 65536:
            got = shown(value.items[0])
            self._fail(value.line, "endpoint", got, "host:port")
        return value.items[0]

    def _keepalive(self, value: Value | None) -> int:
        if value is None or value.items[0].lower() == "off":
            return 0
        return self.number(value, "persistentkeepalive", 0)

    def _required(self, section: Section, key: str) -> Value:
        value = section.values.get(key)
        if value is None:
            self._fail(section.line, key, "nothing", "one")
        return value

    def _fail(self, line: int, key: str, got: str, wanted: str) -> NoReturn:
        raise SettingsError(f"{self._file}:{line}", SPELLING[key], got, wanted)


def shown(text: str) -> str:
    """A value as an error may show it: anything may be a part of a key."""
    return "something else" if text else "nothing"


def name_of(comments: Sequence[str]) -> str:
    """The name that comments give; empty if none does.

    `Name = ...` goes before plain text; a comment with another `=` in it, or with
    anything like a key, is no name.
    """
    usable = [
        comment
        for comment in comments
        if comment.isprintable() and not _LIKE_A_KEY.search(comment)
    ]
    named = (match[1] for one in usable if (match := _NAMED.fullmatch(one)))
    plain = (one for one in usable if one and "=" not in one)
    return next(iter((*named, *plain)), "")[:_NAME_LIMIT].strip()


def slug(name: str) -> str:
    """The name as a level of a topic; empty if nothing of it fits."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def _told_apart(peers: Sequence[PeerConf]) -> tuple[PeerConf, ...]:
    """The peers with ids that differ: a name given twice gets a hash appended."""
    ids = [peer.id for peer in peers]
    apart = []
    for peer in peers:
        short = hashlib.sha256(peer.public_key.encode()).hexdigest()[:8]
        again = ids.count(peer.id) > 1
        apart.append(replace(peer, id=f"{peer.id[:55]}-{short}") if again else peer)
    return tuple(apart)


def _without_zone(text: str) -> str:
    """The text; ValueError if it names a zone ("fe80::1%eth0")."""
    if "%" in text:
        raise ValueError(text)
    return text
