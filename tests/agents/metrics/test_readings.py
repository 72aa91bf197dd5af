"""From messages to samples."""

from dataclasses import replace
from typing import Any, Final

import pytest

from agents.metrics import families as f
from agents.metrics.families import Family, Sample
from agents.metrics.readings import BOUNDS_S, Readings
from bus.examples import example_of
from bus.interface import BusDown, BusUp, Forgotten, Received
from bus.messages.entries import EntryEvent, EntryReport, PeerReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Decision, DecisionKind, Gate
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.messages.telemetry import Telemetry
from bus.topics import (
    DECISION,
    ENTRY_EVENT,
    ENTRY_STATE,
    EXIT_STATE,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    TELEMETRY,
    Topic,
)

PATH: Final = {"entry": "entry", "exit": "exit-a"}


def readings(peers: int = 10) -> Readings:
    known = Readings(peers)
    known.take(BusUp())
    return known


def tell(
    known: Readings, topic: Topic[Any], payload: object, **levels: str
) -> Readings:
    known.take(Received(topic, levels, payload))
    return known


def values(known: Readings, family: Family) -> dict[tuple[str, ...], float]:
    return {
        sample.labels: sample.value
        for sample in known.samples()
        if sample.family is family
    }


def test_an_exit_is_at_one_stage() -> None:
    known = tell(readings(), EXIT_STATE, example_of(ExitReport), exit="exit-a")

    stages = values(known, f.EXIT_STAGE)

    assert stages == {("exit-a", stage): float(stage == "ready") for stage in Stage}
    assert values(known, f.EXIT_READY) == {("exit-a",): 1.0}
    assert values(known, f.EXIT_RECEIVED) == {("exit-a",): 73400320.0}


def test_an_exit_whose_agent_vanished_is_ready_no_more() -> None:
    known = tell(readings(), EXIT_STATE, example_of(ExitReport), exit="exit-a")
    here = Presence(status=Status.ONLINE, role="exit")
    tell(known, PRESENCE, here, agent="exit-a")
    assert values(known, f.EXIT_READY) == {("exit-a",): 1.0}

    for status in (Status.OFFLINE, Status.STOPPED):
        tell(known, PRESENCE, replace(here, status=status), agent="exit-a")
        assert values(known, f.EXIT_READY) == {("exit-a",): 0.0}

    tell(known, PRESENCE, here, agent="exit-a")
    assert values(known, f.EXIT_READY) == {("exit-a",): 1.0}


def test_a_path_that_is_down_has_no_round_trip() -> None:
    down = replace(example_of(PathReport), health=Health.DOWN, loss_ratio=1.0)
    known = tell(readings(), PATH_STATE, down, **PATH)

    assert values(known, f.PATH_RTT) == values(known, f.PATH_JITTER) == {}
    assert values(known, f.PATH_LOSS) == {("entry", "exit-a"): 1.0}


def test_what_is_not_known_has_no_sample() -> None:
    silent = replace(example_of(ExitReport), received_bytes=None)
    known = tell(readings(), EXIT_STATE, silent, exit="exit-a")
    path = replace(example_of(PathReport), rtt_ms=None)
    tell(known, PATH_STATE, path, **PATH)

    assert values(known, f.EXIT_RECEIVED) == {}
    assert values(known, f.PATH_RTT) == {}


def test_an_exit_that_was_removed_leaves_no_series() -> None:
    known = tell(readings(), EXIT_STATE, example_of(ExitReport), exit="exit-a")

    known.take(Forgotten(EXIT_STATE, {"exit": "exit-a"}))

    assert values(known, f.EXIT_STAGE) == {}


def test_times_are_seconds() -> None:
    known = tell(readings(), PATH_STATE, example_of(PathReport), **PATH)

    assert values(known, f.PATH_RTT) == {("entry", "exit-a"): pytest.approx(0.0192)}
    assert values(known, f.PATH_JITTER) == {("entry", "exit-a"): pytest.approx(0.0011)}


@pytest.mark.parametrize(
    ("health", "up"),
    [(Health.UP, 1.0), (Health.DEGRADED, 1.0), (Health.DOWN, 0.0), (Health.UNKNOWN, 0)],
)
def test_a_path_that_is_slow_still_carries(health: Health, up: float) -> None:
    path = replace(example_of(PathReport), health=health)
    known = tell(readings(), PATH_STATE, path, **PATH)
    assert values(known, f.PATH_UP) == {("entry", "exit-a"): up}


def test_the_active_exit_is_the_one_that_an_entry_uses() -> None:
    known = tell(readings(), EXIT_STATE, example_of(ExitReport), exit="exit-a")
    tell(known, EXIT_STATE, example_of(ExitReport), exit="exit-b")
    tell(known, ENTRY_STATE, example_of(EntryReport), entry="entry")

    assert values(known, f.EXIT_ACTIVE) == {("exit-a",): 1.0, ("exit-b",): 0.0}


def test_no_more_peers_have_series_than_the_settings_allow() -> None:
    known = readings(peers=2)
    for name in ("a", "b", "c"):
        tell(known, PEER_STATE, example_of(PeerReport), entry="entry", peer=name)

    assert len(values(known, f.PEER_UP)) == 2
    assert len(values(known, f.PEER_RECEIVED)) == 2


