"""What can be set, and what it is if nobody sets it. Values only.

A section of `config/vpnchain.example.toml` is a class here, a key is a field.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final, Literal

from bus.secret import Secret

BRIDGE: Final = IPv4Network("172.20.0.0/16")
CLIENTS: Final = IPv4Network("10.13.13.0/24")
ENTRY: Final = IPv4Address("172.20.0.2")
LOOPBACK: Final = IPv4Address("127.0.0.1")
PROBE_TARGETS: Final = (IPv4Address("1.1.1.1"), IPv4Address("9.9.9.9"))

DEGRADED_LOSS: Final = 0.2
DEGRADED_RTT_MS: Final = 1000.0

Preset = Literal["modern", "compat", "legacy", "ancient"]
ProbeProfile = Literal["normal", "fast", "quiet"]
PppMethod = Literal["mschapv2", "chap", "pap"]


class SettingsError(Exception):
    """Something is set wrong: file, key, got, wanted."""

    def __init__(self, file: str, key: str, got: str, wanted: str) -> None:
        super().__init__(f"{file}: {key}: got {got}, wanted {wanted}")
        self.file = file
        self.key = key
        self.got = got
        self.wanted = wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Where the broker is; empty: the agent's name for username, none for a file."""

    host: str = "broker"
    port: int = 1883
    username: str = ""
    password_file: str = ""
    base: str = "vpnchain"
    tls_ca: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The networks of the chain; `entry` is the entry's address on the bridge."""

    bridge: IPv4Network = BRIDGE
    clients: IPv4Network = CLIENTS
    entry: IPv4Address = ENTRY


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorSettings:
    """How the coordinator decides.

    Attributes:
        exits: Best first; unlisted ones follow by name.
        when_none: What becomes of the gate while no exit is ready.
        damp_limit: Failures, faded by half-lives, beyond which nobody returns.
        restart_after_s: An agent that was silent for so long is restarted with its
            container, by the containers agent, unless it may carry clients; 0: never.
    """

    exits: tuple[str, ...] = ("exit-a", "exit-b")
    settle_s: float = 30.0
    when_none: Literal["hold", "close"] = "hold"
    stale_s: float = 15.0
    start_grace_s: float = 3.0
    degraded_s: float = 5.0
    cooldown_s: float = 60.0
    damp_half_life_s: float = 300.0
    damp_limit: float = 2.0
    restart_after_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySettings:
    """How the entry runs WireGuard, and watches the paths through the exits.

    Attributes:
        probe: Probes a second and exit: quiet 1, normal 10, fast 100.
        probe_targets: Who decides whether a path carries traffic.
        probe_advisory: Who is measured too, but moves nobody.
        probe_quorum: How many of the targets must answer.
        dns: Who answers what clients ask at wg0's address: the resolver of the provider
            in use, else the first of `dns_servers`; `fixed`: that one; `off`: nobody.
        degraded_loss: From this share of lost probes on a path counts as degraded.
        endpoint: Where clients reach the entry from outside, as `vpnchain peer add`
            tells them; empty: it is said there.
        peers_by_request: Whether a client is added to wg0.conf when somebody asks who
            may steer the chain, as by the dashboard's button.
        public_address_url: Who is asked, through the active exit, where clients are
            seen; the host is an IPv4 address. Empty: nobody, no leak is looked for.
        home_networks: Where clients must never be seen.
    """

    wg_conf: Path = Path("config/wg0.conf")
    run_dir: Path = Path("/run/vpnchain")
    wireguard: Literal["auto", "kernel", "userspace"] = "auto"
    client_to_client: bool = False
    show_endpoints: bool = False
    show_keys: bool = False
    handshake_timeout_s: float = 180.0
    probe: ProbeProfile = "normal"
    probe_targets: tuple[IPv4Address, ...] = PROBE_TARGETS
    probe_advisory: tuple[IPv4Address, ...] = ()
    probe_quorum: int = 1
    dns: Literal["exit", "fixed", "off"] = "exit"
    dns_servers: tuple[IPv4Address, ...] = ()
    degraded_loss: float = DEGRADED_LOSS
    degraded_rtt_ms: float = DEGRADED_RTT_MS
    endpoint: str = ""
    peers_by_request: bool = False
    public_address_url: str = ""
    public_address_interval_s: float = 300.0
    home_networks: tuple[IPv4Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSettings:
    """How an exit brings its tunnel up and keeps it up.

    Attributes:
        secrets: Folder of the four secret files.
        presets: Proposals to try, each an attempt of its own, in this order.
    """

    secrets: Path = Path("/run/secrets")
    run_dir: Path = Path("/run/vpnchain")
    probe_targets: tuple[IPv4Address, ...] = PROBE_TARGETS
    probe_interval_s: float = 0.25
    probe_misses: int = 4
    presets: tuple[Preset, ...] = ("modern", "compat", "legacy", "ancient")
    ppp_methods: tuple[PppMethod, ...] = ("mschapv2",)
    mppe: bool = False
    pfs: bool = False
    remote_id: str = "%any"
    mtu_bytes: int = 1400
    backoff_min_s: float = 1.0
    backoff_max_s: float = 60.0
    permanent_backoff_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersSettings:
    """Where Docker is, and how often a container may be restarted.

    Attributes:
        docker: tcp://HOST:PORT, or unix:///PATH.
        pause_s: Between two restarts of one container; doubled by each within an hour.
        per_hour: How many restarts of one container an hour may see.
    """

    docker: str = "tcp://socket-proxy:2375"
    pause_s: float = 30.0
    per_hour: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSettings:
    """Where the page is served, and who may press its buttons.

    Attributes:
        hosts: Names of the internet that the page goes by, as behind a proxy.
        token_file: File with the token that lets in; empty: nobody may, but look.
        proxy_header: The header in which a proxy in front names whom it let in.
        proxies: Where that header is believed to come from.
    """

    address: IPv4Address = LOOPBACK
    port: int = 8080
    hosts: tuple[str, ...] = ()
    token_file: str = ""
    proxy_header: str = ""
    proxies: tuple[IPv4Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeAssistantSettings:
    """What home automation is shown of the chain.

    Attributes:
        enabled: Without, all that was ever declared is taken back.
        prefix: First level of the topics where home automation looks for things.
        peers: Each client is a device of its own.
        jitter_s: When home automation has come, all is declared again within so long.
    """

    enabled: bool = True
    prefix: str = "homeassistant"
    peers: bool = False
    jitter_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Where the metrics are served.

    Attributes:
        hosts: Names of the internet that the server goes by, as behind a proxy.
        peers: How many WireGuard peers have series of their own.
    """

    address: IPv4Address = LOOPBACK
    port: int = 9273
    hosts: tuple[str, ...] = ()
    peers: int = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the whole chain; `exit` is resolved for the one named."""

    broker: BrokerSettings = field(default_factory=BrokerSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    coordinator: CoordinatorSettings = field(default_factory=CoordinatorSettings)
    entry: EntrySettings = field(default_factory=EntrySettings)
    exit: ExitSettings = field(default_factory=ExitSettings)
    containers: ContainersSettings = field(default_factory=ContainersSettings)
    dashboard: DashboardSettings = field(default_factory=DashboardSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    homeassistant: HomeAssistantSettings = field(default_factory=HomeAssistantSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSecrets:
    """What the provider wants to know."""

    server: str
    psk: Secret
    username: Secret
    password: Secret
