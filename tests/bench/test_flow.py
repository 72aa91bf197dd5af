"""What the prober's numbers mean."""

import socket

from bench.failover.flow import MS, passage, way

A = int.from_bytes(socket.inet_aton("10.200.1.2"), "big")
B = int.from_bytes(socket.inet_aton("10.200.2.2"), "big")


def test_a_steady_flow_has_no_gap_but_its_own_spacing() -> None:
    sent = [n * MS for n in range(1, 6)]
    back = [at + MS // 10 for at in sent]

    seen = passage(sent[0], sent, back, [A] * 5)

    assert (seen.sent, seen.lost, seen.gap_ms, seen.pause_ms) == (5, 0, 1.0, 1.0)
    assert (seen.ways, seen.changes) == (("10.200.1.2",), 0)


def test_an_outage_is_a_gap_between_arrivals_and_a_change_of_way() -> None:
    sent = [n * MS for n in range(1, 7)]
    back = [sent[0], sent[1], 0, 0, sent[4], sent[5]]

    seen = passage(sent[0], sent, back, [A, A, 0, 0, B, B])

    assert (seen.lost, seen.gap_ms, seen.pause_ms) == (2, 3.0, 1.0)
    assert (seen.ways, seen.changes) == (("10.200.1.2", "10.200.2.2"), 1)
    assert seen.first_ms == {"10.200.1.2": 0.0, "10.200.2.2": 4.0}


def test_an_overtaken_packet_makes_no_gap() -> None:
    sent = [MS, 2 * MS, 3 * MS]

    seen = passage(MS, sent, [4 * MS, 2 * MS, 3 * MS], [A, A, A])

    assert (seen.lost, seen.gap_ms) == (0, 1.0)


def test_what_never_comes_back_leaves_no_way() -> None:
    seen = passage(MS, [MS, 2 * MS], [0, 0], [0, 0])

    assert (seen.lost, seen.ways, seen.changes, seen.first_ms) == (2, (), 0, {})


def test_the_way_is_known_when_all_came_back_by_one() -> None:
    assert way([MS, 2 * MS], [A, A]) == "10.200.1.2"


def test_the_way_is_unknown_after_a_loss_between_two_and_without_packets() -> None:
    assert way([MS, 0], [A, 0]) == ""
    assert way([MS, 2 * MS], [A, B]) == ""
    assert way([], []) == ""
