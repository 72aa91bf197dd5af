"""The present put together, and shown."""

import io
from dataclasses import replace
from typing import Any, Final

import pytest
from rich.console import Console

from bus.commands import Choice, Mode
from bus.interface import BusUp, Forgotten, Received
from bus.messages.entries import EntryReport, PeerReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.topics import (
    DECISION,
    ENTRY_STATE,
    EXIT_STATE,
    MODE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    Topic,
)
from cli.records import summary_of
from cli.snapshot import Snapshot
from cli.tables import tables

NOW: Final = 1000.0

READY: Final = ExitReport(
    stage=Stage.READY, since=880.0, at=998.0, address="172.20.0.10", rtt_ms=3.4
)
DOWN: Final = ExitReport(stage=Stage.DOWN, since=990.0, at=995.0, cause="ike: refused")
ORDER_2: Final = Order(
    at=940.0,
    epoch=2,
    gate=Gate.OPEN,
    active="exit-b",
    exits=(
        Hop(exit="exit-b", address="172.20.0.11"),
        Hop(exit="exit-a", address="172.20.0.10"),
    ),
    reason="exit-a is offline",
)


def snapshot(*said: tuple[Topic[Any], object, dict[str, str]]) -> Snapshot:
    present = Snapshot()
    for topic, payload, levels in said:
        present.hear(Received(topic, levels, payload))
    return present


ENTRY: Final = EntryReport(
    epoch=2,
    gate=Gate.OPEN,
    active="exit-b",
    public_address="192.0.2.9",
    at=999.0,
    wireguard="kernel",
    listen_port=51820,
)
GOOD: Final = PathReport(
    health=Health.UP, since=900.0, at=998.0, rtt_ms=12.3, loss_ratio=0.004
)
DEAD: Final = PathReport(health=Health.DOWN, since=990.0, cause="no answer")


def standing() -> Snapshot:
    peer = PeerReport(
        name="phone",
        connected=True,
        handshake_at=970.0,
        received_bytes=2000,
        endpoint="192.0.2.1:4242",
    )
    return snapshot(
        (EXIT_STATE, DOWN, {"exit": "exit-a"}),
        (EXIT_STATE, READY, {"exit": "exit-b"}),
        (PRESENCE, Presence(status=Status.OFFLINE, role="exit"), {"agent": "exit-a"}),
        (PRESENCE, Presence(status=Status.ONLINE, role="exit"), {"agent": "exit-c"}),
        (ENTRY_STATE, ENTRY, {"entry": "entry"}),
        (PEER_STATE, peer, {"entry": "entry", "peer": "phone"}),
        (PATH_STATE, GOOD, {"entry": "entry", "exit": "exit-b"}),
        (MODE, Mode(choice=Choice.PREFER, exit="exit-b", drained=("exit-c",)), {}),
        (ORDER, ORDER_2, {}),
    )


def shown(present: Snapshot) -> list[str]:
    """The words of each line, single-spaced."""
    out = io.StringIO()
    console = Console(file=out, width=160)
    for table in tables(present, NOW):
        console.print(table)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_clients_get_out_if_the_entry_says_so_and_its_path_is_good() -> None:
    present = standing()

    assert present.carries
    assert present.held == {}


HELD: Final[dict[str, tuple[Topic[Any], object, dict[str, str]]]] = {
    "the gate is closed (port 51820 is taken)": (
        ENTRY_STATE,
        replace(ENTRY, gate=Gate.CLOSED, cause="port 51820 is taken"),
        {"entry": "entry"},
    ),
    "no exit carries": (ENTRY_STATE, replace(ENTRY, active=None), {"entry": "entry"}),
    "seen from 192.0.2.9": (
        ENTRY_STATE,
        replace(ENTRY, leak="seen from 192.0.2.9"),
        {"entry": "entry"},
    ),
    "entry is offline": (
        PRESENCE,
        Presence(status=Status.OFFLINE, role="entry"),
        {"agent": "entry"},
    ),
    "the path through exit-b is down (no answer)": (
        PATH_STATE,
        DEAD,
        {"entry": "entry", "exit": "exit-b"},
    ),
}


@pytest.mark.parametrize("why", HELD)
def test_clients_are_held_whatever_the_order_says(why: str) -> None:
    present = standing()

    topic, payload, levels = HELD[why]
    present.hear(Received(topic, levels, payload))

    assert not present.carries
    assert present.held == {"entry": why}
    assert shown(present)[0].startswith(f"clients do not get out: {why}")


def test_an_order_that_no_entry_obeys_carries_nobody() -> None:
    present = snapshot((ORDER, ORDER_2, {}), (EXIT_STATE, READY, {"exit": "exit-b"}))

    assert not present.carries
    assert shown(present)[0].startswith("clients do not get out: no entry is there")


