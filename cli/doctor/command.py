"""`vpnchain doctor`: all checks, a line each."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from agents.settings_model import Settings, SettingsError
from bus.wire import Broker
from cli.doctor import capability, clock, kernel, papers, ports
from cli.doctor.broker import of_rights, tried
from cli.doctor.finding import Finding, State, wrong
from cli.doctor.papers import Exit, exits_of, server_of
from cli.doctor.servers import Server, look, of_pairs, seen_from
from cli.listen import present
from cli.options import (
    DONE,
    MISUSED,
    NO,
    broker_at,
    console,
    fail,
    of_the_bus,
    one_line_of_failure,
    settings_from,
    tell,
)
from cli.words import plain

LOOKS: Final = {
    State.OK: ("ok", "green"),
    State.WARNING: ("warning", "yellow"),
    State.WRONG: ("wrong", "bold red"),
    State.UNKNOWN: ("?", "dim"),
}
STATE_WIDTH: Final = 9
CHECK_WIDTH: Final = 20


@click.command()
@click.option("--folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@of_the_bus
def doctor(
    folder: Path,
    settings: Path | None,
    host: str | None,
    port: int | None,
    *,
    as_json: bool,
) -> None:
    """Look for what may keep the chain from working here, and say what to do.

    Ends with 1 if something is wrong. Where the chain runs in containers, kernel and
    files are looked at from the host, as root.
    """
    one_line_of_failure()
    loaded = settings_from(settings)
    try:
        exits = exits_of(folder, settings, os.environ)
    except SettingsError as error:
        fail(str(error), MISUSED)
    findings = list(_local(loaded, exits))
    findings += asyncio.run(_servers(loaded, exits))
    try:
        broker = broker_at(loaded, host, port)
    except SettingsError as error:
        findings.append(wrong("broker", str(error), "vpnchain init makes it"))
    else:
        findings += asyncio.run(_broker(broker))
    if as_json:
        tell({"ok": _well(findings), "findings": findings})
    else:
        _show(findings)
    sys.exit(DONE if _well(findings) else NO)


def _local(settings: Settings, exits: tuple[Exit, ...]) -> Iterator[Finding]:
    """What this machine alone knows."""
    yield from kernel.checks()
    yield from capability.checks()
    port = papers.listen_port(settings)
    yield from ports.checks(port, contained=kernel.is_contained())
    yield from papers.checks(settings, exits)
    yield clock.of_kernel(clock.kernel_state())


async def _servers(settings: Settings, exits: tuple[Exit, ...]) -> list[Finding]:
    """What the providers' servers say; all of them are asked side by side."""
    servers: list[Server] = []

    async def visit(one: Exit, name: str) -> None:
        servers.append(await look(one.name, name, one.settings.presets))

    async with asyncio.TaskGroup() as tasks:
        for one in exits:
            if (name := server_of(one)) is not None:
                tasks.create_task(visit(one, name), name=one.name)
    order = [one.name for one in exits]
    servers.sort(key=lambda server: order.index(server.exit))
    set_up = {one.name: one.settings for one in exits}
    contained = kernel.is_contained()
    findings: list[Finding] = []
    for server in servers:
        mtu_bytes = set_up[server.exit].mtu_bytes
        network = settings.network
        findings += seen_from(server, network, mtu_bytes, contained=contained)
    return [*findings, *of_pairs(servers)]  # their addresses are the same everywhere


async def _broker(broker: Broker) -> list[Finding]:
    """What the broker lets us do, and what it says of the agents' clocks."""
    rights = await tried(broker)
    findings = list(of_rights(rights, broker))
    if rights.reached and (now := await present(broker)) is not None:
        findings.append(clock.of_agents(now, time.time()))
    return findings


def _well(findings: Sequence[Finding]) -> bool:
    return all(one.state is not State.WRONG for one in findings)


def _show(findings: Sequence[Finding]) -> None:
    out = console()
    for one in findings:
        word, style = LOOKS[one.state]
        line = Text(f"{word:<{STATE_WIDTH}}", style)
        line.append(f"{one.check:<{CHECK_WIDTH}} ", "bold")
        line.append(plain(one.what), "default")
        out.print(line, soft_wrap=True)
        if one.todo:
            indent = " " * (STATE_WIDTH + CHECK_WIDTH + 1)
            out.print(Text(f"{indent}-> {plain(one.todo)}"), soft_wrap=True)
    count = Counter(one.state for one in findings)
    told = (f"{count[state]} {LOOKS[state][0]}" for state in State if count[state])
    out.print(Text(", ".join(told), "bold"))
