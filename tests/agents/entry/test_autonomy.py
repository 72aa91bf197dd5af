"""With nobody to obey: when the entry goes its own way, and when it stops."""

from dataclasses import replace

import pytest

from agents.entry.autonomy import ADOPTS_S
from agents.entry.control_plane import (
    ANSWERS_S,
    SILENT_S,
    BusConnected,
    BusLost,
    CoordinatorSaid,
    ModeSet,
)
from agents.entry.events import (
    Adopted,
    Event,
    HopStands,
    Ordered,
    PathSeen,
    Polled,
    Surveyed,
)
from agents.entry.model import ForgetFlows, Point, SayEvent
from agents.neighbours import Neighbours
from agents.settings_model import BRIDGE
from bus.commands import Choice, Mode
from bus.messages.entries import EntryEventKind
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Status
from tests.agents.entry.story import WALL, WG0, A, B, Story, carrying, order

C = Hop(exit="exit-c", address="172.20.0.13")
GONE: tuple[Event, ...] = (
    BusLost(2.0),
    CoordinatorSaid(2.0, Status.OFFLINE),
    CoordinatorSaid(2.0, Status.STOPPED),
)


def seen(at_s: float, exit_: str, health: Health) -> PathSeen:
    return PathSeen(at_s, exit_, PathReport(health=health, since=WALL))


def measured(story: Story, at_s: float = 1.5, **healths: Health) -> Story:
    """The story with paths of that health, said one after the other."""
    for name, health in healths.items():
        story.hears(seen(at_s, name.replace("_", "-"), health))
    return story


def obeying(*hops: Hop) -> Story:
    """An entry whose traffic goes through the first, all paths up, all there."""
    story = carrying()
    story.hears(BusConnected(1.2), CoordinatorSaid(1.2, Status.ONLINE))
    if hops:
        wanted = Order(epoch=2, gate=Gate.OPEN, active=hops[0].exit, exits=hops)
        story.hears(Ordered(1.3, wanted), HopStands(1.3, Point(hops[0])))
    return measured(story, exit_a=Health.UP, exit_b=Health.UP)


def walking() -> Story:
    """An entry that left exit-a for exit-b by itself, the bus being away."""
    story = obeying().hears(BusLost(2.0), seen(3.0, "exit-a", Health.DOWN))
    assert story.of(Point) == [Point(B)]
    return story.hears(HopStands(3.0, Point(B)))


# --- setting out ----------------------------------------------------------------------


@pytest.mark.parametrize("gone", GONE, ids=["bus", "crashed", "stopped"])
def test_with_nobody_to_obey_a_dead_path_is_left(gone: Event) -> None:
    story = obeying().hears(gone)
    assert not story.of(Point)

    story.hears(seen(3.0, "exit-a", Health.DOWN))

    assert story.of(Point) == [Point(B)]


@pytest.mark.parametrize("gone", GONE, ids=["bus", "crashed", "stopped"])
def test_a_path_that_died_before_is_left_when_they_go(gone: Event) -> None:
    story = measured(obeying(), exit_a=Health.DOWN)
    assert not story.of(Point)

    assert story.hears(gone).of(Point) == [Point(B)]


def test_a_coordinator_that_is_silent_is_gone() -> None:
    story = measured(obeying(), exit_a=Health.DOWN)
    story.hears(Ordered(1.6, order(1, "exit-a")))

    assert not story.hears(Polled(1.6 + SILENT_S - 0.1, WALL, ())).of(Point)
    assert story.hears(Polled(1.6 + SILENT_S, WALL, ())).of(Point) == [Point(B)]


def test_one_that_is_merely_remembered_answers_soon_or_is_gone() -> None:
    story = measured(obeying(), exit_a=Health.DOWN)

    assert not story.hears(Polled(1.2 + ANSWERS_S - 0.1, WALL, ())).of(Point)
    assert story.hears(Polled(1.2 + ANSWERS_S, WALL, ())).of(Point) == [Point(B)]


