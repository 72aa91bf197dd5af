"""`vpnchain peer`: WireGuard's clients, added and removed in wg0.conf.

The entry takes up a changed file by itself, without disturbing other peers.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Self

import click
from rich.table import Table
from rich.text import Text

from agents import files
from agents.entry.admission import endpoint_of
from agents.entry.peerfile import (
    NewPeer,
    PeerError,
    added,
    check_address,
    check_key,
    check_name,
    next_free,
    own_address,
    removed,
)
from agents.entry.wgconf import USUAL_MTU_BYTES, PeerConf, WgConf, parse
from agents.settings_checks import ENDPOINT
from agents.settings_model import Settings, SettingsError
from agents.small_file import read_text
from cli import qr
from cli.clientconf import ClientConf
from cli.options import (
    MISUSED,
    NO,
    console,
    fail,
    json_option,
    settings_from,
    settings_option,
    tell,
)
from cli.wgkeys import new_pair, new_shared, public_of
from cli.words import plain


@dataclass(frozen=True, slots=True)
class WgFile:
    """wg0.conf as it is."""

    path: Path
    clients: IPv4Network
    text: str
    conf: WgConf

    @classmethod
    def read(cls, settings: Settings) -> Self:
        """The file that the settings name.

        Raises:
            SystemExit: It is not there, or wrong; one line says so.
        """
        path, clients = settings.entry.wg_conf, settings.network.clients
        try:
            text = read_text(path, "file")
            return cls(path, clients, text, parse(text, str(path), clients))
        except SettingsError as error:
            fail(str(error), MISUSED)

    @classmethod
    @contextmanager
    def held(cls, settings: Settings) -> Iterator[Self]:
        """The file, while nobody else who asks changes it.

        Raises:
            SystemExit: As with `read`.
        """
        folder = settings.entry.wg_conf.resolve().parent
        with ExitStack() as stack:
            try:
                stack.enter_context(files.locked(folder))
            except OSError as error:
                fail(f"reading {folder}: {(error.strerror or '').lower()}", MISUSED)
            yield cls.read(settings)

    def become(self, text: str) -> None:
        """The file has this text.

        Raises:
            SystemExit: It cannot be written.
        """
        try:
            files.replace(self.path, text.encode())
        except OSError as error:
            fail(f"writing {self.path}: {(error.strerror or '').lower()}", NO)


@click.group()
def peer() -> None:
    """Add, list and remove WireGuard's clients."""


@peer.command()
@click.argument("name")
@click.option(
    "--endpoint", help="How clients reach the entry; default: entry.endpoint."
)
@click.option("--address", type=IPv4Address, help="Default: the next that is free.")
@click.option("--public-key", help="Of a client that keeps its private key to itself.")
@click.option("--preshared/--no-preshared", default=True, help="A shared key as well.")
@click.option("--dns", type=IPv4Address, help="Default: wg0's address.")
@click.option("--qr", "as_qr", is_flag=True, help="As a QR code for a phone's camera.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="To a new file instead: text, or a QR code if it ends in .png or .svg.",
)
@json_option
@settings_option
def add(name: str, settings: Path | None, *, as_json: bool, **options: Any) -> None:
    """Add a client called NAME, and print its configuration.

    It holds the client's private key, which is kept nowhere else.
    """
    wanted = Wanted(name, **options)
    loaded = settings_from(settings)
    with WgFile.held(loaded) as file:
        try:
            added_peer = _added(file, wanted, loaded.entry.endpoint)
        except PeerError as error:
            fail(str(error), NO)
        config = added_peer.client.text()
        if wanted.out is not None:
            _hand_out(wanted.out, config)
        file.become(added(file.text, added_peer.entry))
    if as_json:
        tell(added_peer.record(wanted.out))
    elif wanted.as_qr:
        console().print(Text(qr.blocks(config), "white on black"), soft_wrap=True)
    elif wanted.out is None:
        click.echo(config, nl=False)


