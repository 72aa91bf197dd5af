"""What the entry does about the paths that it measures, as stories."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from agents.entry.events import (
    BridgeChanged,
    Ordered,
    PathHeard,
    PathSeen,
    Surveyed,
)
from agents.entry.model import ForgetPath, Point, SayPath, Watch
from agents.entry.path_model import PROFILES, Plan
from agents.entry.path_monitor import PathMonitor
from agents.entry.probe_routes import ProbeRoutes
from agents.entry.prober import Prober
from agents.neighbours import Neighbours
from agents.netlink import Netlink
from agents.settings_model import BRIDGE, NetworkSettings
from bus.messages.orders import Gate, Hop, Order
from bus.messages.paths import Health, PathReport
from tests.agents.entry.story import WALL, A, B, Story, carrying, order
from tests.agents.netns import inside, ip, namespace

WITHIN_S = 20.0
UP = PathReport(health=Health.UP, since=WALL, rtt_ms=5.0)
NEIGHBOURS = Neighbours(BRIDGE, frozenset({"172.20.0.1", "172.20.0.2"}))
IMPOSSIBLE = [
    pytest.param("172.20.0.1", id="the gateway"),
    pytest.param("172.20.0.2", id="ourselves"),
    pytest.param("172.20.0.0", id="the network"),
    pytest.param("172.20.255.255", id="everybody"),
    pytest.param("172.21.0.11", id="outside"),
    pytest.param("1.1.1.1", id="far away"),
    pytest.param("172.20.0.011", id="an unusual spelling"),
    pytest.param("172.20.0.11/16", id="with a prefix"),
    pytest.param("fd00::11", id="the other family"),
    pytest.param("", id="nothing"),
]


def test_every_exit_of_the_order_is_measured_standbys_too() -> None:
    story = Story().hears(Ordered(1.0, order(1, "exit-a")))

    assert story.of(Watch) == [Watch((A, B))]


def test_nothing_is_asked_for_twice() -> None:
    assert not carrying().hears(Ordered(2.0, order(2, "exit-b"))).of(Watch)


def test_whether_an_exit_is_usable_does_not_matter() -> None:
    hops = (A, replace(B, usable=False))
    again = Order(epoch=2, gate=Gate.OPEN, active="exit-a", exits=hops)

    assert not carrying().hears(Ordered(2.0, again)).of(Watch)


def test_an_exit_without_an_address_is_not_measured() -> None:
    hops = (A, Hop(exit="exit-c", address="nowhere"))
    wanted = Order(epoch=2, gate=Gate.OPEN, active="exit-a", exits=hops)

    story = carrying().hears(Ordered(2.0, wanted))

    assert story.of(Watch) == [Watch((A,))]


@pytest.mark.parametrize("address", IMPOSSIBLE)
def test_an_exit_that_cannot_be_there_is_told_of_as_down(address: str) -> None:
    hops = (A, Hop(exit="exit-c", address=address))
    wanted = Order(epoch=2, gate=Gate.OPEN, active="exit-a", exits=hops, at=WALL)
    story = carrying().hears(Surveyed(1.5, NEIGHBOURS))

    story.hears(Ordered(2.0, wanted))

    down = PathReport(
        health=Health.DOWN, since=WALL, cause="no exit can be at this address"
    )
    assert story.of(SayPath) == [SayPath("exit-c", down)]
    assert story.of(Watch) == [Watch((A,))]
    assert story.hears(Ordered(7.0, wanted)).of(SayPath) == [SayPath("exit-c", down)]
    assert not story.hears(PathSeen(7.1, "exit-c", UP)).of(SayPath)
    assert story.hears(PathHeard(7.2, "exit-c")).done == ()


def test_an_exit_where_a_gateway_appears_is_left_at_once() -> None:
    story = carrying().hears(Surveyed(2.0, NEIGHBOURS))
    assert not story.of(Point)

    story.hears(Surveyed(3.0, Neighbours(BRIDGE, frozenset({A.address}))))

    assert story.of(Point) == [Point(None)]
    assert [one.exit for one in story.of(SayPath)] == ["exit-a"]


def test_routes_are_set_again_when_the_device_is_back() -> None:
    story = carrying().hears(BridgeChanged(2.0, up=False))
    assert not story.of(Watch)

    assert story.hears(BridgeChanged(3.0, up=True)).of(Watch) == [Watch((A, B))]


def test_what_is_measured_is_said_each_time() -> None:
    story = carrying().hears(PathSeen(2.0, "exit-b", UP))
    assert story.done == (SayPath("exit-b", UP),)

    assert story.hears(PathSeen(7.0, "exit-b", UP)).done == (SayPath("exit-b", UP),)


def test_an_exit_that_left_the_order_is_forgotten() -> None:
    story = carrying().hears(PathSeen(2.0, "exit-b", UP))
    without = Order(epoch=2, gate=Gate.OPEN, active="exit-a", exits=(A,))

    story.hears(Ordered(3.0, without))

    assert story.of(Watch) == [Watch((A,))]
    assert story.of(ForgetPath) == [ForgetPath("exit-b")]
    assert story.hears(PathSeen(3.1, "exit-b", UP)).done == ()


def test_what_a_predecessor_said_of_other_exits_is_taken_back() -> None:
    story = carrying()

    assert story.hears(PathHeard(2.0, "exit-z")).done == (ForgetPath("exit-z"),)
    assert story.hears(PathHeard(2.0, "exit-b")).done == ()


def test_before_any_order_nothing_is_taken_back() -> None:
    assert Story().hears(PathHeard(2.0, "exit-z")).done == ()
    assert Story().hears(PathSeen(2.0, "exit-z", UP)).done == ()


# --- the routes that it needs ---------------------------------------------------------


@dataclass
class Monitor:
    """The real one, and what it tells."""

    paths: PathMonitor
    told: asyncio.Queue[tuple[str, PathReport]] = field(default_factory=asyncio.Queue)

    async def says(self, health: Health) -> PathReport:
        """What it tells of A when asked for it; other news are passed over."""
        self.paths.want((A,))
        async with asyncio.timeout(WITHIN_S):
            while True:
                name, report = await self.told.get()
                if (name, report.health) == (A.exit, health):
                    return report


@pytest.fixture
def place() -> Iterator[None]:
    """A namespace whose device towards the exits is down."""
    with namespace("paths") as name, inside(name):
        ip("link", "add", "eth0", "type", "bridge")
        ip("address", "add", "172.20.0.2/16", "dev", "eth0")
        yield


@pytest.fixture
async def monitor(place: None) -> AsyncIterator[Monitor]:  # noqa: ARG001
    told: asyncio.Queue[tuple[str, PathReport]] = asyncio.Queue()

    def tell(name: str, report: PathReport) -> None:
        told.put_nowait((name, report))

    async with Netlink() as net:
        prober = Prober(Plan(PROFILES["quiet"], ("192.0.2.1",)), tell)
        routes = ProbeRoutes(net, "eth0", NetworkSettings(), ("192.0.2.1",))
        paths = PathMonitor(routes, prober, tell)
        keeping = asyncio.create_task(paths.keep())
        try:
            yield Monitor(paths, told)
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            prober.close()


@pytest.mark.kernel
async def test_an_exit_without_a_route_is_down_since_it_has_none(
    monitor: Monitor,
) -> None:
    first = await monitor.says(Health.DOWN)
    again = await monitor.says(Health.DOWN)
    assert again == first

    ip("link", "set", "eth0", "up")
    await monitor.says(Health.UNKNOWN)
    ip("link", "set", "eth0", "down")
    later = await monitor.says(Health.DOWN)

    assert later.since > first.since
