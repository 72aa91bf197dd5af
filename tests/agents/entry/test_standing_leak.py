"""A leak that stands outlives the agent: what is told on, and what is made of it."""

import pytest

from agents.entry.events import (
    Adopted,
    ExitHeard,
    GateStands,
    HopStands,
    LeakHeard,
    Ordered,
    Polled,
)
from agents.entry.inbound import event_of, subscriptions
from agents.entry.model import (
    CloseGate,
    ForgetLeak,
    OpenGate,
    Point,
    SayEvent,
    SayLeak,
)
from bus.codec import decode
from bus.errors import PayloadError
from bus.interface import Received
from bus.messages.entries import LeakReport
from bus.messages.orders import Gate
from bus.topics import ENTRY_LEAK, ORDER
from tests.agents.entry.leak_story import (
    LOOKING,
    OTHER,
    PROVIDER,
    READY,
    accept,
    leaking,
    looking,
    seen,
)
from tests.agents.entry.story import WALL, WG0, A, Story, order

WHY = "through exit-a clients are seen as 192.0.2.2, not 192.0.2.1"


def restarted(why: str = WHY) -> Story:
    """A new life, whose predecessor had closed the gate; then it is ordered to open."""
    return Story(LOOKING).hears(LeakHeard(1.0, why), Ordered(1.1, order(1, "exit-a")))


def carrying_on() -> Story:
    """The same, with the way standing that was ordered."""
    return restarted().hears(HopStands(1.2, Point(A)), ExitHeard(1.3, "exit-a", READY))


# --- what is told on ------------------------------------------------------------------


def test_a_leak_is_told_on_at_once_and_taken_back_when_it_is_over() -> None:
    story = seen(seen(looking(), PROVIDER), OTHER)
    assert story.of(SayLeak) == [SayLeak(story.report.leak)]

    story.hears(GateStands(2.1, None))
    seen(story, OTHER)
    assert story.of(SayLeak) == []
    seen(seen(story, PROVIDER), PROVIDER)

    assert story.of(ForgetLeak) == [ForgetLeak()]


def test_without_a_leak_there_is_nothing_to_take_back() -> None:
    story = seen(looking(), PROVIDER)

    assert (story.of(SayLeak), story.of(ForgetLeak)) == ([], [])


# --- what is heard --------------------------------------------------------------------


@pytest.mark.parametrize("retained", [True, False])
def test_what_is_heard_live_is_our_own_voice(*, retained: bool) -> None:
    said = LeakReport(why=WHY)
    heard = Received(ENTRY_LEAK, {"entry": "entry"}, said, retained=retained)

    assert event_of(heard, 1.0) == (LeakHeard(1.0, WHY) if retained else None)


def test_it_is_heard_before_any_order_and_our_own_only() -> None:
    wanted = subscriptions("entry", leak_check=True)

    names = [one.topic for one in wanted]
    assert names.index(ENTRY_LEAK) < names.index(ORDER)
    assert wanted[names.index(ENTRY_LEAK)].filter == "entry/entry/leak"


def test_who_does_not_look_for_leaks_stands_by_none() -> None:
    topics = [one.topic for one in subscriptions("entry", leak_check=False)]

    assert ENTRY_LEAK not in topics


@pytest.mark.parametrize("why", ["", "x" * 301, "two\nlines", "\x1b[2J"])
def test_what_no_entry_says_is_not_repeated(why: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        LeakReport(why=why)


@pytest.mark.parametrize("raw", [b"", b"yes", b"{}", b'{"why": 1}', b'{"why": ""}'])
def test_rubbish_is_no_leak(raw: bytes) -> None:
    with pytest.raises(PayloadError):
        decode(LeakReport, raw)


# --- what is made of it ---------------------------------------------------------------


def test_no_order_opens_the_gate_of_a_restarted_entry() -> None:
    story = restarted()
    assert story.of(OpenGate) == []

    for epoch in (2, 3):
        story.hears(Ordered(2.0, order(epoch, "exit-a")), Polled(9.0, WALL))
        assert story.of(OpenGate) == []
    assert (story.report.leak, story.state.gate) == (WHY, Gate.CLOSED)


def test_it_is_no_event_of_this_life_but_told_on_to_the_next() -> None:
    story = Story(LOOKING).hears(LeakHeard(1.0, WHY))

    assert story.of(SayEvent) == []
    assert story.of(SayLeak) == [SayLeak(WHY)]


def test_a_gate_that_was_left_open_is_closed_without_an_order() -> None:
    story = Story(LOOKING).hears(Adopted(0.5, WG0, A.address, "nft"))
    assert story.of(CloseGate) == []

    story.hears(LeakHeard(1.0, WHY))

    assert story.of(CloseGate) == [CloseGate()]
    assert story.of(Point) == []


def test_one_that_comes_after_the_order_closes_the_gate_again() -> None:
    story = looking().hears(LeakHeard(2.0, WHY))

    assert story.of(CloseGate) == [CloseGate()]


def test_who_accepts_the_address_opens_the_gate_of_a_restarted_entry() -> None:
    story = carrying_on()
    assert accept(story) == (
        False,
        "nobody has said yet what the present address is",
    )
    seen(story, OTHER)

    assert accept(story) == (True, "")
    assert story.of(OpenGate) == [OpenGate()]
    assert story.of(ForgetLeak) == [ForgetLeak()]
    assert seen(story, PROVIDER).report.leak


def test_what_a_predecessor_knew_is_not_known_so_only_people_open_the_gate() -> None:
    story = carrying_on()

    for _ in range(3):
        assert seen(story, PROVIDER).report.leak == WHY


def test_a_broker_that_remembers_a_leak_which_is_over_is_not_believed() -> None:
    story = seen(seen(leaking(), PROVIDER), PROVIDER)
    assert story.report.leak == ""

    story.hears(LeakHeard(5.0, WHY))

    assert story.report.leak == ""


def test_nor_does_it_change_why_the_gate_is_closed() -> None:
    story = leaking()
    why = story.report.leak

    assert story.hears(LeakHeard(5.0, "else")).report.leak == why
