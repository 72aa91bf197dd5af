"""Settings: what fits, what does not, and what is said about it."""

import pickle
import tomllib
import traceback
from dataclasses import fields
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

import pytest

from agents.settings import broker_of, check, load, read_exit_secrets
from agents.settings_model import BrokerSettings, Settings, SettingsError
from bus.secret import Secret

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "config/vpnchain.example.toml"
SECRET_FILES: Final = {
    "vpn_server_ip": "vpn.example.net\n",
    "vpn_ipsec_psk": "correct horse\n",
    "vpn_username": "tester\r\n",
    "vpn_password": "battery staple",
}


def checked(text: str, *, exit_name: str = "", **environment: str) -> Settings:
    data = tomllib.loads(text)
    return check(data, environment, file="chain.toml", exit_name=exit_name)


def test_nothing_set_means_the_defaults() -> None:
    assert checked("") == Settings()


def test_the_example_says_the_defaults() -> None:
    assert load(EXAMPLE, {}) == Settings()


def test_the_example_has_every_key_and_a_comment_for_each() -> None:
    data = tomllib.loads(EXAMPLE.read_text())
    for section in fields(Settings):
        keys = {field.name for field in fields(getattr(Settings(), section.name))}
        assert set(data[section.name]) == keys
    commented = 0
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("#"):
            commented = 3  # one comment may speak of a few keys that belong together
        elif "=" in line:
            commented -= 1
            assert commented >= 0, line
        elif not line:
            commented = 0


def test_values_have_the_types_of_their_fields() -> None:
    settings = checked(
        'network.bridge = "10.0.0.0/8"\nnetwork.entry = "10.0.0.2"\n'
        'network.clients = "192.168.9.0/24"'
    )
    assert settings.network.bridge == IPv4Network("10.0.0.0/8")
    assert settings.network.entry == IPv4Address("10.0.0.2")


def test_a_whole_number_serves_as_seconds() -> None:
    assert checked("coordinator.settle_s = 5").coordinator.settle_s == 5.0


def test_one_exit_differs_where_it_says_so() -> None:
    text = """
        [exit]
        pfs = true
        mtu_bytes = 1300
        [exits.exit-b]
        mtu_bytes = 1280
    """
    a, b = (
        checked(text, exit_name="exit-a").exit,
        checked(text, exit_name="exit-b").exit,
    )
    assert (a.pfs, a.mtu_bytes) == (True, 1300)
    assert (b.pfs, b.mtu_bytes) == (True, 1280)