@peer.command(name="list")
@json_option
@settings_option
def list_(settings: Path | None, *, as_json: bool) -> None:
    """List the clients of wg0.conf."""
    conf = WgFile.read(settings_from(settings)).conf
    if as_json:
        tell([_record(one) for one in conf.peers])
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("peer", "id", "addresses", "public key"):
        table.add_column(column, overflow="fold")
    for one in conf.peers:
        addresses = ", ".join(one.allowed_ips)
        table.add_row(Text(plain(one.name)), one.id, addresses, one.public_key)
    console().print(table)


@peer.command()
@click.argument("name")
@json_option
@settings_option
def remove(name: str, settings: Path | None, *, as_json: bool) -> None:
    """Remove the client of this NAME, or id: the entry knows it no more."""
    loaded = settings_from(settings)
    with WgFile.held(loaded) as file:
        places = [
            place
            for place, one in enumerate(file.conf.peers)
            if name in (one.name, one.id)
        ]
        if len(places) != 1:
            found = "there is none" if not places else "there are several: give the id"
            fail(f"removing the peer {plain(name)}: {found}", NO)
        gone = file.conf.peers[places[0]]
        file.become(removed(file.text, places[0]))
    if as_json:
        tell(_record(gone))
    else:
        click.echo(f"{plain(gone.name)} is removed")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line; None: not said."""

    name: str
    endpoint: str | None
    address: IPv4Address | None
    public_key: str | None
    preshared: bool
    dns: IPv4Address | None
    as_qr: bool
    out: Path | None


@dataclass(frozen=True, slots=True)
class Added:
    """A new peer from both sides."""

    id: str
    entry: NewPeer
    client: ClientConf

    def record(self, out: Path | None) -> dict[str, Any]:
        """For programs; with secrets only where they are in no file, `out`."""
        return {
            "id": self.id,
            "name": self.entry.name,
            "address": str(self.entry.address),
            "public_key": self.entry.public_key,
            **({"config": self.client.text()} if out is None else {"file": str(out)}),
        }


def _added(file: WgFile, wanted: Wanted, usual_endpoint: str) -> Added:
    """The new peer, checked.

    Raises:
        PeerError: It cannot be added.
    """
    conf = file.conf
    id_ = check_name(wanted.name, conf)
    endpoint = wanted.endpoint or usual_endpoint
    if not ENDPOINT.fullmatch(endpoint):
        raise PeerError(
            "adding a peer: --endpoint says how it reaches us, as host:port"
        )
    address = wanted.address or next_free(conf, file.clients)
    check_address(address, conf, file.clients)
    pair = None if wanted.public_key else new_pair()
    public_key = pair.public if pair else str(wanted.public_key)
    entry_key = public_of(conf.private_key)
    check_key(public_key, conf, entry_key)
    shared = new_shared() if wanted.preshared else None
    client = ClientConf(
        private=pair.private if pair else None,
        address=address,
        dns=wanted.dns or own_address(conf),
        mtu_bytes=conf.mtu_bytes or USUAL_MTU_BYTES,
        entry_key=entry_key,
        shared=shared,
        endpoint=endpoint_of(endpoint, conf.listen_port),
    )
    return Added(id_, NewPeer(wanted.name, public_key, address, shared), client)


def _hand_out(path: Path, config: str) -> None:
    """Writes the client's file, which was not there before."""
    suffix = path.suffix.lower()
    data = qr.image(config, suffix) if suffix in qr.IMAGES else config.encode()
    try:
        files.create(path, data)
    except OSError as error:
        fail(f"writing {path}: {(error.strerror or '').lower()}", NO)


def _record(one: PeerConf) -> dict[str, Any]:
    addresses = list(one.allowed_ips)
    named = {"id": one.id, "name": one.name}
    return {**named, "addresses": addresses, "public_key": one.public_key}