@pytest.mark.parametrize(
    ("stage", "carries"), [(Stage.READY, True), (Stage.PPP, False)]
)
def test_without_a_measurement_the_exit_itself_is_believed(
    stage: Stage, *, carries: bool
) -> None:
    present = standing()
    unknown = PathReport(health=Health.UNKNOWN, since=0.0)
    present.hear(Received(PATH_STATE, {"entry": "entry", "exit": "exit-b"}, unknown))
    present.hear(Received(EXIT_STATE, {"exit": "exit-b"}, replace(READY, stage=stage)))

    assert present.carries is carries


def test_a_second_entry_that_is_held_is_told() -> None:
    present = standing()
    second = replace(ENTRY, active="exit-a")
    present.hear(Received(ENTRY_STATE, {"entry": "entry-2"}, second))

    assert not present.carries
    assert present.held == {"entry-2": "exit-a is down"}


def test_an_entry_that_left_does_not_count_beside_one_that_carries() -> None:
    present = standing()
    present.hear(Received(ENTRY_STATE, {"entry": "entry-2"}, replace(ENTRY)))
    gone = Presence(status=Status.STOPPED, role="entry")
    present.hear(Received(PRESENCE, {"agent": "entry-2"}, gone))

    assert present.carries


def test_the_exit_of_an_entry_that_left_is_not_said_to_be_in_use() -> None:
    present = standing()
    second = replace(ENTRY, active="exit-a")
    present.hear(Received(ENTRY_STATE, {"entry": "entry-2"}, second))
    gone = Presence(status=Status.OFFLINE, role="entry")
    present.hear(Received(PRESENCE, {"agent": "entry-2"}, gone))

    assert present.active == {"exit-b"}
    assert shown(present)[0].startswith("clients leave through exit-b mode")


def test_of_several_paths_through_an_exit_the_worst_is_shown() -> None:
    present = standing()
    present.hear(Received(PATH_STATE, {"entry": "entry-2", "exit": "exit-b"}, DEAD))

    assert present.path("exit-b") == DEAD
    assert present.path("exit-z") is None


def test_exits_stand_as_the_order_ranks_them_others_after() -> None:
    assert standing().ranked == ["exit-b", "exit-a", "exit-c"]


def test_what_is_taken_back_is_gone() -> None:
    present = standing()

    present.hear(Forgotten(PEER_STATE, {"entry": "entry", "peer": "phone"}))
    present.hear(Forgotten(EXIT_STATE, {"exit": "exit-a"}))
    present.hear(Forgotten(EXIT_STATE, {"exit": "exit-z"}))
    present.hear(Forgotten(PATH_STATE, {"entry": "entry", "exit": "exit-b"}))
    present.hear(Forgotten(MODE, {}))
    present.hear(Forgotten(ORDER, {}))

    assert not present.peers
    assert set(present.exits) == {"exit-b"}
    assert not present.paths
    assert present.order is None
    assert present.mode is None


def test_events_and_links_say_nothing_about_the_present() -> None:
    present = Snapshot()

    present.hear(BusUp())
    present.hear(Received(DECISION, {}, object()))

    assert present == Snapshot()


def test_the_tables_show_everything() -> None:
    assert shown(standing()) == [
        "clients leave through exit-b mode prefer exit-b order 2, 1 min old "
        "exit-a is offline",
        "exit stage path rtt loss since age mode cause",
        "* exit-b ready up 12 ms 0.4% 2 min 2 s preferred",
        "exit-a down - - - 10 s 5 s auto offline; ike: refused",
        "exit-c - - - - - - drained has said nothing yet",
        "entry gate through order wireguard age cause",
        "entry open exit-b, seen as 192.0.2.9 2 kernel port 51820 1 s",
        "peer connected handshake received sent endpoint",
        "phone yes 30 s 2 kB 0 B 192.0.2.1:4242",
    ]


def test_who_is_asked_beside_the_targets_is_shown_for_each_exit() -> None:
    present = standing()
    asked = {"9.9.9.9": 20.4, "[b]8.8.8.8": None}
    for exit_, path in (
        ("exit-b", replace(GOOD, advisory_ms=asked)),
        ("exit-a", replace(DEAD, advisory_ms={"9.9.9.9": 31.0})),
    ):
        present.hear(Received(PATH_STATE, {"entry": "entry", "exit": exit_}, path))

    assert shown(present)[5:8] == [
        "advisory 9.9.9.9 [b]8.8.8.8",
        "exit-b 20 ms -",
        "exit-a 31 ms -",
    ]
    told = summary_of(present)["paths"]["entry/exit-b"]
    assert told["advisory_ms"] == asked


def test_before_the_first_order_the_gate_is_closed() -> None:
    assert shown(Snapshot())[0] == "gate closed: nothing has been ordered yet"


def test_a_coordinator_that_is_away_is_told() -> None:
    present = standing()
    gone = Presence(status=Status.OFFLINE, role="coordinator")
    present.hear(Received(PRESENCE, {"agent": "coordinator"}, gone))

    assert shown(present)[0].endswith("the coordinator is offline")