WRONG: Final = {
    "an unknown section": ("[brokr]", "brokr: got an unknown key, wanted one of "),
    "an unknown key": (
        "broker.hots = 'x'",
        "broker.hots: got an unknown key, wanted one of host, port, username",
    ),
    "a wrong type": ("broker.port = '1883'", "broker.port: got '1883', wanted int"),
    "a number where a list belongs": (
        "exit.probe_targets = 1",
        "exit.probe_targets: got 1, wanted array",
    ),
    "a section that is none": ("broker = 1", "broker: got 1, wanted object"),
    "a bad CIDR": (
        "network.bridge = '172.20.0.0/33'",
        "network.bridge: got '172.20.0.0/33', wanted an IPv4 network such as",
    ),
    "host bits in a CIDR": (
        "network.clients = '10.13.13.1/24'",
        "network.clients: got '10.13.13.1/24', wanted an IPv4 network such as",
    ),
    "a bad address in a list": (
        "exit.probe_targets = ['1.1.1.1', 'quad9']",
        "exit.probe_targets[1]: got 'quad9', wanted an IPv4 address such as",
    ),
    "a choice that is none": (
        "coordinator.when_none = 'open'",
        "coordinator.when_none: got 'open', wanted one of hold, close",
    ),
    "a preset that is none": (
        "exit.presets = ['modren']",
        "exit.presets[0]: got 'modren', wanted one of modern, compat, legacy, ancient",
    ),
    "no preset at all": ("exit.presets = []", "exit.presets: got (), wanted one or"),
    "an empty host": ("broker.host = ''", "broker.host: got '', wanted a name"),
    "a host that is none": (
        "broker.host = 'tcp://broker'",
        "broker.host: got 'tcp://broker', wanted a name, an address",
    ),
    "a port out of range": (
        "broker.port = 70000",
        "broker.port: got 70000, wanted 1..",
    ),
    "a wildcard in the base": ("broker.base = 'a/#'", "broker.base: got 'a/#', wanted"),
    "an entry outside the bridge": (
        "network.entry = '10.0.0.1'",
        "network.entry: got '10.0.0.1', wanted a host's address in network.bridge",
    ),
    "clients inside the bridge": (
        "network.clients = '172.20.9.0/24'",
        "network.clients: got '172.20.9.0/24', wanted a network apart from",
    ),
    "no target": ("entry.probe_targets = []", "entry.probe_targets: got (), wanted"),
    "a target that both decides and does not": (
        "entry.probe_advisory = ['1.1.1.1']",
        "entry.probe_advisory: got (",
    ),
    "a quorum of more than there are": (
        "entry.probe_quorum = 3",
        "entry.probe_quorum: got 3, wanted 1..2, as there are targets",
    ),
    "a share of more than all": (
        "entry.degraded_loss = 1.5",
        "entry.degraded_loss: got 1.5, wanted a share above 0, up to 1",
    ),
    "an endless round trip": (
        "entry.degraded_rtt_ms = inf",
        "entry.degraded_rtt_ms: got inf, wanted a positive number of milliseconds",
    ),
    "a negative time": (
        "exit.probe_interval_s = -1.0",
        "exit.probe_interval_s: got -1.0, wanted a positive number of seconds",
    ),
    "an endless time": (
        "coordinator.stale_s = inf",
        "coordinator.stale_s: got inf, wanted a positive number of seconds",
    ),
    "a silence shorter than two heartbeats": (
        "coordinator.stale_s = 9.9",
        "coordinator.stale_s: got 9.9, wanted at least two heartbeats (10 s)",
    ),
    "a time that is no number": (
        "entry.handshake_timeout_s = nan",
        "entry.handshake_timeout_s: got nan, wanted a positive number of seconds",
    ),
    "a back-off upside down": (
        "exit.backoff_max_s = 0.5",
        "exit.backoff_max_s: got 0.5, wanted at least backoff_min_s (1.0)",
    ),
    "an MTU for nobody": ("exit.mtu_bytes = 9000", "exit.mtu_bytes: got 9000, wanted"),
    "no misses": (
        "exit.probe_misses = 0",
        "exit.probe_misses: got 0, wanted 1 or more",
    ),
    "an exit twice": (
        "coordinator.exits = ['exit-a', 'exit-a']",
        "coordinator.exits: got ('exit-a', 'exit-a'), wanted each exit once",
    ),
    "an exit's bad name": (
        "coordinator.exits = ['Exit A']",
        "coordinator.exits: got 'Exit A', wanted names of [a-z0-9-]",
    ),
    "a service by name": (
        "entry.public_address_url = 'https://example.org/ip'",
        "entry.public_address_url: got 'https://example.org/ip', wanted http(s)://",
    ),
    "a service inside the chain": (
        "entry.public_address_url = 'http://172.20.0.1/'",
        "entry.public_address_url: got 'http://172.20.0.1/', wanted http(s)://",
    ),
    "a port that no service has": (
        "entry.public_address_url = 'http://192.0.2.1:65536/'",
        "entry.public_address_url: got 'http://192.0.2.1:65536/', wanted http(s)://",
    ),
    "a port that nobody listens at": (
        "entry.endpoint = 'vpn.example.net:99999'",
        "entry.endpoint: got 'vpn.example.net:99999', wanted a name or address",
    ),
    "a target on this very host": (
        "entry.probe_targets = ['127.0.0.1']",
        "entry.probe_targets: got ('127.0.0.1',), wanted hosts outside",
    ),
    "a target on the bridge": (
        "entry.probe_targets = ['172.20.0.3']",
        "entry.probe_targets: got ('172.20.0.3',), wanted hosts outside",
    ),
    "a target that is nobody": (
        "exit.probe_targets = ['0.0.0.0']",
        "exit.probe_targets: got ('0.0.0.0',), wanted hosts outside",
    ),
    "an entry that is the whole network": (
        "network.entry = '172.20.0.0'",
        "network.entry: got '172.20.0.0', wanted a host's address in",
    ),
    "a bridge within this host": (
        "network.bridge = '127.0.0.0/8'\nnetwork.entry = '127.0.0.2'",
        "network.bridge: got '127.0.0.0/8', wanted a network of hosts",
    ),
    "a cipher without keys": (
        "exit.mppe = true\nexit.ppp_methods = ['pap']",
        "exit.ppp_methods: got ('pap',), wanted mschapv2 among them",
    ),
    "a home that nobody looks for": (
        "entry.home_networks = ['203.0.113.7/32']",
        "entry.home_networks: got (",
    ),
    "clients on request, but nobody knows where to": (
        "entry.peers_by_request = true",
        "entry.endpoint: got '', wanted where clients reach the entry",
    ),
    "a URL in place of a name": (
        "dashboard.hosts = ['vpn.example.net', 'https://vpn.example.net/']",
        "dashboard.hosts: got 'https://vpn.example.net/', wanted names such as",
    ),
    "a name with a port": (
        "metrics.hosts = ['vpn.example.net:9273']",
        "metrics.hosts: got 'vpn.example.net:9273', wanted names such as",
    ),
    "an empty path": ("entry.run_dir = ''", "entry.run_dir: got '.', wanted a path"),
    "an unknown key of one exit": (
        "exits.exit-b.mtu = 1",
        "exits.exit-b.mtu: got an unknown key, wanted one of secrets",
    ),
    "a bad value of one exit": (
        "exits.exit-b.mtu_bytes = 1",
        "exits.exit-b.mtu_bytes: got 1, wanted 576..1500",
    ),
    "one exit's bad name": (
        "exits.'exit b'.mppe = true",
        "exits.exit b: got exit b, wanted a name of [a-z0-9-]",
    ),
    "exits that are no sections": ("exits = 1", "exits: got 1, wanted object"),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_said_in_one_line(text: str, line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        checked(text)
    said = str(caught.value)
    assert said.startswith(f"chain.toml: {line}")
    assert "\n" not in said


GIVEN: Final = {
    "VPNCHAIN_BROKER_HOST": ("10.0.0.9", "broker", "host", "10.0.0.9"),
    "VPNCHAIN_BROKER_PORT": ("1884", "broker", "port", 1884),
    "VPNCHAIN_COORDINATOR_EXITS": ("b, a", "coordinator", "exits", ("b", "a")),
    "VPNCHAIN_COORDINATOR_SETTLE_S": ("2", "coordinator", "settle_s", 2.0),
    "VPNCHAIN_COORDINATOR_WHEN_NONE": ("close", "coordinator", "when_none", "close"),
    "VPNCHAIN_ENTRY_SHOW_KEYS": ("true", "entry", "show_keys", True),
    "VPNCHAIN_EXIT_SECRETS": ("/s", "exit", "secrets", Path("/s")),
    "VPNCHAIN_EXIT_PPP_METHODS": ("pap", "exit", "ppp_methods", ("pap",)),
    "VPNCHAIN_NETWORK_CLIENTS": (
        "10.9.0.0/24",
        "network",
        "clients",
        IPv4Network("10.9.0.0/24"),
    ),
}


@pytest.mark.parametrize("variable", GIVEN)
def test_a_variable_is_read_as_its_key(variable: str) -> None:
    text, section, key, value = GIVEN[variable]
    settings = checked("", **{variable: text})
    assert getattr(getattr(settings, section), key) == value


def test_a_variable_wins_over_the_file_and_over_one_exit() -> None:
    text = "exit.mtu_bytes = 1300\nexits.exit-a.mtu_bytes = 1280"
    settings = checked(text, exit_name="exit-a", VPNCHAIN_EXIT_MTU_BYTES="1200")
    assert settings.exit.mtu_bytes == 1200


def test_a_variable_heals_what_the_file_says_wrong() -> None:
    settings = checked("broker.port = 0", VPNCHAIN_BROKER_PORT="1883")
    assert settings.broker.port == 1883


WRONGLY_GIVEN: Final = {
    "VPNCHAIN_BROKER_PORT": ("http", "got 'http', wanted int"),
    "VPNCHAIN_EXIT_PFS": ("yes", "got 'yes', wanted bool"),
    "VPNCHAIN_EXIT_MTU_BYTES": ("1", "got 1, wanted 576..1500"),
    "VPNCHAIN_NETWORK_ENTRY": ("::1", "got '::1', wanted an IPv4 address such as"),
    "VPNCHAIN_BROKER_HOTS": ("x", "got an unknown key, wanted VPNCHAIN_BROKER_HOST"),
    "VPNCHAIN_COLOUR": ("x", "got an unknown key, wanted VPNCHAIN_"),
}


@pytest.mark.parametrize("variable", WRONGLY_GIVEN)
def test_a_variable_that_does_not_fit_is_named(variable: str) -> None:
    text, said = WRONGLY_GIVEN[variable]
    with pytest.raises(SettingsError) as caught:
        checked("", **{variable: text})
    assert str(caught.value).startswith(f"environment: {variable}: {said}")


def test_variables_that_are_no_settings_are_let_be() -> None:
    others = {"VPNCHAIN_NAME": "x", "VPNCHAIN_LAB_KERNEL": "y", "HOME": "/"}
    assert checked("", **others) == Settings()


# --- files ----------------------------------------------------------------------------


def test_a_variable_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text("broker.port = 9")
    assert load(None, {"VPNCHAIN_SETTINGS": str(file)}).broker.port == 9


def test_a_file_as_some_editors_write_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_bytes(b"\xef\xbb\xbf[broker]\r\nport = 9\r\n")
    assert load(file, {}).broker.port == 9


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "got no such file or directory, wanted a readable file"),
        (b"[broker", "got Expected "),
        (b"\xff\xfe", "got other bytes, wanted UTF-8 text"),
        (b"#" * 1_000_001, "got a huge file, wanted a small one"),
    ],
    ids=["missing", "no TOML", "no text", "huge"],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, raw: bytes | None, said: str
) -> None:
    file = tmp_path / "chain.toml"
    if raw is not None:
        file.write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    assert str(caught.value).startswith(f"{file}: file: {said}")
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="got is a directory"):
        load(tmp_path, {})


