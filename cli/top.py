"""`vpnchain top`: the chain, live, with the last minutes drawn."""

import asyncio
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bus.interface import Heard, Received, Subscription
from bus.link import open_link
from bus.messages.exits import Stage
from bus.topics import TOPICS
from bus.wire import Broker
from cli.gauges import Gauge, Gauges, record_of, spark
from cli.line import text_of
from cli.listen import EVENTS, own_name, reached
from cli.look import until_interrupted
from cli.options import (
    DONE,
    MISUSED,
    broker_from,
    console,
    fail,
    of_the_bus,
    one_line_of_failure,
    tell,
    unreached,
)
from cli.render import line_of
from cli.snapshot import Snapshot
from cli.tables import HEALTH, headline
from cli.words import ago, milliseconds, percent, rate

REFRESH_S: Final = 1.0
LINES: Final = 10  # of events
PLOT_WIDTH: Final = 60
FIXED_WIDTH: Final = 30  # what is left of a line beside a plot


@dataclass(slots=True)
class Picture:
    """All that is shown."""

    present: Snapshot = field(default_factory=Snapshot)
    gauges: Gauges = field(default_factory=Gauges)
    lines: deque[Text] = field(default_factory=lambda: deque(maxlen=LINES))

    def hear(self, heard: Heard, now: float) -> None:
        """Takes in what was heard."""
        self.present.hear(heard)
        self.gauges.hear(heard)
        if isinstance(heard, Received) and heard.topic in EVENTS:
            self.lines.append(text_of(line_of(heard), now))

    def drawn(self, now: float, width: int) -> RenderableType:
        """It, for a terminal of this width."""
        plots = max(8, min(PLOT_WIDTH, width - FIXED_WIDTH))
        parts: list[RenderableType] = [headline(self.present, now), Text()]
        parts += [self._exit(name, now, plots) for name in self.present.ranked]
        events = [Text("events", "bold"), *self.lines] if self.lines else []
        return Group(*parts, *events)

    def _exit(self, name: str, now: float, plots: int) -> RenderableType:
        gauge = self.gauges.of.get(name, Gauge())
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=10)
        table.add_column(width=14)
        table.add_column()
        for label, value, plot in _rows(gauge, plots):
            table.add_row(Text(label, "dim"), value, Text(plot, "cyan"))
        return Group(self._title(name, now), table, Text())

    def _title(self, name: str, now: float) -> Text:
        said, path = self.present.exits.get(name), self.present.path(name)
        mark = "* " if name in self.present.active else "  "
        title = Text(f"{mark}{name}  ", "bold")
        stage = said.stage if said else "has said nothing yet"
        good = said is not None and said.stage is Stage.READY
        title.append(stage, "green" if good else "red")
        if said is not None:
            title.append(f" for {ago(said.since, now)}", "dim")
        if path is not None:
            title.append(f"  path {path.health}", HEALTH[path.health])
        if away := self.present.away(name):
            title.append(f"  {away}", "red")
        title.append("".join(f"  {wish}" for wish in self.present.wishes(name)), "cyan")
        return title


def _rows(gauge: Gauge, plots: int) -> Iterator[tuple[str, str, str]]:
    """Label, latest value, plot."""

    def last(samples: deque[float | None]) -> list[float | None]:
        return list(samples)[-plots:]

    if gauge.rtt_ms:
        rtt_ms, loss_ratio = gauge.rtt_ms[-1], gauge.loss_ratio[-1]
        yield "  rtt", milliseconds(rtt_ms), spark(last(gauge.rtt_ms))
        yield "  loss", percent(loss_ratio), spark(last(gauge.loss_ratio), most=1.0)
    if gauge.flow is not None:
        yield "  received", rate(gauge.flow.received), spark(last(gauge.received))
        yield "  sent", rate(gauge.flow.sent), spark(last(gauge.sent))


@click.command()
@of_the_bus
def top(
    settings: Path | None, host: str | None, port: int | None, *, as_json: bool
) -> None:
    """Show the chain live, with round trip, loss and traffic of the last minutes.

    Until Ctrl-C. With --json a line a second instead, of what was sampled last.
    """
    one_line_of_failure()
    broker, out = broker_from(settings, host, port), console()
    if not as_json and not out.is_terminal:
        fail("top needs a terminal; --json is for programs", MISUSED)
    if not until_interrupted(_shown(broker, out, as_json=as_json)):
        unreached(broker)
    sys.exit(DONE)


async def _shown(broker: Broker, out: Console, *, as_json: bool) -> bool:
    """Shows what is heard, without end; False: the broker was not reached."""
    wanted = [Subscription(topic) for topic in TOPICS]
    picture = Picture()
    async with open_link(own_name(), "", broker, wanted) as bus:
        if not await reached(bus):
            return False
        if as_json:
            async for _ in _ticks(aiter(bus), picture):
                tell({"at": time.time(), "exits": record_of(picture.gauges)})
            return True
        with Live(console=out, screen=True, auto_refresh=False) as live:
            async for _ in _ticks(aiter(bus), picture):
                live.update(picture.drawn(time.time(), out.width), refresh=True)
    return True


async def _ticks(heard: AsyncIterator[Heard], picture: Picture) -> AsyncIterator[None]:
    """A beat every `REFRESH_S`, with all that was heard until then in the picture."""
    loop = asyncio.get_running_loop()
    next_s = loop.time() + REFRESH_S / 4  # what is retained comes at once
    while True:
        try:
            async with asyncio.timeout_at(next_s):
                picture.hear(await anext(heard), time.time())
        except TimeoutError:
            yield
            next_s = loop.time() + REFRESH_S
