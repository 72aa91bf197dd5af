"""Whatever happens to an entry, in the end it does what the newest order says."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agents.entry.autonomy import health, wanted
from agents.entry.control_plane import BusConnected, BusLost, CoordinatorSaid, gone
from agents.entry.events import (
    Adopted,
    BridgeChanged,
    DeviceLost,
    Event,
    GateStands,
    HopStands,
    Ordered,
    PathSeen,
    Polled,
)
from agents.entry.model import Action, CloseGate, Device, OpenGate, Point, State
from agents.entry.peer_model import PeerSeen
from bus.messages.orders import Gate, Hop
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Status
from tests.agents.entry.story import WALL, WG0, B, Story, order

ORDERS = st.builds(
    order,
    st.integers(1, 6),
    st.sampled_from([None, "exit-a", "exit-b", "exit-c"]),
    st.sampled_from(Gate),
)
EVENTS = st.one_of(
    st.builds(Ordered, st.just(0.0), ORDERS),
    st.builds(BridgeChanged, st.just(0.0), st.booleans()),
    st.builds(DeviceLost, st.just(0.0)),
    st.builds(BusConnected, st.just(0.0)),
    st.builds(BusLost, st.just(0.0)),
    st.builds(CoordinatorSaid, st.just(0.0), st.sampled_from(Status)),
    st.builds(
        PathSeen,
        st.just(0.0),
        st.sampled_from(["exit-a", "exit-b"]),
        st.builds(PathReport, health=st.sampled_from(Health), since=st.just(WALL)),
    ),
    st.builds(
        Polled,
        st.just(0.0),
        st.just(WALL),
        st.sampled_from([None, (), (PeerSeen("KEY", WALL - 5),)]),
    ),
)


class World:
    """Hands that do what is asked, sometimes in vain, as the kernel would."""

    def __init__(self) -> None:
        self.device: Device | None = None
        self.hop: Hop | None = None
        self.bridge_up = True

    def suffers(self, event: Event) -> None:
        if isinstance(event, BridgeChanged):
            self.bridge_up = event.up
            self.hop = self.hop if event.up else None
        elif isinstance(event, DeviceLost):
            self.device = None

    def does(self, action: Action, at_s: float, *, well: bool) -> Event | None:
        if isinstance(action, Point):
            well = well and (self.bridge_up or action.hop is None)
            self.hop = action.hop if well else None
            return HopStands(at_s, action, "" if well else "refused")
        if isinstance(action, OpenGate | CloseGate):
            if well:
                self.device = WG0 if isinstance(action, OpenGate) else None
            return GateStands(at_s, self.device, "" if well else "refused")
        return None


@given(st.lists(st.tuples(EVENTS, st.booleans()), max_size=30), st.booleans())
def test_after_any_history_the_world_comes_to_obey_the_newest_order(  # noqa: PLR0915
    history: list[tuple[Event, bool]],
    left: bool,
) -> None:
    story, world, newest = Story(), World(), 0
    if left:  # by a predecessor that walked, or was told to
        story.hears(Adopted(0.0, None, B.address, "nft"))
        world.hop = story.state.hop
    at_s = 0.0

    def live(event: Event, *, well: bool) -> None:
        waiting = [event]
        while waiting:
            story.hears(waiting.pop(0))
            answers = (world.does(one, at_s, well=well) for one in story.done)
            waiting += [one for one in answers if one is not None]

    for event, well in history:
        at_s += 1.0
        before = story.state
        world.suffers(event)
        live(replace(event, at_s=at_s), well=well)
        if isinstance(event, Ordered):
            newest = max(newest, event.order.epoch)
            assert story.report.epoch == newest
        check_walk(before, story.state, at_s)
    world.suffers(BridgeChanged(at_s, up=True))
    live(BridgeChanged(at_s, up=True), well=True)
    at_s += 100.0
    live(BusConnected(at_s), well=True)
    if story.state.order is not None:
        live(Ordered(at_s, replace(story.state.order, epoch=newest + 1)), well=True)
    live(Polled(at_s, WALL, ()), well=True)

    obeyed = story.state.order
    if obeyed is not None:
        assert (world.device is not None) == (obeyed.gate is Gate.OPEN)
        assert (world.hop.exit if world.hop else None) == (
            obeyed.active if obeyed.active != "exit-c" else None
        )
        assert (story.state.device, story.state.hop) == (world.device, world.hop)


def check_walk(before: State, after: State, at_s: float) -> None:
    """Nobody sets out without need: somebody to obey, or a path that is not down."""
    if after.walk is None or after.walk.hop == (before.walk and before.walk.hop):
        return
    if after.walk.found:
        assert before.order is None
        return
    assert gone(after.control, at_s)
    left = before.walk.hop if before.walk else None
    if left is None and after.order is not None:
        left = wanted(after)[0]
    assert health(after, left) is Health.DOWN
    assert health(after, after.walk.hop) in (Health.UP, Health.DEGRADED)
