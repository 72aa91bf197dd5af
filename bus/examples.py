"""An example of every payload, for `docs/topics.md` and the AsyncAPI document.

Values only. One chain at one moment: exit-a carries, exit-b waits after a wrong
password, exit-c is measured and stands by.
"""

from dataclasses import replace
from typing import Final, TypeVar

from bus.commands import Choice, Enable, Mode, Request, Response
from bus.messages.containers import (
    ContainerEvent,
    ContainerEventKind,
    ContainerReport,
    ContainerStatus,
)
from bus.messages.entries import (
    EntryEvent,
    EntryEventKind,
    EntryReport,
    LeakReport,
    PeerReport,
)
from bus.messages.exits import ExitEvent, ExitEventKind, ExitReport, Stage
from bus.messages.home import HomeChain, HomeEvent, HomeEventKind, HomeExit
from bus.messages.orders import Decision, DecisionKind, Gate, History, Hop, Move, Order
from bus.messages.paths import Health, PathReport
from bus.messages.peers import PeerTerms
from bus.messages.presence import Presence, Status
from bus.messages.stamp import Stamp
from bus.messages.telemetry import Telemetry

P = TypeVar("P")

_AT: Final = 1767225600.0  # 2026-01-01 00:00 UTC
_FAILED: Final = "exit-a: ppp: hung up by the server"
_TRANSACTION: Final = "5f0c2d7e-1"

_STATES: Final[tuple[Stamp, ...]] = (
    Presence(status=Status.ONLINE, role="exit", version="0.1.0"),
    Telemetry(
        memory_bytes=34_100_000,
        cpu_s=1.25,
        open_files=11,
        tasks=6,
    ),
    ExitReport(
        stage=Stage.READY,
        since=_AT - 3600,
        address="172.20.0.10",
        attempt=1,
        preset="modern",
        server="203.0.113.20",
        tunnel_address="10.201.0.10",
        dns=("10.201.0.1",),
        mtu_bytes=1400,
        took_s={"ike": 0.21, "ipsec": 0.01, "l2tp": 0.12, "ppp": 0.74, "ready": 0.05},
        rtt_ms=18.4,
        loss_ratio=0.0,
        received_bytes=73400320,
        sent_bytes=10485760,
    ),
    Order(
        epoch=17,
        gate=Gate.OPEN,
        active="exit-a",
        exits=(
            Hop(exit="exit-a", address="172.20.0.10", dns=("10.201.0.1",)),
            Hop(exit="exit-c", address="172.20.0.12"),
            Hop(exit="exit-b", address="172.20.0.11", usable=False),
        ),
        reason="exit-a has been good for 30 s",
    ),
    EntryReport(
        epoch=17,
        gate=Gate.OPEN,
        active="exit-a",
        wireguard="kernel",
        public_key="bmV2ZXIgYSBrZXksIG9ubHkgYW4gZXhhbXBsZSEhISE=",
        listen_port=51820,
        mtu_bytes=1320,
        firewall="nft",
        peers=2,
        public_address="203.0.113.20",
    ),
    LeakReport(
        why="through exit-a clients are seen as 198.51.100.7, which is at home "
        "(198.51.100.0/24)",
    ),
    PeerReport(
        name="phone",
        connected=True,
        handshake_at=_AT - 42,
        received_bytes=1048576,
        sent_bytes=8388608,
    ),
    PathReport(
        health=Health.UP,
        since=_AT - 3590,
        rtt_ms=19.2,
        jitter_ms=1.1,
        loss_ratio=0.0,
        probes_per_s=10.0,
        advisory_ms={"9.9.9.9": 20.4},
    ),
    Mode(choice=Choice.PREFER, exit="exit-a", drained=("exit-b",)),
    History(
        moves=(
            Move(
                kind=DecisionKind.FAILOVER,
                at=_AT - 4000,
                epoch=16,
                before="exit-a",
                after="exit-c",
                reason=_FAILED,
                outage_ms=112.0,
            ),
            Move(
                kind=DecisionKind.FAILBACK,
                at=_AT - 3500,
                epoch=17,
                before="exit-c",
                after="exit-a",
                reason="exit-a has been good for 30 s",
            ),
        ),
    ),
    ContainerReport(
        container="l2tp-ipsec-exit",
        status=ContainerStatus.RUNNING,
        health="healthy",
        exit_code=137,
        restarts=1,
    ),
    HomeChain(
        choice="exit-a",
        held=False,
        public_address="203.0.113.20",
        moves=(_AT - 4000, _AT - 3500),
        outage_ms=112.0,
        problems=("exit-b: ppp: wrong password",),
    ),
    HomeExit(enabled=True, received_mbit_s=18.2, sent_mbit_s=1.1),
)

_MOMENTS: Final[tuple[object, ...]] = (
    ExitEvent(
        kind=ExitEventKind.LOST,
        at=_AT - 4000,
        before=Stage.READY,
        after=Stage.DOWN,
        duration_s=86400.0,
        cause="ppp: hung up by the server",
    ),
    Decision(
        kind=DecisionKind.FAILOVER,
        at=_AT - 4000,
        epoch=16,
        before="exit-a",
        after="exit-c",
        reason=_FAILED,
    ),
    EntryEvent(
        kind=EntryEventKind.MOVED,
        at=_AT - 4000,
        before="exit-a",
        after="exit-c",
        epoch=16,
        outage_ms=112.0,
    ),
    ContainerEvent(
        kind=ContainerEventKind.DIED,
        at=_AT - 4000,
        container="l2tp-ipsec-exit",
        exit_code=137,
    ),
    HomeEvent(
        event_type=HomeEventKind.FAILOVER,
        at=_AT - 4000,
        before="exit-a",
        after="exit-c",
        reason=_FAILED,
    ),
    Enable(enabled=False),
    Request(transaction=_TRANSACTION, exit="exit-c"),
    Response(
        transaction=_TRANSACTION,
        ok=True,
        peer=PeerTerms(
            address="10.13.13.3",
            dns="10.13.13.1",
            mtu_bytes=1400,
            entry_key="bmV2ZXIgYSBrZXksIG9ubHkgYW4gZXhhbXBsZSEhISE=",
            endpoint="vpn.example.org:51820",
            allowed_ips=("0.0.0.0/0", "::/0"),
            keepalive_s=25,
        ),
    ),
)

EXAMPLES: Final[tuple[object, ...]] = (
    *(replace(state, at=_AT, boot="5f0c2d7e", seq=12) for state in _STATES),
    *_MOMENTS,
)


def example_of(payload: type[P]) -> P:
    """The example of this kind of payload; StopIteration if nobody wrote one."""
    return next(example for example in EXAMPLES if isinstance(example, payload))
