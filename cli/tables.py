"""The present of the chain as tables for a person. Pure."""

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bus.messages.exits import Stage
from bus.messages.orders import Gate
from bus.messages.paths import Health
from cli.snapshot import Snapshot
from cli.words import ago, milliseconds, percent, plain, size

HEALTH: Final = {
    Health.UNKNOWN: "dim",
    Health.UP: "green",
    Health.DEGRADED: "yellow",
    Health.DOWN: "red",
}


def tables(present: Snapshot, now: float) -> Iterator[RenderableType]:
    """What becomes of clients, exits, entries, peers; `now`: Unix seconds."""
    yield headline(present, now)
    yield exits(present, now)
    if any(path.advisory_ms for path in present.paths.values()):
        yield advisory(present)
    if present.entries:
        yield entries(present, now)
    if present.peers:
        yield peers(present, now)


def headline(present: Snapshot, now: float) -> Text:
    """Where the clients' traffic goes, by which order and mode, and since when."""
    text = _verdict(present)
    if present.mode is not None:
        mode = present.mode
        text.append(f"  mode {plain(f'{mode.choice} {mode.exit}'.strip())}", "cyan")
    order = present.order
    if order is not None:
        text.append(f"  order {order.epoch}, {ago(order.at, now)} old", "dim")
        text.append(f"  {plain(order.reason)}", "dim")
    away = present.away("coordinator")
    if away:
        text.append(f"  the coordinator is {away}", "red")
    return text


def _verdict(present: Snapshot) -> Text:
    if present.carries:
        through = ", ".join(sorted(present.active))
        return Text(plain(f"clients leave through {through}"), "bold green")
    if present.held:
        why = "; ".join(dict.fromkeys(present.held.values()))
        return Text(plain(f"clients do not get out: {why}"), "bold red")
    if present.order is None:
        return Text("gate closed: nothing has been ordered yet", "yellow")
    return Text("clients do not get out: no entry is there", "bold red")


def exits(present: Snapshot, now: float) -> Table:
    """The exits, those that carry clients marked, best first."""
    table = _table(
        *("exit", "stage", "path", "rtt", "loss", "since", "age", "mode", "cause")
    )
    for name in present.ranked:
        mark = f"{'*' if name in present.active else ' '} {name}"
        table.add_row(mark, *_exit(present, name, now))
    return table


def _exit(present: Snapshot, name: str, now: float) -> Iterator[Text]:
    """All cells after the name; round trip and loss are the path's if it is known."""
    said, away, path = present.exits.get(name), present.away(name), present.path(name)
    good = said is not None and said.stage is Stage.READY and not away
    measured = path or said
    yield Text(said.stage if said else "-", "green" if good else "red")
    yield Text(path.health, HEALTH[path.health]) if path else Text("-")
    yield Text(milliseconds(measured.rtt_ms if measured else None))
    yield Text(percent(measured.loss_ratio if measured else None))
    yield Text(ago(said.since, now) if said else "-")
    yield Text(ago(said.at, now) if said else "-")
    yield Text(", ".join(present.wishes(name)) or "auto", "dim")
    silent = "" if said or away else "has said nothing yet"
    causes = (away, silent, said.cause if said else "", path.cause if path else "")
    yield _causes(*causes)


def advisory(present: Snapshot) -> Table:
    """Round trips through each exit to those that are asked too, but move nobody."""
    paths = {name: path for name in present.ranked if (path := present.path(name))}
    targets = sorted({target for path in paths.values() for target in path.advisory_ms})
    table = _table("advisory", *targets)
    for name, path in paths.items():
        table.add_row(name, *(milliseconds(path.advisory_ms.get(to)) for to in targets))
    return table


def entries(present: Snapshot, now: float) -> Table:
    """The entries: which order each obeys, and whether in full."""
    table = _table("entry", "gate", "through", "order", "wireguard", "age", "cause")
    for name, said in sorted(present.entries.items()):
        port = f" port {said.listen_port}" if said.listen_port else ""
        seen = f", seen as {said.public_address}" if said.public_address else ""
        table.add_row(
            name,
            Text(said.gate, "green" if said.gate is Gate.OPEN else "red"),
            Text(plain((said.active or "-") + seen)),
            str(said.epoch) if not said.walked else f"{said.epoch}, on its own",
            Text(plain(said.wireguard + port) or "-"),
            ago(said.at, now),
            _causes(present.away(name), said.leak, said.cause),
        )
    return table


def peers(present: Snapshot, now: float) -> Table:
    """WireGuard's peers."""
    table = _table("peer", "connected", "handshake", "received", "sent", "endpoint")
    for name, said in sorted(present.peers.items()):
        connected = Text("yes", "green") if said.connected else Text("no", "dim")
        table.add_row(
            Text(plain(said.name or name)),
            connected,
            ago(said.handshake_at or 0.0, now),
            size(said.received_bytes),
            size(said.sent_bytes),
            Text(plain(said.endpoint or "-")),
        )
    return table


def _causes(*causes: str) -> Text:
    return Text(plain("; ".join(cause for cause in causes if cause)))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(Text(plain(column)), overflow="fold")
    return table