def test_an_order_said_again_is_a_sign_of_life_a_remembered_one_is_none() -> None:
    story = measured(obeying(), exit_a=Health.DOWN)
    again, remembered = order(1, "exit-a"), order(1, "exit-a")

    story.hears(Ordered(15.0, again), Ordered(25.0, remembered, live=False))

    assert not story.hears(Polled(15.0 + SILENT_S - 0.1, WALL, ())).of(Point)
    assert story.hears(Polled(15.0 + SILENT_S, WALL, ())).of(Point) == [Point(B)]


def test_what_is_done_is_said() -> None:
    story = walking()

    assert SayEvent(EntryEventKind.MOVED, 1, "exit-a", "exit-b") in story.done
    assert (story.report.active, story.report.epoch) == ("exit-b", 1)
    assert story.report.walked
    cause = "walking: exit-a is down by own probes, and the bus is away"
    assert story.report.cause == cause


@pytest.mark.parametrize("health", [Health.UP, Health.DEGRADED, Health.UNKNOWN])
def test_a_path_that_is_not_down_is_never_left(health: Health) -> None:
    story = measured(obeying(), exit_a=health)

    assert not story.hears(BusLost(2.0)).of(Point)
    assert not story.report.walked


def test_no_path_is_better_than_none() -> None:
    story = measured(obeying(), exit_a=Health.DOWN, exit_b=Health.DOWN)

    assert not story.hears(BusLost(2.0)).of(Point)
    assert story.hears(seen(3.0, "exit-b", Health.UP)).of(Point) == [Point(B)]


def test_the_order_s_ranking_is_followed_with_what_is_well_first() -> None:
    story = measured(obeying(A, B, C), exit_c=Health.UP, exit_b=Health.DEGRADED)
    story.hears(BusLost(2.0))

    assert story.hears(seen(3.0, "exit-a", Health.DOWN)).of(Point) == [Point(C)]


def test_who_was_unusable_is_taken_only_if_nobody_else_is_there() -> None:
    story = obeying(A, replace(B, usable=False), C)
    story = measured(story, exit_c=Health.DEGRADED).hears(BusLost(2.0))

    assert story.hears(seen(3.0, "exit-a", Health.DOWN)).of(Point) == [Point(C)]
    story.hears(HopStands(3.0, Point(C)), seen(4.0, "exit-c", Health.DOWN))
    assert [one.hop.exit for one in story.of(Point) if one.hop] == ["exit-b"]


def test_who_is_drained_is_taken_last() -> None:
    story = measured(obeying(A, B, C), exit_c=Health.DEGRADED)
    story.hears(ModeSet(1.9, Mode(drained=("exit-b",))), BusLost(2.0))

    assert story.hears(seen(3.0, "exit-a", Health.DOWN)).of(Point) == [Point(C)]


def test_only_one_exit_means_no_other_by_wish() -> None:
    only = Mode(choice=Choice.ONLY, exit="exit-a")
    story = obeying().hears(ModeSet(1.9, only), BusLost(2.0))

    story.hears(seen(3.0, "exit-a", Health.DOWN))

    assert not story.of(Point)
    assert not story.report.walked


def test_a_gate_that_is_closed_stays_without_a_way() -> None:
    story = obeying().hears(Ordered(1.8, order(2, None, Gate.CLOSED)))
    story.hears(HopStands(1.8, Point(None)))

    assert not story.hears(BusLost(2.0)).of(Point)


def test_what_was_held_goes_on_where_a_path_is_up() -> None:
    story = obeying().hears(Ordered(1.8, order(2, None)))
    story.hears(HopStands(1.8, Point(None)))

    story.hears(BusLost(2.0))

    (point,) = story.of(Point)
    assert point.hop is not None
    assert story.report.cause == "walking: no way was ordered, and the bus is away"


# --- on the way -----------------------------------------------------------------------


def test_there_is_no_way_back_while_the_present_path_is_well() -> None:
    story = walking().hears(seen(4.0, "exit-a", Health.UP))

    assert not story.of(Point)
    assert story.report.active == "exit-b"


