"""What the types of settings do not say: ranges, and what must fit together. Pure."""

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from agents.resolvers import is_resolver
from agents.settings_model import (
    BrokerSettings,
    ContainersSettings,
    CoordinatorSettings,
    DashboardSettings,
    EntrySettings,
    ExitSettings,
    HomeAssistantSettings,
    MetricsSettings,
    NetworkSettings,
    Settings,
)
from bus.heartbeat import HEARTBEAT_S
from bus.names import ID

MTU_LEAST_BYTES: Final = 576
MTU_MOST_BYTES: Final = 1500
STALE_LEAST_S: Final = 2 * HEARTBEAT_S  # one heartbeat may be late, or lost
MAY_BE_ZERO: Final = frozenset(
    {
        *("settle_s", "start_grace_s", "degraded_s", "cooldown_s", "restart_after_s"),
        "jitter_s",
    }
)
HOST: Final = re.compile(r"/.+|[A-Za-z0-9:_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
DOCKER: Final = re.compile(r"tcp://[A-Za-z0-9.-]+:[0-9]{1,5}|unix:///.+")
BASE: Final = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
# 1 to 65535.
_PORT: Final = (
    r":(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}"
    r"|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
ENDPOINT: Final = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    rf"({_PORT})?"
)
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")

SERVICE: Final = re.compile(rf"https?://([0-9.]{{7,15}})({_PORT})?(/[!-~]*)?", re.ASCII)

# Key, whether it holds, got, wanted.
Claim = tuple[str, bool, object, str]


def claims(settings: Settings) -> Iterator[Claim]:
    """Everything that must hold; keys of the exit begin with `exit.`."""
    broker = settings.broker
    fits = bool(HOST.fullmatch(broker.host))
    yield "broker.host", fits, broker.host, "a name, an address, or a socket's path"
    yield "broker.port", 0 < broker.port < 65536, broker.port, "1..65535"
    fits = bool(BASE.fullmatch(broker.base))
    yield "broker.base", fits, broker.base, "topic levels such as vpnchain"
    yield from _network(settings.network)
    yield from _ranking(settings.coordinator)
    yield from _entry(settings.entry)
    yield from _dns(settings.entry, settings.network)
    yield from _leak_check(settings.entry, settings.network)
    yield from _targets(settings)
    yield from _exit(settings.exit)
    yield from _containers(settings.containers)
    yield from _dashboard(settings.dashboard)
    yield from _metrics(settings.metrics)
    yield from _homeassistant(settings.homeassistant, settings.broker)
    for section in ("coordinator", "entry", "exit", "containers", "homeassistant"):
        values = getattr(settings, section)
        yield from _durations(section, values)
        yield from _paths(section, values)


def _network(network: NetworkSettings) -> Iterator[Claim]:
    fits = not network.bridge.overlaps(network.clients)
    wanted = f"a network apart from network.bridge ({network.bridge})"
    yield "network.clients", fits, str(network.clients), wanted
    ends = (network.bridge.network_address, network.bridge.broadcast_address)
    fits = network.entry in network.bridge and network.entry not in ends
    wanted = f"a host's address in network.bridge ({network.bridge})"
    yield "network.entry", fits, str(network.entry), wanted
    for key in ("bridge", "clients"):
        here = getattr(network, key)
        fits = not (here.is_loopback or here.is_multicast or here.is_unspecified)
        yield f"network.{key}", fits, str(here), "a network of hosts"


def _ranking(coordinator: CoordinatorSettings) -> Iterator[Claim]:
    exits = coordinator.exits
    for name in exits:
        fits = bool(ID.fullmatch(name))
        yield "coordinator.exits", fits, name, "names of [a-z0-9-]"
    fits = len(set(exits)) == len(exits)
    yield "coordinator.exits", fits, exits, "each exit once"
    stale_s = coordinator.stale_s
    wanted = f"at least two heartbeats ({STALE_LEAST_S:g} s)"
    yield "coordinator.stale_s", stale_s >= STALE_LEAST_S, stale_s, wanted
    limit = coordinator.damp_limit
    fits = 0 < limit < math.inf
    yield "coordinator.damp_limit", fits, limit, "a positive number of failures"


def _entry(entry: EntrySettings) -> Iterator[Claim]:
    targets = entry.probe_targets
    yield "entry.probe_targets", bool(targets), targets, "one or more"
    both = (*targets, *entry.probe_advisory)
    fits = len(set(both)) == len(both)
    yield "entry.probe_advisory", fits, both, "each target once"
    fits = 0 < entry.probe_quorum <= max(1, len(targets))
    wanted = f"1..{len(targets)}, as there are targets"
    yield "entry.probe_quorum", fits, entry.probe_quorum, wanted
    fits = 0 < entry.degraded_loss <= 1
    yield "entry.degraded_loss", fits, entry.degraded_loss, "a share above 0, up to 1"
    fits = 0 < entry.degraded_rtt_ms < math.inf
    wanted = "a positive number of milliseconds"
    yield "entry.degraded_rtt_ms", fits, entry.degraded_rtt_ms, wanted
    fits = not entry.endpoint or bool(ENDPOINT.fullmatch(entry.endpoint))
    wanted = "a name or address, with :port if need be"
    yield "entry.endpoint", fits, entry.endpoint, wanted
    fits = bool(entry.endpoint) or not entry.peers_by_request
    wanted = "where clients reach the entry, as peers_by_request is true"
    yield "entry.endpoint", fits, entry.endpoint, wanted


def _dns(entry: EntrySettings, network: NetworkSettings) -> Iterator[Claim]:
    servers = tuple(map(str, entry.dns_servers))
    fits = all(is_resolver(one, network) for one in servers)
    wanted = "hosts outside network.bridge and network.clients"
    yield "entry.dns_servers", fits, servers, wanted
    fits = entry.dns != "fixed" or bool(servers)
    yield "entry.dns_servers", fits, servers, "one or more, as dns is fixed"


def _leak_check(entry: EntrySettings, network: NetworkSettings) -> Iterator[Claim]:
    url = entry.public_address_url
    service = SERVICE.fullmatch(url)
    fits = not url or (service is not None and is_resolver(service[1], network))
    wanted = "http(s)://ADDRESS/PATH, of IPv4 and outside the chain, or nothing"
    yield "entry.public_address_url", fits, url, wanted
    fits = bool(url) or not entry.home_networks
    networks = tuple(map(str, entry.home_networks))
    yield "entry.home_networks", fits, networks, "none without public_address_url"


def _targets(settings: Settings) -> Iterator[Claim]:
    """Who decides about a path is beyond the exits, else a dead one seems to carry."""
    wanted = "hosts outside network.bridge and network.clients"
    for key, targets in (
        ("entry.probe_targets", settings.entry.probe_targets),
        ("exit.probe_targets", settings.exit.probe_targets),
    ):
        told = tuple(map(str, targets))
        yield key, all(is_resolver(one, settings.network) for one in told), told, wanted


def _exit(one: ExitSettings) -> Iterator[Claim]:
    fits = one.backoff_min_s <= one.backoff_max_s
    wanted = f"at least backoff_min_s ({one.backoff_min_s})"
    yield "exit.backoff_max_s", fits, one.backoff_max_s, wanted
    yield "exit.probe_misses", one.probe_misses > 0, one.probe_misses, "1 or more"
    fits = MTU_LEAST_BYTES <= one.mtu_bytes <= MTU_MOST_BYTES
    wanted = f"{MTU_LEAST_BYTES}..{MTU_MOST_BYTES}"
    yield "exit.mtu_bytes", fits, one.mtu_bytes, wanted
    fits = bool(one.remote_id) and one.remote_id.isprintable()
    yield "exit.remote_id", fits, one.remote_id, "an identity, or %any"
    methods = one.ppp_methods
    fits = not one.mppe or "mschapv2" in methods
    # RFC 3079: its keys come from MS-CHAP.
    yield "exit.ppp_methods", fits, methods, "mschapv2 among them, as mppe is true"
    for key in ("probe_targets", "presets", "ppp_methods"):
        values = getattr(one, key)
        yield f"exit.{key}", bool(values), values, "one or more"


def _containers(containers: ContainersSettings) -> Iterator[Claim]:
    docker, most = containers.docker, containers.per_hour
    fits = bool(DOCKER.fullmatch(docker))
    yield "containers.docker", fits, docker, "tcp://HOST:PORT or unix:///PATH"
    yield "containers.per_hour", most > 0, most, "1 or more"


def _durations(at: str, values: Any) -> Iterator[Claim]:
    """Every number of seconds is positive; zero only where it means at once."""
    for one in fields(values):
        if one.name.endswith("_s"):
            value = getattr(values, one.name)
            least = 0 if one.name in MAY_BE_ZERO else sys.float_info.min
            fits = least <= value < math.inf
            yield f"{at}.{one.name}", fits, value, "a positive number of seconds"


def _paths(at: str, values: Any) -> Iterator[Claim]:
    """No path is left empty, which would be the present folder."""
    for one in fields(values):
        value = getattr(values, one.name)
        if isinstance(value, Path):
            yield f"{at}.{one.name}", value != Path(), str(value), "a path"


def _dashboard(dashboard: DashboardSettings) -> Iterator[Claim]:
    port, header, proxies = dashboard.port, dashboard.proxy_header, dashboard.proxies
    yield "dashboard.port", 0 < port < 65536, port, "a port, 1 to 65535"
    yield from _hosts("dashboard", dashboard.hosts)
    fits = bool(header) == bool(proxies)
    yield (
        "dashboard.proxies",
        fits,
        list(map(str, proxies)),
        "some if there is a proxy_header, else none",
    )


def _metrics(metrics: MetricsSettings) -> Iterator[Claim]:
    port, peers = metrics.port, metrics.peers
    yield "metrics.port", 0 < port < 65536, port, "a port, 1 to 65535"
    yield from _hosts("metrics", metrics.hosts)
    yield "metrics.peers", peers >= 0, peers, "0 or more"


def _hosts(at: str, hosts: tuple[str, ...]) -> Iterator[Claim]:
    wanted = "names such as vpn.example.net, without scheme and port"
    for name in hosts:
        yield f"{at}.hosts", bool(NAME.fullmatch(name)), name, wanted


def _homeassistant(
    home: HomeAssistantSettings, broker: BrokerSettings
) -> Iterator[Claim]:
    prefix = home.prefix
    fits = bool(BASE.fullmatch(prefix))
    yield "homeassistant.prefix", fits, prefix, "topic levels such as homeassistant"
    apart = not f"{prefix}/".startswith(f"{broker.base}/")
    wanted = f"levels apart from broker.base ({broker.base})"
    yield "homeassistant.prefix", apart, prefix, wanted
