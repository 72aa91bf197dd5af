"""What may be heard, and the words for it."""

from typing import Final

from bus.commands import Choice, Enable, Mode, Request
from bus.interface import BusDown, BusUp, Forgotten, Heard
from bus.messages.containers import (
    ContainerEvent,
    ContainerEventKind,
    ContainerReport,
    ContainerStatus,
)
from bus.messages.entries import EntryEventKind, LeakReport
from bus.messages.exits import ExitEventKind, Stage
from bus.messages.home import HomeChain, HomeEvent, HomeEventKind, HomeExit
from bus.messages.orders import DecisionKind, Gate, History
from bus.messages.paths import Health
from bus.messages.presence import Status
from bus.messages.telemetry import Telemetry
from bus.topics import (
    CONTAINER_EVENT,
    CONTAINER_STATE,
    ENTRY_LEAK,
    HISTORY,
    HOME_CHAIN,
    HOME_ENABLE,
    HOME_EVENT,
    HOME_EXIT,
    MODE,
    PEER_STATE,
    REQUEST,
    RESPONSE,
    TELEMETRY,
)
from tests.cli.said import (
    at_entry,
    decision,
    entry,
    happened,
    heard,
    order,
    path,
    peer,
    presence,
    report,
    request,
)

CONTAINER: Final = ContainerReport(
    container="l2tp-ipsec-exit",
    status=ContainerStatus.RUNNING,
    health="healthy",
    restarts=2,
)
DIED: Final = ContainerEvent(
    kind=ContainerEventKind.DIED, at=1.0, container="l2tp-ipsec-exit", exit_code=137
)

TAKES: Final = Telemetry(
    memory_bytes=34_100_000, cpu_s=1.25, open_files=11, tasks=6, queued=2
)
HELD: Final = HomeChain(
    choice="auto",
    held=True,
    public_address="203.0.113.20",
    moves=(1.0,),
    outage_ms=112.0,
    problems=("exit-b: ppp: wrong password",),
)
FAILED_OVER: Final = HomeEvent(
    event_type=HomeEventKind.FAILOVER, at=1.0, after="exit-c", reason="because"
)
RESTART: Final = Request(transaction="t1", agent="exit-a")
ADD: Final = Request(transaction="t1", peer="phone", public_key="a key")

