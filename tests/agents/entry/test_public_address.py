"""Where clients are seen: what is learned, what is a leak, and what ends one."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from agents.entry.control_plane import BusLost
from agents.entry.events import (
    AddressSeen,
    ExitHeard,
    GateStands,
    HopStands,
    Ordered,
    Polled,
)
from agents.entry.inbound import event_of
from agents.entry.model import (
    CloseGate,
    Inquire,
    OpenGate,
    Point,
    SayEvent,
)
from agents.entry.public_address import SILENT_S, Inquiry, Outlook, inquiry
from bus.interface import Received
from bus.messages.entries import EntryEventKind
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Hop
from bus.topics import EXIT_STATE
from tests.agents.entry.leak_story import (
    HOME,
    OTHER,
    PROVIDER,
    READY,
    accept,
    leaking,
    looking,
    moved,
    seen,
)
from tests.agents.entry.story import WALL, A, Story, order

# --- what is asked --------------------------------------------------------------------


def test_nobody_is_asked_unless_that_is_set() -> None:
    story = Story().hears(
        Ordered(1.0, order(1, "exit-a")),
        HopStands(1.0, Point(A)),
        ExitHeard(1.2, "exit-a", READY),
    )

    assert story.state.inquiry is None


def test_it_is_asked_through_the_exit_that_carries() -> None:
    story = looking()

    assert story.of(Inquire) == [Inquire(Inquiry("exit-a", A.address, tunnel=1))]


def test_nobody_is_asked_while_nobody_carries() -> None:
    story = looking().hears(Ordered(2.0, order(2, None)), HopStands(2.0, Point(None)))

    assert story.of(Inquire) == [Inquire(None)]


def test_the_answer_is_told() -> None:
    story = seen(looking(), PROVIDER)

    assert (story.report.public_address, story.report.leak) == (PROVIDER, "")


def test_after_a_move_the_answer_is_another_exits() -> None:
    story = moved(seen(looking(), PROVIDER))

    assert story.report.public_address == ""


def test_nobody_is_asked_through_an_exit_whose_name_is_unknown() -> None:
    assert inquiry(Outlook(), Hop(exit="", address=A.address), 1.0) is None


def test_an_exit_that_is_not_ready_has_no_tunnel_to_know_one_by() -> None:
    story = looking().hears(ExitHeard(2.0, "exit-a", replace(READY, stage=Stage.PPP)))

    assert story.of(Inquire) == [Inquire(Inquiry("exit-a", A.address, tunnel=None))]


@pytest.mark.parametrize("retained", [True, False])
def test_what_a_broker_remembers_of_an_exit_is_no_word_of_its_own(
    *, retained: bool
) -> None:
    heard = Received(EXIT_STATE, {"exit": "exit-a"}, READY, retained=retained)

    word = None if retained else ExitHeard(2.0, "exit-a", READY)

    assert event_of(heard, 2.0) == word


# --- what is a leak -------------------------------------------------------------------


def test_another_address_of_the_same_tunnel_closes_the_gate() -> None:
    story = seen(seen(looking(), PROVIDER), OTHER)

    assert story.of(CloseGate) == [CloseGate()]
    assert story.report.leak == (
        f"through exit-a clients are seen as {OTHER}, not {PROVIDER}, "
        "and its tunnel is the same"
    )
    assert story.report.public_address == OTHER


def test_a_leak_is_told_of_once() -> None:
    story = seen(seen(looking(), PROVIDER), OTHER)
    (event,) = story.of(SayEvent)
    assert (event.kind, event.epoch, event.before) == (
        EntryEventKind.LEAK,
        1,
        "exit-a",
    )

    seen(story, OTHER)

    assert story.of(SayEvent) == []


def test_an_address_at_home_is_a_leak_at_first_sight() -> None:
    story = seen(looking(), HOME)

    assert story.of(CloseGate) == [CloseGate()]
    assert "at home (203.0.113.0/29)" in story.report.leak


def test_an_address_at_home_is_a_leak_whatever_the_exit_says() -> None:
    story = looking().hears(BusLost(1.5))

    seen(story, HOME)

    assert story.report.leak


def test_the_same_address_again_is_none() -> None:
    story = seen(seen(looking(), PROVIDER), PROVIDER)

    assert story.report.leak == ""


def test_another_exit_has_another_address() -> None:
    story = seen(moved(seen(looking(), PROVIDER)), OTHER)

    assert (story.report.leak, story.report.public_address) == ("", OTHER)


@pytest.mark.parametrize(
    "report",
    [
        replace(READY, since=WALL + 2),
        replace(READY, boot="two"),
        replace(READY, tunnel_address="10.0.0.3"),
    ],
    ids=["ready-anew", "restarted", "other-address"],
)
def test_a_new_tunnel_may_have_another_address(report: ExitReport) -> None:
    story = seen(looking(), PROVIDER).hears(ExitHeard(2.5, "exit-a", report))

    seen(story, OTHER)

    assert (story.report.leak, story.report.public_address) == ("", OTHER)


def test_a_tunnel_that_came_back_is_a_new_one() -> None:
    story = seen(looking(), PROVIDER).hears(
        ExitHeard(2.5, "exit-a", replace(READY, stage=Stage.IKE)),
        ExitHeard(2.6, "exit-a", READY),
    )

    assert seen(story, OTHER).report.leak == ""


def test_a_clock_that_is_slewed_makes_no_new_tunnel() -> None:
    story = seen(looking(), PROVIDER)
    for step in range(1, 6):
        late = replace(READY, since=WALL + 0.5 * step)
        story.hears(ExitHeard(2.0 + step / 10, "exit-a", late))

    assert seen(story, OTHER).report.leak


def test_an_answer_from_before_a_move_says_nothing() -> None:
    story = seen(looking(), PROVIDER)
    asked = story.state.inquiry
    assert asked is not None

    moved(story).hears(AddressSeen(3.2, asked, IPv4Address(HOME)))

    assert (story.report.leak, story.report.public_address) == ("", "")


def test_without_the_broker_a_new_tunnel_would_go_unheard() -> None:
    story = seen(looking(), PROVIDER).hears(BusLost(2.5))

    assert seen(story, OTHER).report.leak == ""


def test_nor_is_an_exit_judged_that_is_silent() -> None:
    story = seen(looking(), PROVIDER)

    story.hears(Polled(1.2 + SILENT_S - 0.1, WALL))
    assert story.state.inquiry == Inquiry("exit-a", A.address, tunnel=1)
    story.hears(Polled(1.2 + SILENT_S, WALL))

    assert seen(story, OTHER, 1.2 + SILENT_S).report.leak == ""


def test_what_was_seen_while_an_exit_was_silent_is_not_learned() -> None:
    story = seen(looking().hears(BusLost(1.5)), OTHER)
    story.hears(ExitHeard(2.5, "exit-a", READY))

    assert seen(seen(story, PROVIDER), PROVIDER).report.leak == ""


def test_what_was_known_is_known_when_the_same_tunnel_is_heard_of_again() -> None:
    story = seen(looking(), PROVIDER).hears(
        BusLost(2.5), ExitHeard(2.6, "exit-a", READY)
    )

    assert seen(story, OTHER).report.leak


def test_strangers_are_not_remembered() -> None:
    story = looking().hears(ExitHeard(2.0, "exit-z", READY))

    assert set(story.state.outlook.tunnels) == {"exit-a"}


# --- while it lasts -------------------------------------------------------------------


def test_no_order_opens_the_gate_while_a_leak_stands() -> None:
    story = leaking()

    for epoch in (2, 3):
        story.hears(Ordered(3.0, order(epoch, "exit-a")), Polled(3.1, WALL))
        assert story.of(OpenGate) == []
        assert story.state.gate is Gate.CLOSED


def test_an_order_that_closes_the_gate_is_obeyed_as_well() -> None:
    story = leaking().hears(Ordered(3.0, order(2, None, Gate.CLOSED)))

    assert story.of(OpenGate) == []
    assert story.state.gate is Gate.CLOSED


def test_a_leak_moves_nobody() -> None:
    story = seen(seen(looking(), PROVIDER), OTHER)

    assert story.of(Point) == []
    assert story.report.active == "exit-a"


def test_it_is_asked_more_urgently() -> None:
    story = seen(seen(looking(), PROVIDER), OTHER)

    assert story.of(Inquire) == [
        Inquire(Inquiry("exit-a", A.address, tunnel=1, urgent=True))
    ]


# --- what ends it ---------------------------------------------------------------------


def test_the_known_address_seen_twice_opens_the_gate() -> None:
    story = seen(leaking(), PROVIDER)
    assert story.report.leak
    assert story.of(OpenGate) == []

    seen(story, PROVIDER)

    assert story.report.leak == ""
    assert story.of(OpenGate) == [OpenGate()]


def test_twice_means_in_a_row() -> None:
    story = leaking()

    for address in (PROVIDER, OTHER, PROVIDER, HOME, PROVIDER):
        seen(story, address)
        assert story.report.leak


def test_twice_means_through_one_exit() -> None:
    story = moved(seen(looking(), PROVIDER))
    seen(seen(story, OTHER), "192.0.2.9").hears(GateStands(3.3, None))
    assert story.report.leak
    seen(story, OTHER)

    story.hears(Ordered(4.0, order(3, "exit-a")), HopStands(4.0, Point(A)))
    story.hears(ExitHeard(4.1, "exit-a", READY))
    seen(story, PROVIDER)
    assert story.report.leak

    assert seen(story, PROVIDER).report.leak == ""


def test_what_was_not_known_before_opens_nothing() -> None:
    story = seen(looking(), HOME).hears(GateStands(2.1, None))

    for _ in range(3):
        seen(story, PROVIDER)

    assert story.report.leak


def test_nor_does_the_known_address_of_a_tunnel_that_is_gone() -> None:
    story = leaking().hears(ExitHeard(2.5, "exit-a", replace(READY, since=WALL + 9)))

    for _ in range(3):
        seen(story, PROVIDER)

    assert story.report.leak


def test_who_accepts_the_address_opens_the_gate_and_it_is_known_from_then_on() -> None:
    story = leaking()

    assert accept(story) == (True, "")
    assert story.report.leak == ""
    assert story.of(OpenGate) == [OpenGate()]
    assert seen(story, OTHER).report.leak == ""
    assert seen(story, PROVIDER).report.leak


def test_what_is_accepted_while_the_exit_is_silent_is_known_to_no_tunnel() -> None:
    story = leaking().hears(BusLost(2.5))
    seen(story, OTHER)

    assert accept(story) == (True, "")
    story.hears(ExitHeard(4.5, "exit-a", READY))
    assert seen(story, OTHER).report.leak == ""


def test_an_address_at_home_is_not_accepted() -> None:
    story = seen(leaking(), HOME)

    granted, error = accept(story)

    assert (granted, error) == (
        False,
        f"{HOME} is at home (203.0.113.0/29) by the settings",
    )
    assert story.report.leak


def test_an_address_that_nobody_has_said_yet_is_not_accepted() -> None:
    story = moved(leaking())

    granted, error = accept(story)

    assert (granted, error) == (
        False,
        "nobody has said yet what the present address is",
    )
    assert story.report.leak


def test_without_a_leak_there_is_nothing_to_accept() -> None:
    assert accept(looking()) == (False, "there is no leak")


def test_an_entry_knows_no_other_wish() -> None:
    story = leaking()

    assert accept(story, "reconnect") == (False, "unknown to an entry: reconnect")
    assert story.report.leak
