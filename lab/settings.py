"""The files of a chain in the lab, as text: what an operator would have written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab import broker
from lab.topology import (
    CLIENT_NETWORK,
    CONTROL_ADDRESS,
    ENTRY_ADDRESS,
    ENTRY_TUNNEL_ADDRESS,
    ENTRY_TUNNEL_IPV6,
    INTERNET_ADDRESS,
    WIREGUARD_PORT,
)

WG_CONF: Final = "/run/wg0.conf"  # the entry's own /run, a client's own /run
CLIENT_MTU_BYTES: Final = 1400  # what fits through PPP at the other end
KEEPALIVE_S: Final = 5  # how soon a client finds an entry that was not there


@dataclass(frozen=True, slots=True)
class Tuning:
    """Times of the chain, short enough to watch; `agents/options.py` explains them."""

    settle_s: float = 5.0
    stale_s: float = 12.0
    start_grace_s: float = 1.0
    when_none: str = "hold"
    cooldown_s: float = 0.0  # what a demo does to a provider in a minute takes a year
    damp_limit: float = 1000.0
    backoff_min_s: float = 0.5
    backoff_max_s: float = 4.0
    permanent_backoff_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Keys:
    """A WireGuard key pair."""

    private: str
    public: str


def vpnchain(exits: Sequence[str], tuning: Tuning) -> str:
    """vpnchain.toml for every agent."""
    names = ", ".join(f'"{name}"' for name in exits)
    return f"""\
[broker]
host = "{CONTROL_ADDRESS}"
port = {broker.PORT}
password_file = "{broker.PASSWORD}"

[coordinator]
exits = [{names}]
settle_s = {tuning.settle_s}
stale_s = {tuning.stale_s}
start_grace_s = {tuning.start_grace_s}
when_none = "{tuning.when_none}"
cooldown_s = {tuning.cooldown_s}
damp_limit = {tuning.damp_limit}

[entry]
wg_conf = "{WG_CONF}"
probe_targets = ["{INTERNET_ADDRESS}"]

[exit]
probe_targets = ["{INTERNET_ADDRESS}"]
backoff_min_s = {tuning.backoff_min_s}
backoff_max_s = {tuning.backoff_max_s}
permanent_backoff_s = {tuning.permanent_backoff_s}
"""


def entry_wireguard(own: Keys, peers: Sequence[tuple[str, str, str]]) -> str:
    """wg0.conf of the entry; each peer: name, public key, allowed addresses."""
    blocks = [
        f"[Interface]\nPrivateKey = {own.private}\n"
        f"Address = {ENTRY_TUNNEL_ADDRESS}/{CLIENT_NETWORK.partition('/')[2]}, "
        f"{ENTRY_TUNNEL_IPV6}\n"
        f"ListenPort = {WIREGUARD_PORT}\n"
    ]
    blocks += [
        f"# {name}\n[Peer]\nPublicKey = {public}\nAllowedIPs = {allowed}\n"
        for name, public, allowed in peers
    ]
    return "\n".join(blocks)


def client_wireguard(own: Keys, entry_public: str) -> str:
    """What `wg setconf` takes at a client."""
    return f"""\
[Interface]
PrivateKey = {own.private}
[Peer]
PublicKey = {entry_public}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = {ENTRY_ADDRESS}:{WIREGUARD_PORT}
PersistentKeepalive = {KEEPALIVE_S}
"""