# --- secrets --------------------------------------------------------------------------


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name, text in SECRET_FILES.items():
        (tmp_path / name).write_bytes(text.encode())
    return tmp_path


def test_secrets_are_read_without_their_line_end(secrets: Path) -> None:
    read = read_exit_secrets(secrets)
    assert read.server == "vpn.example.net"
    assert read.psk.reveal() == "correct horse"
    assert read.username.reveal() == "tester"
    assert read.password.reveal() == "battery staple"


def test_the_examples_of_the_secrets_fit(tmp_path: Path) -> None:
    for name in SECRET_FILES:
        example = ROOT / "secrets" / f"{name}.txt.example"
        (tmp_path / name).write_text(example.read_text())
    assert read_exit_secrets(tmp_path).server


@pytest.mark.parametrize("name", SECRET_FILES)
def test_a_missing_secret_is_named(secrets: Path, name: str) -> None:
    (secrets / name).unlink()
    with pytest.raises(SettingsError) as caught:
        read_exit_secrets(secrets)
    said = f"{secrets / name}: {name}: got no such file or directory, wanted"
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("text", ["", "\n", "\r\n", "  \n"])
@pytest.mark.parametrize("name", SECRET_FILES)
def test_an_empty_secret_is_none(secrets: Path, name: str, text: str) -> None:
    (secrets / name).write_text(text, newline="")
    with pytest.raises(SettingsError, match=f"{name}: got nothing, wanted one line"):
        read_exit_secrets(secrets)