# Who, what, detail.
WORDS: Final[list[tuple[Heard, str, str, str]]] = [
    (BusUp(), "broker", "connected", ""),
    (BusDown(), "broker", "the connection is lost", ""),
    (
        Forgotten(PEER_STATE, {"entry": "entry", "peer": "phone"}),
        "entry/phone",
        "is gone (entry/entry/peer/phone)",
        "",
    ),
    (presence(Status.ONLINE, "exit"), "exit-a", "is online (exit 0.1.0)", ""),
    (presence(Status.ONLINE), "exit-a", "is online", ""),
    (presence(Status.STOPPED), "exit-a", "stopped in good order", ""),
    (presence(Status.OFFLINE), "exit-a", "vanished", ""),
    (report(stage=Stage.IPSEC), "exit-a", "ESP is installed", ""),
    (
        report(cause="ppp: authentication failed", permanent=True, attempt=3),
        "exit-a",
        "down (ppp: authentication failed); somebody has to act",
        "attempt 3",
    ),
    (
        report(
            stage=Stage.READY,
            server="198.18.0.11",
            tunnel_address="10.0.0.2",
            mtu_bytes=1400,
            rtt_ms=3.44,
            loss_ratio=0.25,
        ),
        "exit-a",
        "ready: traffic passes",
        "server 198.18.0.11, as 10.0.0.2, mtu 1400, rtt 3.4 ms, loss 25%",
    ),
    (
        happened(ExitEventKind.STAGE, duration_s=0.214),
        "exit-a",
        "ike -> ipsec after 0.21 s",
        "",
    ),
    (
        happened(ExitEventKind.FAILED, cause="ike: no answer"),
        "exit-a",
        "the attempt failed at ike: ike: no answer",
        "",
    ),
    (
        happened(ExitEventKind.LOST, duration_s=200.0, cause="no probe came back"),
        "exit-a",
        "the tunnel is lost after 3 min 20 s: no probe came back",
        "",
    ),
    (
        order(Gate.OPEN, "exit-b", "exit-b", "exit-a"),
        "coordinator",
        "order 3: gate open, through exit-b",
        "then exit-a, because",
    ),
    (
        order(Gate.OPEN, None),
        "coordinator",
        "order 3: gate open, traffic held",
        "because",
    ),
    (order(Gate.CLOSED, None), "coordinator", "order 3: gate closed", "because"),
    (
        decision(DecisionKind.FAILOVER),
        "coordinator",
        "moves the clients from exit-a to exit-b: because",
        "order 3",
    ),
    (
        entry(wireguard="kernel", listen_port=51820, mtu_bytes=1400, peers=2),
        "entry",
        "obeys order 3: gate open, through exit-a",
        "kernel WireGuard, port 51820, mtu 1400, 2 peers",
    ),
    (
        entry(gate=Gate.CLOSED, active=None, cause="port 51820 is taken"),
        "entry",
        "obeys order 3: gate closed (port 51820 is taken)",
        "",
    ),
    (
        entry(gate=Gate.CLOSED, leak="seen as 192.0.2.9"),
        "entry",
        "gate closed; a leak stands: seen as 192.0.2.9",
        "",
    ),
    (at_entry(EntryEventKind.GATE_OPENED), "entry", "wg0 is up", "order 3"),
    (at_entry(EntryEventKind.GATE_CLOSED), "entry", "wg0 is gone", "order 3"),
    (
        at_entry(EntryEventKind.MOVED),
        "entry",
        "the next hop moved from exit-a to none",
        "order 3",
    ),
    (
        at_entry(EntryEventKind.PEER_CONNECTED),
        "entry",
        "peer phone connected",
        "order 3",
    ),
    (at_entry(EntryEventKind.PEER_GONE), "entry", "peer phone is gone", "order 3"),
    (
        heard(ENTRY_LEAK, LeakReport(why="seen as 192.0.2.9"), entry="entry"),
        "entry",
        "a leak stands: seen as 192.0.2.9",
        "",
    ),
    (
        peer(received_bytes=123_456, sent_bytes=99, endpoint="192.0.2.1:4242"),
        "entry",
        "peer phone is connected",
        "123 kB in, 99 B out, from 192.0.2.1:4242",
    ),
    (peer(connected=False), "entry", "peer phone is not connected", ""),
    (
        path(Health.UP, rtt_ms=12.3, jitter_ms=0.52, loss_ratio=0.1),
        "entry",
        "the path through exit-a is up",
        "rtt 12 ms, jitter 0.52 ms, loss 10%",
    ),
    (
        path(Health.DOWN, cause="3 of 3 targets are silent"),
        "entry",
        "the path through exit-a is down (3 of 3 targets are silent)",
        "",
    ),
    (
        path(Health.UP, rtt_ms=12.3, advisory_ms={"9.9.9.9": 20.4, "8.8.8.8": None}),
        "entry",
        "the path through exit-a is up",
        "rtt 12 ms, to 9.9.9.9 20 ms, to 8.8.8.8 -",
    ),
    (heard(MODE, Mode()), "coordinator", "chooses by mode auto", ""),
    (
        heard(MODE, Mode(choice=Choice.ONLY, exit="exit-a", drained=("exit-b",))),
        "coordinator",
        "chooses by mode only exit-a",
        "drained: exit-b",
    ),
    (heard(HISTORY, History()), "coordinator", "remembers 0 moves", ""),
    (
        heard(CONTAINER_STATE, CONTAINER, agent="exit-a"),
        "exit-a",
        "container l2tp-ipsec-exit is running, healthy",
        "restarted 2 times",
    ),
    (
        heard(CONTAINER_EVENT, DIED, agent="exit-a"),
        "exit-a",
        "container l2tp-ipsec-exit died with 137",
        "",
    ),
    (
        heard(TELEMETRY, TAKES, agent="exit-a"),
        "exit-a",
        "its process takes",
        "34.1 MB of memory, 1.25 s of processor time, 11 open files, 6 tasks, "
        "2 messages queued",
    ),
    (
        heard(HOME_CHAIN, HELD),
        "homeassistant",
        "tells the home: choice auto, clients are held; exit-b: ppp: wrong password",
        "seen as 203.0.113.20, moves in a day: 1, outage 112 ms",
    ),
    (
        heard(HOME_EXIT, HomeExit(enabled=True, received_mbit_s=18.2), exit="exit-a"),
        "exit-a",
        "the home sees it enabled",
        "18.2 Mbit/s in",
    ),
    (
        heard(HOME_EXIT, HomeExit(enabled=False), exit="exit-a"),
        "exit-a",
        "the home sees it drained",
        "",
    ),
    (
        heard(HOME_EVENT, FAILED_OVER),
        "homeassistant",
        "tells the home that clients moved from none to exit-c: because",
        "",
    ),
    (
        heard(HOME_ENABLE, Enable(enabled=False), exit="exit-a"),
        "exit-a",
        "the home asks that it be drained",
        "",
    ),
    (
        request(REQUEST, exit="exit-b"),
        "exit-a",
        "is asked to reconnect exit-b",
        "t1",
    ),
    (request(REQUEST), "exit-a", "is asked to reconnect", "t1"),
    (
        heard(REQUEST, RESTART, agent="containers", verb="restart"),
        "containers",
        "is asked to restart exit-a",
        "t1",
    ),
    (
        heard(REQUEST, ADD, agent="entry", verb="add-peer"),
        "entry",
        "is asked to add-peer phone",
        "t1",
    ),
    (request(RESPONSE, ok=True), "exit-a", "reconnect: granted", "t1"),
    (
        request(RESPONSE, ok=False, error="busy"),
        "exit-a",
        "reconnect: refused: busy",
        "t1",
    ),
]
