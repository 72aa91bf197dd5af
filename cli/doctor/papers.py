"""What the chain is told: settings, wg0.conf, the secrets of every exit."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from agents.entry.wgconf import USUAL_MTU_BYTES, USUAL_PORT, WgConf, parse
from agents.settings import is_server, load, read_secret
from agents.settings_model import ExitSettings, Settings, SettingsError
from agents.small_file import read_text
from cli.chainfiles import OF_AN_EXIT, exit_secret
from cli.doctor.finding import Finding, ok, warning, wrong

SERVER: Final = OF_AN_EXIT[0]
# What the examples in secrets/ say.
EXAMPLES: Final = frozenset(
    {
        *("vpn.example.net", "the provider's pre-shared key"),
        *("your-username", "your-password"),
    }
)
OTHERS_MAY: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Exit:
    """An exit of the settings: how it is set, where its secrets are."""

    name: str
    settings: ExitSettings
    files: Mapping[str, Path]


def exits_of(
    folder: Path, settings_file: Path | None, env: Mapping[str, str]
) -> tuple[Exit, ...]:
    """Every exit of the settings.

    Its secrets are where compose.yaml has them, or where the agent reads them if this
    is no folder of a chain.

    Raises:
        SettingsError: The settings do not fit.
    """
    names = load(settings_file, env).coordinator.exits
    composed = (folder / "secrets").is_dir()
    found = []
    for name in names:
        one = load(settings_file, env, exit_name=name).exit
        files = {
            key: folder / exit_secret(name, key) if composed else one.secrets / key
            for key in OF_AN_EXIT
        }
        found.append(Exit(name, one, files))
    return tuple(found)


def checks(settings: Settings, exits: tuple[Exit, ...]) -> Iterator[Finding]:
    """wg0.conf first, then each exit's secrets."""
    yield from of_wg_conf(settings.entry.wg_conf, settings.network.clients, exits)
    for one in exits:
        yield of_secrets(one)


def wg_conf(path: Path, clients: IPv4Network) -> WgConf:
    """The entry's configuration.

    Raises:
        SettingsError: It is not there, or wrong.
    """
    return parse(read_text(path, "file"), str(path), clients)


def listen_port(settings: Settings) -> int:
    """WireGuard's port, the usual one if wg0.conf cannot be read."""
    try:
        return wg_conf(settings.entry.wg_conf, settings.network.clients).listen_port
    except SettingsError:
        return USUAL_PORT


def of_wg_conf(
    path: Path, clients: IPv4Network, exits: tuple[Exit, ...]
) -> Iterator[Finding]:
    """Whether the entry can start with it, and whose packets will fit."""
    try:
        conf = wg_conf(path, clients)
    except SettingsError as error:
        yield wrong("wg0.conf", str(error), "vpnchain init makes one")
        return
    if path.stat().st_mode & OTHERS_MAY:
        yield wrong(
            "wg0.conf", "others than its owner may read it", f"chmod 600 {path}"
        )
    else:
        yield ok("wg0.conf", f"{len(conf.peers)} peers, port {conf.listen_port}")
    mtu_bytes = conf.mtu_bytes or USUAL_MTU_BYTES
    for one in exits:
        if one.settings.mtu_bytes < mtu_bytes:
            what = f"clients send {mtu_bytes}, {one.name} carries "
            what += f"{one.settings.mtu_bytes}"
            todo = f"MTU = {one.settings.mtu_bytes} in wg0.conf and at the clients"
            yield warning("wg0 mtu", what, todo)


def of_secrets(one: Exit) -> Finding:
    """Whether the four are there, readable, real, and for the exit alone."""
    check = f"{one.name} secrets"
    for key, path in one.files.items():
        try:
            secret = read_secret(path).reveal()
        except SettingsError as error:
            return wrong(check, str(error), "vpnchain init asks for it")
        if secret in EXAMPLES:
            return wrong(check, f"{path} is still the example", "write the real one")
        if key == SERVER and not is_server(secret):
            wanted = "a name with a dot, or an IPv4 address"
            return wrong(check, f"{path} holds no server", f"write {wanted}")
        about = path.stat()
        if about.st_mode & OTHERS_MAY:
            what = f"others than its owner may read {path}"
            return wrong(check, what, f"chmod 600 {path}")
        if os.geteuid() == 0 and about.st_uid != 0:
            what = f"{path} is not root's, so an exit without DAC_OVERRIDE cannot read"
            return warning(check, what, f"chown root: {path}")
    return ok(check, f"all {len(one.files)} are there")


def server_of(one: Exit) -> str | None:
    """The server's name or address; None: it is not told."""
    try:
        name = read_secret(one.files[SERVER]).reveal()
    except SettingsError:
        return None
    return name if is_server(name) else None