def test_a_walk_does_not_lead_to_what_turns_out_to_be_a_gateway() -> None:
    story = walking()

    story.hears(Surveyed(4.0, Neighbours(BRIDGE, frozenset({B.address}))))

    assert story.of(Point) == [Point(None)]


def test_a_walk_goes_on_when_its_path_dies() -> None:
    story = walking().hears(seen(4.0, "exit-a", Health.UP))

    story.hears(seen(5.0, "exit-b", Health.DOWN))

    assert story.of(Point) == [Point(A)]
    assert not story.report.walked


# --- they are back --------------------------------------------------------------------


def back(story: Story, at_s: float = 10.0) -> Story:
    story.hears(BusConnected(at_s), CoordinatorSaid(at_s, Status.ONLINE))
    return story.hears(Ordered(at_s, order(1, "exit-a")))


def test_a_remembered_presence_ends_no_walk() -> None:
    story = walking().hears(seen(4.0, "exit-a", Health.UP))
    story.hears(BusConnected(10.0), CoordinatorSaid(10.0, Status.ONLINE))
    story.hears(Ordered(10.0, order(1, "exit-a"), live=False))

    assert not story.hears(Polled(10.0 + ADOPTS_S, WALL, ())).of(Point)
    assert story.hears(seen(21.0, "exit-b", Health.DOWN)).of(Point) == [Point(A)]


def test_a_remembered_presence_leads_nobody_to_a_dead_exit() -> None:
    story = measured(obeying(A, B, C), exit_c=Health.UP)
    story.hears(
        BusLost(2.0), seen(3.0, "exit-a", Health.DOWN), HopStands(3.0, Point(B))
    )
    story.hears(BusConnected(10.0), CoordinatorSaid(10.0, Status.ONLINE))

    story.hears(seen(10.1, "exit-b", Health.DOWN))

    assert story.of(Point) == [Point(C)]


def test_the_next_newer_order_is_obeyed() -> None:
    story = back(walking())

    adopted = story.hears(Ordered(10.1, order(2, "exit-b")))
    assert not adopted.of(Point)
    assert (adopted.report.walked, adopted.report.cause) == (False, "")

    assert story.hears(Ordered(10.2, order(3, "exit-a"))).of(Point) == [Point(A)]


def test_the_same_order_throws_nobody_onto_a_dead_path() -> None:
    story = back(walking())

    for at_s in (10.1, 15.1, 20.1, 25.1, 30.1):
        assert not story.hears(Ordered(at_s, order(1, "exit-a"))).of(Point)
    assert story.report.active == "exit-b"


def test_the_coordinator_has_time_to_adopt_the_present() -> None:
    story = back(walking()).hears(seen(10.1, "exit-a", Health.UP))

    assert not story.hears(Ordered(10.0 + ADOPTS_S - 0.1, order(1, "exit-a"))).of(Point)
    again = Ordered(10.0 + ADOPTS_S, order(1, "exit-a"))
    assert story.hears(again).of(Point) == [Point(A)]


def test_that_time_begins_anew_when_they_go_again() -> None:
    story = back(walking()).hears(seen(10.1, "exit-a", Health.UP), BusLost(15.0))

    back(story, 18.0).hears(Polled(18.0 + ADOPTS_S - 0.1, WALL, ()))

    assert not story.of(Point)


def test_the_order_is_obeyed_at_once_if_the_walk_came_to_a_dead_end() -> None:
    story = back(walking()).hears(seen(10.1, "exit-a", Health.UP))

    assert story.hears(seen(10.2, "exit-b", Health.DOWN)).of(Point) == [Point(A)]


# --- a successor of one that walked --------------------------------------------------


def succeeding(*events: Event) -> Story:
    """A new life: traffic was left with exit-b, the broker remembers order 1."""
    story = Story().hears(Adopted(0.0, WG0, B.address, "nft"), BusConnected(0.5))
    story.hears(CoordinatorSaid(0.6, Status.ONLINE))
    story.hears(Ordered(0.6, order(1, "exit-a"), live=False))
    assert story.of(Point) == [Point(B)]  # where it is
    return story.hears(HopStands(0.6, Point(B)), *events)


