"""What the page is sent: what is new, and nothing else."""

from dataclasses import replace
from typing import Any, Final

from agents.dashboard.picture import CARRIES, EGRESS, EVENTS, GONE, Data, Picture
from bus.codec import as_data
from bus.examples import example_of
from bus.interface import BusDown, BusUp, Forgotten, Received
from bus.messages.containers import ContainerEvent
from bus.messages.entries import EntryReport
from bus.messages.exits import ExitEvent, ExitReport, Stage
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.topics import (
    CONTAINER_EVENT,
    ENTRY_STATE,
    EXIT_EVENT,
    EXIT_STATE,
    ORDER,
    PATH_STATE,
    PRESENCE,
    TOPICS,
    Topic,
)

REPORT: Final = example_of(ExitReport)
ENTRY: Final = example_of(EntryReport)
LEAVES: Final = {"exit": "exit-a", "held": "", "away": ""}


def tell(
    picture: Picture,
    topic: Topic[Any],
    payload: object,
    at: float = 1000.0,
    **levels: str,
) -> None:
    picture.take(Received(topic, levels, payload), as_data(payload), at)


def states(data: Data) -> Data:
    known: Data = data["states"]
    return known


def test_a_state_stands_under_its_topic_without_its_stamp() -> None:
    picture = Picture()

    tell(picture, EXIT_STATE, REPORT, exit="exit-a")

    known = states(picture.since(0))["exit/exit-a/state"]
    assert known["stage"] == "ready"
    assert not known.keys() & {"at", "boot", "seq"}


def test_a_state_said_again_is_no_news() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    before = picture.revision

    tell(picture, EXIT_STATE, replace(REPORT, at=9.0, seq=99), exit="exit-a")

    assert picture.revision == before


def test_only_what_changed_since_is_sent() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    tell(picture, EXIT_STATE, REPORT, exit="exit-b")
    seen = picture.revision

    tell(picture, EXIT_STATE, replace(REPORT, cause="x"), exit="exit-b")

    assert list(states(picture.since(seen))) == ["exit/exit-b/state"]


def test_what_is_gone_is_taken_away_and_unknown_to_who_comes_later() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    seen = picture.revision

    picture.take(Forgotten(EXIT_STATE, {"exit": "exit-a"}), {}, 1.0)

    assert states(picture.since(seen)) == {"exit/exit-a/state": None}
    assert "exit/exit-a/state" not in states(picture.since(0))


def test_who_has_not_heard_for_long_what_is_gone_is_sent_everything() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    seen = picture.revision
    for number in range(GONE + 1):
        tell(picture, EXIT_STATE, REPORT, exit=f"old-{number}")
        picture.take(Forgotten(EXIT_STATE, {"exit": f"old-{number}"}), {}, 1.0)

    assert picture.since(seen)["reset"]
    assert list(states(picture.since(seen))) == ["exit/exit-a/state", CARRIES]
    late = picture.since(picture.revision - 1)
    assert not late["reset"]
    assert states(late) == {f"exit/old-{GONE}/state": None}


def test_what_came_back_is_no_longer_gone() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    seen = picture.revision
    picture.take(Forgotten(EXIT_STATE, {"exit": "exit-a"}), {}, 1.0)
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")

    assert states(picture.since(seen))["exit/exit-a/state"]["stage"] == "ready"


def test_an_exit_that_was_removed_is_measured_no_more() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    tell(picture, PATH_STATE, example_of(PathReport), entry="entry", exit="exit-a")

    picture.take(Forgotten(EXIT_STATE, {"exit": "exit-a"}), {}, 1.0)
    assert list(picture.tracks) == ["exit-a"]  # its path is still measured
    gone = Forgotten(PATH_STATE, {"entry": "entry", "exit": "exit-a"})
    picture.take(gone, {}, 1.0)
    assert not picture.tracks


def test_events_are_kept_in_order_and_bounded() -> None:
    picture = Picture()
    event = example_of(ExitEvent)

    for _ in range(EVENTS + 5):
        tell(picture, EXIT_EVENT, event, exit="exit-a")

    events = picture.since(0)["events"]
    assert len(events) == EVENTS
    assert events[-1]["topic"] == "exit/exit-a/event"
    assert picture.since(picture.revision - 2)["events"] == events[-2:]


def test_what_happens_to_a_container_is_an_event() -> None:
    picture = Picture()

    tell(picture, CONTAINER_EVENT, example_of(ContainerEvent), agent="exit-a")

    assert picture.urgent
    [event] = picture.since(0)["events"]
    assert event["topic"] == "container/exit-a/event"


