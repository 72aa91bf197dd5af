"""The rules of the entry, as stories: events in, what stands and what was done out."""

from dataclasses import replace

import pytest

from agents.entry.events import GateStands, HopStands, Ordered, PeerHeard, Polled
from agents.entry.model import (
    CloseGate,
    ForgetPeer,
    Ignore,
    OpenGate,
    Point,
    SayEvent,
    SayPeer,
    SayReport,
)
from bus.epochs import EPOCH_LIMIT
from bus.messages.entries import EntryEventKind
from bus.messages.orders import Gate, Hop, Order
from tests.agents.entry.story import WALL, WG0, A, B, Story, carrying, order

# --- orders ---------------------------------------------------------------------------


def test_without_an_order_nothing_is_done_but_said() -> None:
    story = Story()

    assert story.done == (SayReport(story.report),)
    assert (story.report.gate, story.report.active) == (Gate.CLOSED, None)
    assert (story.report.peers, story.report.firewall) == (1, "nft")


def test_the_next_hop_is_asked_for_before_the_gate() -> None:
    story = Story().hears(Ordered(1.0, order(1, "exit-a")))

    assert story.done[:2] == (Point(A), OpenGate())


def test_what_stands_is_said_once_it_stands() -> None:
    story = Story().hears(Ordered(1.0, order(1, "exit-a")))
    assert (story.report.gate, story.report.epoch) == (Gate.CLOSED, 1)

    story.hears(HopStands(1.0, Point(A)))
    assert SayEvent(EntryEventKind.MOVED, 1, None, "exit-a") in story.done
    assert story.report.active == "exit-a"

    story.hears(GateStands(1.1, WG0))
    assert SayEvent(EntryEventKind.GATE_OPENED, 1) in story.done
    assert story.report.gate is Gate.OPEN
    assert (story.report.wireguard, story.report.public_key) == ("userspace", "PUBLIC")
    assert (story.report.listen_port, story.report.mtu_bytes) == (51820, 1400)


def test_moving_to_another_exit_leaves_the_gate_alone() -> None:
    story = carrying().hears(Ordered(2.0, order(2, "exit-b")))
    assert story.of(Point) == [Point(B)]
    assert not story.of(OpenGate)

    story.hears(HopStands(2.0, Point(B)))

    assert SayEvent(EntryEventKind.MOVED, 2, "exit-a", "exit-b") in story.done


def test_closing_blocks_before_wg0_goes() -> None:
    story = carrying().hears(Ordered(2.0, order(2, None, Gate.CLOSED)))
    assert story.done[:2] == (Point(None), CloseGate())

    story.hears(HopStands(2.0, Point(None)), GateStands(2.1, None))

    assert SayEvent(EntryEventKind.GATE_CLOSED, 2) in story.done
    assert story.report.wireguard == ""


def test_holding_keeps_the_gate_and_blocks() -> None:
    story = carrying().hears(Ordered(2.0, order(2, None)))

    assert story.of(Point) == [Point(None)]
    assert not story.of(CloseGate)


def test_the_same_order_again_is_nothing_new() -> None:
    again = replace(order(1, "exit-a"), at=9.0, boot="another", seq=7)

    assert carrying().hears(Ordered(2.0, again)).done == ()


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        (order(4, "exit-b"), "order 4 is older than order 5"),
        (order(5, "exit-b"), "order 5 differs from the one obeyed"),
        (order(0, "exit-b"), "order 0 is beyond all counting"),
        (order(-1, "exit-b"), "order -1 is beyond all counting"),
        (
            order(EPOCH_LIMIT + 1, "exit-b"),
            f"order {EPOCH_LIMIT + 1} is beyond all counting",
        ),
    ],
    ids=["older", "the_same_epoch_with_other_contents", "none", "negative", "huge"],
)
def test_an_order_that_is_not_newer_is_ignored(late: Order, reason: str) -> None:
    story = Story().hears(Ordered(1.0, order(5, "exit-a")))
    before = story.state

    story.hears(Ordered(2.0, late))

    assert story.done == (Ignore(reason),)
    assert replace(story.state, ignored=before.ignored) == before


def test_ignored_orders_are_counted_and_said_once_of_each_kind() -> None:
    story = Story().hears(Ordered(1.0, order(5, "exit-a")))

    assert story.hears(Ordered(2.0, order(4, "exit-b"))).of(Ignore)
    assert not story.hears(Ordered(2.0, order(3, "exit-b"))).done
    assert story.hears(Ordered(2.0, order(0, "exit-b"))).of(Ignore)
    assert not story.hears(Ordered(2.0, order(0, "exit-b"))).done

    assert not story.hears(Polled(2.0, WALL, ())).of(SayReport)
    story.hears(Polled(30.0, WALL, ()))
    assert story.report.ignored == 4


def test_no_epoch_is_the_last_one() -> None:
    story = Story().hears(Ordered(1.0, order(EPOCH_LIMIT, "exit-a")))

    story.hears(Ordered(2.0, order(1, "exit-b")))

    assert story.of(Point) == [Point(B)]


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        (
            Order(epoch=3, gate=Gate.OPEN, active="exit-c", exits=(A,)),
            "order 3 has no address of exit-c",
        ),
        (
            Order(
                epoch=3,
                gate=Gate.OPEN,
                active="exit-c",
                exits=(Hop(exit="exit-c", address="nowhere"),),
            ),
            "exit-c cannot be where order 3 says",
        ),
    ],
    ids=["an_exit_without_a_hop", "a_hop_that_is_no_address"],
)
def test_an_exit_without_an_address_blocks_and_says_why(
    wanted: Order, cause: str
) -> None:
    story = carrying().hears(Ordered(2.0, wanted))

    assert story.of(Point) == [Point(None)]
    assert story.report.cause == cause


def test_an_order_that_overtakes_is_asked_for_at_once() -> None:
    story = Story().hears(Ordered(1.0, order(1, "exit-a")))

    story.hears(Ordered(1.1, order(2, "exit-b", Gate.CLOSED)))
    assert story.done[:2] == (Point(B), CloseGate())

    assert not story.hears(HopStands(1.2, Point(A))).of(Point)
    assert not story.hears(HopStands(1.3, Point(B))).of(Point)
    assert story.report.active == "exit-b"


# --- time -----------------------------------------------------------------------------


def test_the_present_is_said_again_in_time_though_nothing_changed() -> None:
    story = carrying()
    assert story.state.said_s == 1.1

    assert not story.hears(Polled(11.0, WALL, ())).of(SayReport)
    assert story.hears(Polled(11.1, WALL, ())).of(SayReport)
    assert not story.hears(Polled(12.0, WALL, ())).of(SayReport)


def test_a_report_of_a_peer_that_is_no_more_is_taken_back() -> None:
    assert Story().hears(PeerHeard(1.0, "old-phone")).done == (ForgetPeer("old-phone"),)
    assert Story().hears(PeerHeard(1.0, "phone")).done == ()


def test_peers_are_told_of_before_there_is_any_order() -> None:
    story = Story().hears(Polled(1.0, WALL, ()))

    assert [one.peer for one in story.done if isinstance(one, SayPeer)] == ["phone"]
