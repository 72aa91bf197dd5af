"""Every metric there is: its name, unit and meaning. Values only.

Names and units follow Prometheus: base units, `_total` on what only grows, moments as
timestamps. Source: https://prometheus.io/docs/practices/naming/
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric; `labels` in the order of a sample's values."""

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a family, with the values of its labels."""

    family: Family
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """All observations of a family: `counts[i]` of them are at most `bounds[i]`."""

    family: Family
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    count: int
    total: float


def _gauge(name: str, about: str, *labels: str) -> Family:
    return Family(f"vpnchain_{name}", Kind.GAUGE, about, labels)


def _counter(name: str, about: str, *labels: str) -> Family:
    return Family(f"vpnchain_{name}_total", Kind.COUNTER, about, labels)


BROKER_UP: Final = _gauge("broker_up", "Whether the broker is there.")

AGENT_UP: Final = _gauge("agent_up", "Whether an agent is online.", "agent", "role")
AGENT_MEMORY: Final = _gauge(
    "agent_resident_memory_bytes", "Resident memory of an agent.", "agent"
)
AGENT_CPU: Final = _counter(
    "agent_cpu_seconds", "Processor time of an agent, the kernel's included.", "agent"
)
AGENT_FILES: Final = _gauge("agent_open_files", "Files and sockets held.", "agent")
AGENT_TASKS: Final = _gauge("agent_tasks", "Asyncio tasks that live.", "agent")
BUS_QUEUED: Final = _gauge(
    "bus_queued_messages", "Messages of an agent that wait for the broker.", "agent"
)
BUS_DROPPED: Final = _counter(
    "bus_dropped_messages",
    "Events not said as the broker was away, and what was too much at once.",
    "agent",
)
BUS_MALFORMED: Final = _counter(
    "bus_malformed_messages", "Messages heard that did not fit.", "agent"
)

EXIT_STAGE: Final = _gauge(
    "exit_stage", "1 for the stage that an exit has reached, else 0.", "exit", "stage"
)
EXIT_READY: Final = _gauge(
    "exit_ready", "1 while its agent is there and says that its tunnel carries.", "exit"
)
EXIT_ACTIVE: Final = _gauge(
    "exit_active", "Whether an entry sends clients' traffic through it.", "exit"
)
EGRESS_UP: Final = _gauge(
    "egress_up", "1 while clients get out at every entry that is there, and one is."
)
EXIT_RECEIVED: Final = _counter(
    "exit_received_bytes", "Out of ppp0 since it is up; begins anew with it.", "exit"
)
EXIT_SENT: Final = _counter(
    "exit_sent_bytes", "Into ppp0 since it is up; begins anew with it.", "exit"
)

PATH_UP: Final = _gauge(
    "path_up", "Whether the path through an exit carries.", "entry", "exit"
)
PATH_RTT: Final = _gauge(
    "path_rtt_seconds", "Smoothed round trip, unless it is down.", "entry", "exit"
)
PATH_JITTER: Final = _gauge(
    "path_jitter_seconds", "Deviation of its round trip.", "entry", "exit"
)
PATH_LOSS: Final = _gauge(
    "path_loss_ratio", "Share of its probes that were lost, 0 to 1.", "entry", "exit"
)

GATE_OPEN: Final = _gauge("gate_open", "Whether WireGuard runs at an entry.", "entry")
LEAK: Final = _gauge(
    "leak", "1 while the gate is closed because a leak was seen.", "entry"
)
PEER_UP: Final = _gauge(
    "peer_up", "Whether a WireGuard peer is connected.", "entry", "peer"
)
PEER_HANDSHAKE: Final = _gauge(
    "peer_last_handshake_timestamp_seconds", "When it last did.", "entry", "peer"
)
PEER_RECEIVED: Final = _counter(
    "peer_received_bytes", "From a peer since wg0 is up.", "entry", "peer"
)
PEER_SENT: Final = _counter(
    "peer_sent_bytes", "To a peer since wg0 is up.", "entry", "peer"
)

MOVES: Final = _counter("moves", "Decisions that changed who carries.", "kind")
OUTAGE: Final = Family(
    "vpnchain_move_outage_seconds",
    Kind.HISTOGRAM,
    "How long clients had no way when an entry moved.",
)

FAMILIES: Final = (
    *(BROKER_UP, AGENT_UP, AGENT_MEMORY, AGENT_CPU, AGENT_FILES, AGENT_TASKS),
    *(BUS_QUEUED, BUS_DROPPED, BUS_MALFORMED),
    *(EXIT_STAGE, EXIT_READY, EXIT_ACTIVE, EXIT_RECEIVED, EXIT_SENT, EGRESS_UP),
    *(PATH_UP, PATH_RTT, PATH_JITTER, PATH_LOSS),
    *(GATE_OPEN, LEAK, PEER_UP, PEER_HANDSHAKE, PEER_RECEIVED, PEER_SENT),
    *(MOVES, OUTAGE),
)
