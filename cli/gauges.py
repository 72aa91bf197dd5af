"""What `top` remembers of every exit: the last samples, and how to draw them. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bus.interface import Heard, Received
from bus.messages.exits import ExitReport
from bus.messages.paths import Health, PathReport

SAMPLES: Final = 60  # a report comes every 5 s, so these are five minutes
MISSING: Final = "\u00d7"
_BARS: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes a second, out of ppp0 and into it."""

    received: float
    sent: float


def _ring() -> deque[float | None]:
    return deque(maxlen=SAMPLES)


@dataclass(slots=True)
class Gauge:
    """The last samples of one exit, oldest first; None: it did not answer."""

    rtt_ms: deque[float | None] = field(default_factory=_ring)
    loss_ratio: deque[float | None] = field(default_factory=_ring)
    received: deque[float | None] = field(default_factory=_ring)
    sent: deque[float | None] = field(default_factory=_ring)
    _counted: ExitReport | None = None

    @property
    def flow(self) -> Flow | None:
        """The latest; None: it is not known."""
        if not self.received or self.received[-1] is None or self.sent[-1] is None:
            return None
        return Flow(self.received[-1], self.sent[-1])

    def measured(self, said: PathReport) -> None:
        """Takes in what an entry measured."""
        down = said.health is Health.DOWN
        self.rtt_ms.append(None if down else said.rtt_ms)
        self.loss_ratio.append(1.0 if down else said.loss_ratio)

    def counted(self, said: ExitReport) -> None:
        """Takes in an exit's counters; the first ones only begin the count."""
        before, self._counted = self._counted, said
        if before is None or said.at <= before.at:
            return
        flow = flow_between(before, said)
        self.received.append(flow.received if flow else None)
        self.sent.append(flow.sent if flow else None)


def flow_between(before: ExitReport, after: ExitReport) -> Flow | None:
    """What flowed between two reports; None: not known, or ppp0 is another one."""
    counts = (
        *(before.received_bytes, after.received_bytes),
        *(before.sent_bytes, after.sent_bytes),
    )
    known = [count for count in counts if count is not None]
    elapsed_s = after.at - before.at
    if len(known) < len(counts) or elapsed_s <= 0:
        return None
    received, sent = known[1] - known[0], known[3] - known[2]
    if received < 0 or sent < 0:  # it was built anew, and counts from nothing
        return None
    return Flow(received / elapsed_s, sent / elapsed_s)


@dataclass(slots=True)
class Gauges:
    """Every exit's; keys: names."""

    of: dict[str, Gauge] = field(default_factory=dict)

    def hear(self, heard: Heard) -> None:
        """Takes in what was heard, if it is about an exit."""
        if not isinstance(heard, Received) or "exit" not in heard.levels:
            return
        gauge = self.of.setdefault(heard.levels["exit"], Gauge())
        if isinstance(heard.payload, PathReport):
            gauge.measured(heard.payload)
        elif isinstance(heard.payload, ExitReport):
            gauge.counted(heard.payload)


def spark(samples: Sequence[float | None], most: float | None = None) -> str:
    """The samples as bars; `most`: what fills one, by default the largest of them."""
    known = [one for one in samples if one is not None]
    top = most or max(known, default=0.0) or 1.0
    return "".join(_bar(one, top) for one in samples)


def record_of(gauges: Gauges) -> Mapping[str, Mapping[str, float | None]]:
    """The latest samples, for programs; keys: exits."""
    return {
        name: {
            "rtt_ms": gauge.rtt_ms[-1] if gauge.rtt_ms else None,
            "loss_ratio": gauge.loss_ratio[-1] if gauge.loss_ratio else None,
            "received_bytes_per_s": gauge.flow.received if gauge.flow else None,
            "sent_bytes_per_s": gauge.flow.sent if gauge.flow else None,
        }
        for name, gauge in sorted(gauges.of.items())
    }


def _bar(sample: float | None, top: float) -> str:
    if sample is None:
        return MISSING
    step = round(min(max(sample / top, 0.0), 1.0) * (len(_BARS) - 1))
    return _BARS[step]