def test_moves_are_counted_by_kind_and_what_moves_nobody_is_not() -> None:
    known = readings()
    for kind in (DecisionKind.FAILOVER, DecisionKind.FAILOVER, DecisionKind.RANKED):
        tell(known, DECISION, replace(example_of(Decision), kind=kind))

    moves = values(known, f.MOVES)

    assert moves[("failover",)] == 2.0
    assert moves[("failback",)] == 0.0
    assert ("ranked",) not in moves


def test_an_outage_falls_into_every_bucket_that_is_long_enough() -> None:
    known = readings()
    for outage_ms in (0.0, 50.0, 51.0, 120_000.0):
        event = replace(example_of(EntryEvent), outage_ms=outage_ms)
        tell(known, ENTRY_EVENT, event, entry="entry")
    tell(
        known,
        ENTRY_EVENT,
        replace(example_of(EntryEvent), outage_ms=None),
        entry="entry",
    )

    told = known.outages()

    counts = dict(zip(BOUNDS_S, told.counts, strict=True))
    assert (counts[0.005], counts[0.05], counts[0.1], counts[60.0]) == (1, 2, 3, 3)
    assert told.count == 4
    assert told.total == pytest.approx(120.101)


def test_an_agent_is_up_while_it_says_so() -> None:
    known = tell(readings(), PRESENCE, example_of(Presence), agent="exit-a")
    gone = Presence(status=Status.OFFLINE, role="entry")
    tell(known, PRESENCE, gone, agent="entry")

    assert values(known, f.AGENT_UP) == {
        ("exit-a", "exit"): 1.0,
        ("entry", "entry"): 0.0,
    }


def test_an_agents_process_is_measured() -> None:
    known = tell(readings(), TELEMETRY, example_of(Telemetry), agent="exit-a")
    assert Sample(f.AGENT_MEMORY, ("exit-a",), 34_100_000) in set(known.samples())


def test_the_chain_carries_while_an_open_gate_leads_to_an_exit() -> None:
    report = example_of(EntryReport)
    known = tell(readings(), PATH_STATE, example_of(PathReport), **PATH)
    tell(known, ENTRY_STATE, report, entry="entry")
    assert known.carrying

    for held in (
        replace(report, active=None),
        replace(report, gate=Gate.CLOSED),
        replace(report, leak="seen"),
    ):
        tell(known, ENTRY_STATE, held, entry="entry")
        assert not known.carrying

    tell(known, ENTRY_STATE, report, entry="entry")
    known.take(BusDown())
    assert not known.carrying


def test_what_an_entry_said_that_is_gone_carries_nothing() -> None:
    known = tell(readings(), EXIT_STATE, example_of(ExitReport), exit="exit-a")
    tell(known, PATH_STATE, example_of(PathReport), **PATH)
    tell(known, ENTRY_STATE, example_of(EntryReport), entry="entry")
    here = Presence(status=Status.ONLINE, role="entry")

    tell(known, PRESENCE, replace(here, status=Status.OFFLINE), agent="entry")
    assert not known.carrying
    assert values(known, f.EXIT_ACTIVE) == {("exit-a",): 0.0}
    assert values(known, f.EGRESS_UP) == {(): 0.0}
    tell(known, PRESENCE, here, agent="entry")
    assert values(known, f.EXIT_ACTIVE) == {("exit-a",): 1.0}
    assert values(known, f.EGRESS_UP) == {(): 1.0}
    assert known.carrying


@pytest.mark.parametrize("gate", Gate)
def test_no_exit_is_left_whatever_becomes_of_the_gate(gate: Gate) -> None:
    known = tell(readings(), EXIT_STATE, example_of(ExitReport), exit="exit-a")
    none = replace(example_of(EntryReport), gate=gate, active=None)
    tell(known, ENTRY_STATE, none, entry="entry")

    assert values(known, f.GATE_OPEN) == {("entry",): float(gate is Gate.OPEN)}
    assert values(known, f.EGRESS_UP) == {(): 0.0}
    assert values(known, f.EXIT_ACTIVE) == {("exit-a",): 0.0}


def test_an_exit_that_is_given_traffic_is_active_though_none_comes_through() -> None:
    known = tell(readings(), EXIT_STATE, example_of(ExitReport), exit="exit-a")
    tell(known, ENTRY_STATE, example_of(EntryReport), entry="entry")
    dead = replace(example_of(PathReport), health=Health.DOWN)
    tell(known, PATH_STATE, dead, **PATH)

    assert values(known, f.EXIT_ACTIVE) == {("exit-a",): 1.0}
    assert values(known, f.EGRESS_UP) == {(): 0.0}


def test_nobody_knows_whether_clients_get_out_while_the_broker_is_away() -> None:
    known = readings()
    assert values(known, f.EGRESS_UP) == {(): 0.0}

    known.take(BusDown())
    assert values(known, f.EGRESS_UP) == {}


def test_a_path_that_is_down_carries_nothing() -> None:
    known = tell(readings(), ENTRY_STATE, example_of(EntryReport), entry="entry")
    path = example_of(PathReport)

    tell(known, PATH_STATE, replace(path, health=Health.DOWN), **PATH)
    assert not known.carrying
    tell(known, PATH_STATE, path, **PATH)
    assert known.carrying