def test_the_bus_itself_is_part_of_the_picture() -> None:
    picture = Picture()

    picture.take(BusUp(), {}, 1.0)
    picture.take(BusDown(), {}, 2.0)

    assert states(picture.since(0)) == {"bus": {"connected": False}}


def test_a_stage_is_urgent_and_a_figure_is_not() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    picture.calm()

    tell(picture, EXIT_STATE, replace(REPORT, rtt_ms=77.0), exit="exit-a")
    assert not picture.urgent

    tell(picture, EXIT_STATE, replace(REPORT, stage=Stage.PPP), exit="exit-a")
    assert picture.urgent


def test_where_clients_leave_is_said_of_each_entry() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    assert f"{EGRESS}entry" not in states(picture.since(0))

    tell(picture, ENTRY_STATE, ENTRY, entry="entry")
    assert states(picture.since(0))[f"{EGRESS}entry"] == LEAVES
    assert states(picture.since(0))[CARRIES] == {"yes": True}
    picture.take(Forgotten(ENTRY_STATE, {"entry": "entry"}), {}, 1.0)
    assert f"{EGRESS}entry" not in states(picture.since(0))


def test_that_clients_do_not_get_out_is_urgent_news_whoever_tells_it() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    tell(picture, ENTRY_STATE, ENTRY, entry="entry")
    picture.calm()
    seen = picture.revision

    tell(picture, PRESENCE, Presence(status=Status.OFFLINE), agent="entry")

    assert picture.urgent
    told = states(picture.since(seen))[f"{EGRESS}entry"]
    assert told == {"exit": None, "held": "entry is offline", "away": "offline"}
    assert states(picture.since(seen))[CARRIES] == {"yes": False}


def test_clients_get_out_only_if_those_of_every_entry_that_is_there_do() -> None:
    picture = Picture()
    tell(picture, EXIT_STATE, REPORT, exit="exit-a")
    tell(picture, ENTRY_STATE, ENTRY, entry="entry")

    tell(picture, ENTRY_STATE, replace(ENTRY, active=None), entry="other")
    known = states(picture.since(0))
    assert (known[f"{EGRESS}entry"], known[CARRIES]) == (LEAVES, {"yes": False})
    tell(picture, PRESENCE, Presence(status=Status.STOPPED), agent="other")
    assert states(picture.since(0))[CARRIES] == {"yes": True}


def test_an_order_is_always_urgent() -> None:
    picture = Picture()

    tell(picture, ORDER, example_of(ORDER.payload))

    assert picture.urgent


def test_paths_and_counters_become_tracks() -> None:
    picture = Picture()
    path = example_of(PathReport)
    tell(picture, PATH_STATE, path, 1000.0, entry="entry", exit="exit-a")
    tell(picture, EXIT_STATE, REPORT, 1000.0, exit="exit-a")
    more = replace(REPORT, received_bytes=(REPORT.received_bytes or 0) + 5000)
    tell(picture, EXIT_STATE, more, 1005.0, exit="exit-a")

    times, rtt, _, received, _ = picture.tracks["exit-a"].hour.columns()

    assert times == [1000.0, 1005.0]
    assert rtt == [19.2, None]
    assert received == [None, 8000.0]


def test_a_path_that_is_down_has_no_figures() -> None:
    picture = Picture()
    path = example_of(PathReport)
    down = replace(path, health=Health.DOWN)
    for at, said in ((1000.0, path), (1005.0, down), (1010.0, path)):
        tell(picture, PATH_STATE, said, at, entry="entry", exit="exit-a")

    times, rtt, loss, *_ = picture.tracks["exit-a"].hour.columns()

    assert times == [1000.0, 1005.0, 1010.0]
    assert (rtt, loss) == ([19.2, None, 19.2], [path.loss_ratio, None, path.loss_ratio])


def test_every_topic_of_the_bus_can_be_shown() -> None:
    picture = Picture()

    for topic in TOPICS:
        levels = dict.fromkeys(
            (part.strip("{}") for part in topic.pattern.split("/") if "{" in part), "x"
        )
        payload = example_of(topic.payload)
        picture.take(Received(topic, levels, payload), as_data(payload), 1.0)

    shown = states(picture.since(0))
    own = {"bus", CARRIES, f"{EGRESS}x"}
    assert {name for name in shown if name not in own} == {
        topic.pattern.replace("{agent}", "x")
        .replace("{exit}", "x")
        .replace("{entry}", "x")
        .replace("{peer}", "x")
        for topic in TOPICS
        if topic.retain
    }
