"""From settings and wg0.conf to what the entry goes by; reads, and touches nothing."""

import logging
import socket
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agents.entry.model import DEVICE, Policy
from agents.entry.path_model import PROFILES, Plan
from agents.entry.peer_model import PeerName
from agents.entry.wgconf import WgConf, parse
from agents.netlink import Netlink
from agents.network import link_within
from agents.settings_model import (
    EntrySettings,
    NetworkSettings,
    Settings,
    SettingsError,
)
from agents.small_file import read_text

READABLE_BY_OTHERS: Final = 0o007
log = logging.getLogger(__name__)


def read_conf(settings: Settings) -> WgConf:
    """wg0.conf, checked; what has no effect is warned of.

    Raises:
        SettingsError: It cannot be read, or does not fit.
    """
    path = settings.entry.wg_conf
    text = read_text(path, "file")
    conf = parse(text, str(path), settings.network.clients)
    for key in conf.passed_over:
        log.warning("%s: %s has no effect here", path, key)
    if _readable_by_others(path):
        log.warning("%s: everybody can read the keys: chmod 600", path)
    return conf


def read_again(settings: Settings, before: WgConf) -> WgConf:
    """wg0.conf as it is now; as it was before if that does not fit."""
    try:
        return read_conf(settings)
    except SettingsError as error:
        log.warning("%s; going on as before", error)
        return before


def _readable_by_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & READABLE_BY_OTHERS)
    except OSError:  # gone since it was read
        return False


def device_is_there() -> bool:
    """Whether wg0 stands, whoever made it."""
    return DEVICE in (name for _, name in socket.if_nameindex())


async def bridge_of(net: Netlink, network: NetworkSettings) -> str:
    """The device towards the exits.

    Raises:
        SettingsError: No device stands in the bridge's network.
    """
    link = link_within(await net.links(), network.bridge)
    if link is None:
        got, wanted = "no device in it", f"one with an address in {network.bridge}"
        raise SettingsError("network", "network.bridge", got, wanted)
    if str(network.entry) not in link.within(network.bridge):
        log.warning("no answer comes back: %s is not %s", link.name, network.entry)
    return link.name


def check_port(path: Path, port: int) -> None:
    """Makes sure that WireGuard can listen there.

    While wg0 stands the port is ours: a predecessor left both.

    Raises:
        SettingsError: Another program holds it.
    """
    if device_is_there():
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - where WireGuard will listen
        except OSError as error:
            got, wanted = f"{port}, which is in use", "a free UDP port"
            raise SettingsError(str(path), "ListenPort", got, wanted) from error


def plan_of(settings: Settings) -> Plan:
    """How the exits' paths are measured."""
    entry = settings.entry
    profile = replace(
        PROFILES[entry.probe],
        quorum=entry.probe_quorum,
        loss_ratio=entry.degraded_loss,
        rtt_ms=entry.degraded_rtt_ms,
    )
    targets = tuple(map(str, entry.probe_targets))
    return Plan(profile, targets, tuple(map(str, entry.probe_advisory)))


def service_of(entry: EntrySettings) -> tuple[str, ...]:
    """The address of who tells where clients are seen; none if nobody is asked."""
    host = urlsplit(entry.public_address_url).hostname
    return (host,) if host else ()


def policy_of(settings: Settings, conf: WgConf) -> Policy:
    """The rules' numbers and choices."""
    entry = settings.entry
    return Policy(
        peers=tuple(PeerName(one.id, one.name, one.public_key) for one in conf.peers),
        handshake_timeout_s=entry.handshake_timeout_s,
        show_endpoints=entry.show_endpoints,
        show_keys=entry.show_keys,
        leak_check=bool(entry.public_address_url),
        home=entry.home_networks,
    )
