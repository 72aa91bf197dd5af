"""The stream tells how long a path was gone and what was lost, against a real echo."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lab.client import Client
from lab.nodes import Lab, open_lab
from lab.stream import LATE_S, Track, affordable_hz, measure, new_track
from lab.talk import LabError
from lab.topology import INTERNET_ADDRESS, End, Link, Node, Port, Role, Topology

WITHIN_S = 20.0


def track_of(*packets: tuple[float, float, str]) -> Track:
    track = new_track()
    for sent_s, back_s, address in packets:
        number = track.went(sent_s)
        if back_s:
            track.came(number, back_s, address)
    return track


def test_a_path_that_works_loses_nothing_and_names_whom_it_saw() -> None:
    track = track_of((1.0, 1.1, "a"), (1.2, 1.3, "a"), (1.4, 1.5, "a"))

    window = measure(track, 1.0, 1.5)

    assert (window.sent, window.lost, window.seen) == (3, 0, {"a": 3})
    assert window.longest_gap_ms == 200.0


def test_a_gap_is_between_arrivals_and_loss_is_what_never_came() -> None:
    track = track_of(
        (1.0, 1.1, "a"),
        (1.2, 0.0, ""),
        (1.4, 0.0, ""),
        (1.6, 1.7, "b"),
        (1.8, 1.9, "b"),
    )

    window = measure(track, 1.0, 2.0)

    assert (window.lost, window.longest_gap_ms) == (2, 600.0)
    assert window.seen == {"a": 1, "b": 2}


def test_a_path_that_never_came_back_has_a_gap_up_to_the_end() -> None:
    track = track_of((1.0, 1.1, "a"), (1.2, 0.0, ""))

    assert measure(track, 1.0, 3.1).longest_gap_ms == 2000.0


def test_packets_outside_the_window_do_not_count() -> None:
    track = track_of((0.5, 0.0, ""), (1.0, 1.1, "a"), (2.0, 0.0, ""))

    assert measure(track, 1.0, 2.0).lost == 0


def test_a_late_answer_is_no_loss() -> None:
    track = track_of((1.0, 9.0, "a"), (1.2, 1.3, "a"))

    window = measure(track, 1.0, 1.5)

    assert (window.lost, window.longest_gap_ms) == (0, 7700.0)


def test_nothing_sent_is_nothing_lost() -> None:
    assert measure(new_track(), 1.0, 2.0).lost == 0


def test_own_pauses_are_told_apart() -> None:
    track = track_of((1.0, 1.1, "a"), (1.7, 1.8, "a"))

    assert measure(track, 1.0, 2.0).longest_pause_ms == 700.0


def test_a_second_answer_to_one_packet_changes_nothing() -> None:
    track = track_of((1.0, 1.1, "a"))

    track.came(0, 5.0, "b")

    assert measure(track, 1.0, 1.2).seen == {"a": 1}


@pytest.mark.parametrize(
    ("round_trip_s", "rate_hz"), [(0.0001, 1000), (0.0008, 500), (0.0039, 100), (9, 50)]
)
def test_a_slow_machine_is_asked_for_fewer_packets(
    round_trip_s: float, rate_hz: int
) -> None:
    assert affordable_hz(round_trip_s) == rate_hz


# --- with a network of its own, cut and mended ----------------------------------------


CLIENT = Node("client", Role.CLIENT, (Port("eth0", ("198.51.100.2/24",)),))
INTERNET = Node("internet", Role.INTERNET, (Port("eth0", (f"{INTERNET_ADDRESS}/24",)),))
PAIR = Topology(
    (CLIENT, INTERNET), (Link(End("client", "eth0"), End("internet", "eth0")),)
)


@asynccontextmanager
async def client() -> AsyncIterator[tuple[Lab, Client]]:
    """A client joined to an internet that answers."""
    async with asyncio.timeout(WITHIN_S), open_lab(PAIR) as lab:
        await lab.spawn(
            "internet", [sys.executable, "-m", "lab.internet"], log="internet"
        )
        # A file tells nobody that it grew.
        while "ready" not in lab.log("internet").read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield lab, Client(lab)


@pytest.mark.kernel
async def test_a_page_tells_its_visitor_whom_it_saw() -> None:
    async with client() as (_, visitor):
        assert await visitor.fetch(WITHIN_S) == "198.51.100.2"


@pytest.mark.kernel
async def test_a_ping_comes_back() -> None:
    async with client() as (_, visitor):
        assert await visitor.ping(WITHIN_S) > 0


@pytest.mark.kernel
async def test_nobody_there_is_told() -> None:
    async with client() as (lab, visitor):
        await lab.exec("client", ["ip", "link", "set", "eth0", "down"])

        with pytest.raises(LabError, match="fetching a page: "):
            await visitor.fetch(0.3)
        with pytest.raises(LabError, match="pinging: no answer within"):
            await visitor.ping(0.3)


@pytest.mark.kernel
async def test_a_cut_is_measured_as_long_as_it_lasted() -> None:
    async with client() as (lab, streamer), streamer.stream(200) as stream:
        start_s = time.monotonic()
        await stream.flows(start_s, WITHIN_S)
        cut_s = time.monotonic()
        await lab.exec("internet", ["ip", "link", "set", "eth0", "down"])
        await stream.window(cut_s, cut_s + 0.3)  # it answers when that has passed
        await lab.exec("internet", ["ip", "link", "set", "eth0", "up"])
        _, mended_s = await stream.flows(time.monotonic(), WITHIN_S)
        back_s = time.monotonic()  # a second after it went, if ARP had to ask again

        window = await stream.window(start_s, mended_s)

    assert stream.rate_hz == 200
    assert window.seen == {"198.51.100.2": window.sent - window.lost}
    assert window.lost > 0
    # The last answer before the cut may be as late as an answer may be at all.
    assert 300 <= window.longest_gap_ms <= 1000 * (back_s - cut_s + LATE_S)


@pytest.mark.kernel
async def test_another_address_is_noticed() -> None:
    async with client() as (lab, streamer), streamer.stream(200) as stream:
        start_s = await stream.left_by("198.51.100.2", WITHIN_S)
        translate = "-A POSTROUTING -o eth0 -p udp -j SNAT --to 198.51.100.3\n"
        await lab.exec(
            "client", ["ip", "addr", "add", "198.51.100.3/24", "dev", "eth0"]
        )
        await lab.restore("client", f"*nat\n{translate}COMMIT\n")
        await lab.exec("client", ["conntrack", "-F"])  # the flow has no address yet
        moved_s = await stream.left_by("198.51.100.3", WITHIN_S)
        window = await stream.window(start_s, moved_s + 0.1)

    assert set(window.seen) == {"198.51.100.2", "198.51.100.3"}
