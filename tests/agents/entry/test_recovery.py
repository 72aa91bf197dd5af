"""What the rules make of failures, and of what a predecessor left."""

from agents.entry.events import (
    Adopted,
    BridgeChanged,
    DeviceLost,
    GateStands,
    HopStands,
    Ordered,
    Polled,
)
from agents.entry.model import OpenGate, Point, SayEvent, SayReport, State
from bus.messages.entries import EntryEventKind
from bus.messages.orders import Gate
from tests.agents.entry.story import POLICY, WALL, WG0, A, B, Story, carrying, order

# --- failures -------------------------------------------------------------------------


def test_a_gate_that_will_not_open_is_tried_again_in_time() -> None:
    story = Story().hears(
        Ordered(1.0, order(1, "exit-a")),
        HopStands(1.0, Point(A)),
        GateStands(2.0, None, "starting wireguard-go: no /dev/net/tun"),
    )
    assert story.report.cause == "starting wireguard-go: no /dev/net/tun"
    assert not story.of(OpenGate)

    assert not story.hears(Polled(6.9, WALL, ())).of(OpenGate)
    assert story.hears(Polled(7.0, WALL, ())).of(OpenGate) == [OpenGate()]
    assert story.hears(GateStands(7.1, WG0)).report.cause == ""


def test_a_next_hop_that_will_not_stand_blocks_and_is_tried_again() -> None:
    story = carrying().hears(
        Ordered(2.0, order(2, "exit-b")),
        HopStands(2.0, Point(B), "pointing: Network is unreachable"),
    )
    assert (story.report.active, story.report.cause) == (
        None,
        "pointing: Network is unreachable",
    )

    assert not story.hears(Polled(6.9, WALL, ())).of(Point)
    assert story.hears(Polled(7.0, WALL, ())).of(Point) == [Point(B)]


def test_a_new_order_does_not_wait_for_the_retry_of_the_old_one() -> None:
    story = carrying().hears(
        Ordered(2.0, order(2, "exit-b")),
        HopStands(2.0, Point(B), "no"),
        Ordered(2.1, order(3, "exit-a")),
    )

    assert story.of(Point) == [Point(A)]


def test_a_lost_wg0_is_made_again_at_once() -> None:
    story = carrying().hears(DeviceLost(1.1 + POLICY.retry_s))

    assert SayEvent(EntryEventKind.GATE_CLOSED, 1) in story.done
    assert story.of(OpenGate) == [OpenGate()]


def test_a_wg0_that_dies_young_is_not_made_over_and_over() -> None:
    story = carrying().hears(DeviceLost(2.0))
    assert not story.of(OpenGate)

    assert not story.hears(Polled(6.0, WALL, ())).of(OpenGate)
    assert story.hears(Polled(6.1, WALL, ())).of(OpenGate) == [OpenGate()]


def test_a_wg0_that_was_not_there_is_not_lost() -> None:
    story = Story().hears(DeviceLost(0.5))

    assert story.done == ()
    assert story.hears(Ordered(0.6, order(1, "exit-a"))).of(OpenGate) == [OpenGate()]


def test_a_next_hop_is_asked_for_again_when_its_device_is_back() -> None:
    story = carrying().hears(BridgeChanged(2.0, up=False))
    assert SayEvent(EntryEventKind.MOVED, 1, "exit-a", None) in story.done
    assert story.report.cause == "the device towards the exits is down"
    assert not story.of(Point)

    story.hears(BridgeChanged(3.0, up=True))

    assert story.of(Point) == [Point(A)]
    assert story.hears(HopStands(3.0, Point(A))).report.active == "exit-a"


def test_a_next_hop_that_came_too_late_for_its_device_does_not_count() -> None:
    story = Story().hears(
        Ordered(1.0, order(1, "exit-a")),
        BridgeChanged(1.1, up=False),
        HopStands(1.2, Point(A)),
    )
    assert story.report.active is None

    assert story.hears(BridgeChanged(2.0, up=True)).of(Point) == [Point(A)]


def test_an_answer_from_before_the_device_went_is_not_waited_for() -> None:
    story = Story().hears(
        Ordered(1.0, order(1, "exit-a")),
        BridgeChanged(1.1, up=False),
        BridgeChanged(1.2, up=True),
    )

    assert story.of(Point) == [Point(A)]


def test_a_bridge_that_was_up_all_the_time_changes_nothing() -> None:
    assert carrying().hears(BridgeChanged(2.0, up=True)).done == ()


# --- a predecessor's world ------------------------------------------------------------


def test_what_a_predecessor_left_is_no_news_and_keeps_standing() -> None:
    story = Story.__new__(Story)
    story.policy, story.state = POLICY, State()

    story.hears(Adopted(0.0, WG0, A.address, "legacy"))

    assert story.done == (SayReport(story.report),)
    assert story.report.gate is Gate.OPEN
    assert story.report.active is None
    assert "172.20.0.11 as before" in story.report.cause


def test_an_order_that_fits_what_was_left_gives_it_its_name_without_news() -> None:
    story = Story().hears(Adopted(0.0, WG0, A.address, "nft"))

    story.hears(Ordered(1.0, order(9, "exit-a")))
    assert story.of(Point) == [Point(A)]  # harmless: it stands already
    assert not story.of(OpenGate)
    story.hears(HopStands(1.0, Point(A)))

    assert not story.of(SayEvent)
    assert (story.report.active, story.report.cause) == ("exit-a", "")


def test_an_order_that_differs_from_what_was_left_wins() -> None:
    stranger = "172.20.0.99"
    story = Story().hears(
        Adopted(0.0, WG0, stranger, "nft"),
        Ordered(1.0, order(9, "exit-b")),
        HopStands(1.0, Point(B)),
    )

    assert SayEvent(EntryEventKind.MOVED, 9, None, "exit-b") in story.done