def test_what_was_found_carrying_is_not_left_for_what_is_unknown() -> None:
    story = succeeding(seen(1.0, "exit-b", Health.UP), Polled(30.0, WALL, ()))

    assert not story.of(Point)
    assert not story.report.walked  # nobody shall take that for a decision
    cause = "exit-b was found carrying; exit-a is being measured"
    assert story.report.cause == cause


@pytest.mark.parametrize("health", [Health.UP, Health.DEGRADED])
def test_it_is_left_once_the_ordered_path_carries(health: Health) -> None:
    story = succeeding(seen(1.0, "exit-b", Health.UP), seen(1.1, "exit-a", health))

    assert story.of(Point) == [Point(A)]


def test_it_is_kept_if_the_ordered_path_is_down_and_nobody_orders() -> None:
    story = succeeding(seen(1.0, "exit-b", Health.UP), seen(2.0, "exit-a", Health.DOWN))
    assert not story.of(Point)
    assert (story.report.walked, story.report.active) == (True, "exit-b")

    assert not story.hears(Polled(30.0, WALL, ())).of(Point)
    assert story.hears(Ordered(31.0, order(2, "exit-a"))).of(Point) == [Point(A)]


def test_it_is_left_at_once_if_it_is_down_itself() -> None:
    assert succeeding(seen(1.0, "exit-b", Health.DOWN)).of(Point) == [Point(A)]


def test_it_is_left_at_once_for_a_newer_order() -> None:
    story = succeeding().hears(Ordered(1.0, order(2, "exit-a")))

    assert story.of(Point) == [Point(A)]


@pytest.mark.parametrize(
    "wanted",
    [
        order(1, None),
        order(1, "exit-a", Gate.CLOSED),
        Order(epoch=1, gate=Gate.OPEN, active="exit-a", exits=(A,)),
    ],
    ids=["nobody_may", "closed", "another_alone"],
)
def test_what_the_order_does_not_allow_is_not_kept(wanted: Order) -> None:
    story = Story().hears(Adopted(0.0, WG0, B.address, "nft"))

    story.hears(Ordered(1.0, wanted, live=False))

    (point,) = story.of(Point)
    assert point != Point(B)


# --- connections of clients -----------------------------------------------------------


def test_connections_begin_anew_when_a_dead_path_was_left() -> None:
    assert walking().of(ForgetFlows) == [ForgetFlows()]


def test_connections_begin_anew_when_an_unusable_exit_was_left() -> None:
    story = obeying()
    hops = (B, replace(A, usable=False))
    failover = Order(epoch=2, gate=Gate.OPEN, active="exit-b", exits=hops)

    story.hears(Ordered(2.0, failover), HopStands(2.0, Point(B)))

    assert story.of(ForgetFlows) == [ForgetFlows()]


def test_connections_begin_anew_when_the_exit_is_no_more() -> None:
    story = obeying()
    failover = Order(epoch=2, gate=Gate.OPEN, active="exit-b", exits=(B,))

    story.hears(Ordered(2.0, failover), HopStands(2.0, Point(B)))

    assert story.of(ForgetFlows) == [ForgetFlows()]


def test_connections_begin_anew_after_nobody_carried_them() -> None:
    story = measured(obeying(), exit_a=Health.DOWN)
    story.hears(Ordered(2.0, order(2, None)), HopStands(2.0, Point(None)))
    assert not story.of(ForgetFlows)

    story.hears(Ordered(3.0, order(3, "exit-b")), HopStands(3.0, Point(B)))

    assert story.of(ForgetFlows) == [ForgetFlows()]


def test_a_planned_move_leaves_connections_alone() -> None:
    story = obeying().hears(Ordered(2.0, order(2, "exit-b")))

    story.hears(HopStands(2.0, Point(B)))

    assert not story.of(ForgetFlows)
    assert story.report.active == "exit-b"