@pytest.mark.parametrize(
    ("raw", "got"),
    [
        (b"hush\nhush\n", "a control character"),
        (b"hush\x00hush", "a control character"),
        (b"hush\xff", "other bytes"),
    ],
)
def test_a_secret_that_does_not_fit_is_not_shown(
    secrets: Path, raw: bytes, got: str
) -> None:
    (secrets / "vpn_password").write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        read_exit_secrets(secrets)
    said = "".join(traceback.format_exception(caught.value))
    assert f"vpn_password: got {got}" in said
    assert "hush" not in said


@pytest.mark.parametrize("text", ["203.0.113.2", "vpn.example.net", "A-1.xn--p1ai"])
def test_a_server_is_a_name_with_a_dot_or_an_address(secrets: Path, text: str) -> None:
    (secrets / "vpn_server_ip").write_text(text)
    assert read_exit_secrets(secrets).server == text


@pytest.mark.parametrize(
    "text",
    [
        *("s3cr3t!PSK with spaces", "plainpskwithoutdot", "https://vpn.example.net"),
        *("203.0.113.2.", "203.0.113", "-psk.example", "a" * 64 + ".example"),
        *("vpn..example", "psk_.example", "2001:db8::1", "vpn.example.net "),
    ],
)
def test_another_text_in_place_of_the_server_is_refused_and_not_shown(
    secrets: Path, text: str
) -> None:
    (secrets / "vpn_server_ip").write_text(text)
    with pytest.raises(
        SettingsError, match="wanted a name with a dot, or an"
    ) as caught:
        read_exit_secrets(secrets)
    assert text not in "".join(traceback.format_exception(caught.value))


def test_a_secret_shows_in_no_text() -> None:
    secret = Secret("hush-hush")
    for text in (str(secret), repr(secret), f"{secret}", repr([secret]), f"{secret!r}"):
        assert "hush" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_secrets_are_equal_by_what_they_hide() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


# --- the broker -----------------------------------------------------------------------


def test_an_agent_is_known_to_the_broker_by_its_name() -> None:
    broker = broker_of(BrokerSettings(), "exit-a")
    assert (broker.username, broker.password, broker.tls_ca) == ("exit-a", None, None)


def test_the_broker_password_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hush-hush\n")
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    settings = BrokerSettings(
        username="chain", password_file=str(file), tls_ca=str(authority)
    )
    broker = broker_of(settings, "exit-a")
    assert broker.username == "chain"
    assert broker.password == Secret("hush-hush")
    assert broker.tls_ca == authority
    assert "hush" not in repr(broker)


def test_a_missing_authority_is_named() -> None:
    with pytest.raises(SettingsError, match="/no/ca: tls_ca: got no such file"):
        broker_of(BrokerSettings(tls_ca="/no/ca"), "exit-a")
