"""Long histories of three exits, time jumping around every threshold."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from agents.coordinator.decide import decide
from agents.coordinator.model import Policy, WhenNone
from bus.commands import VERBS
from bus.messages.exits import Stage
from bus.messages.paths import Health
from tests.agents.coordinator.world import Decide, World, standing

NAMES = ("a", "b", "c")

exits = st.sampled_from(NAMES)
# Thresholds are 3 (grace), 5 (degraded), 15 (silence), 30 (settling), 60 (cooldown).
spans_s = st.sampled_from(
    [0.1, 2.9, 3.0, 4.9, 5.0, 14.9, 15.0, 15.1, 29.9, 30.0, 31.0, 60.0, 300.0]
)


class Histories(RuleBasedStateMachine):
    """The judge speaks after every event, so there is nothing to check here."""

    under_test: Decide = staticmethod(decide)
    world: World

    @initialize(when_none=st.sampled_from(WhenNone), begun=st.booleans())
    def begins(self, when_none: WhenNone, *, begun: bool) -> None:
        # a is not listed: it comes last.
        policy = Policy(exits=("b", "c"), when_none=when_none)
        if begun:
            self.world = standing(NAMES, policy, self.under_test)
        else:
            self.world = World(NAMES, policy, self.under_test)

    @rule(name=exits)
    def an_exit_is_ready(self, name: str) -> None:
        self.world.starts(name)
        self.world.reports(name, Stage.READY)

    @rule(name=exits, stage=st.sampled_from(Stage))
    def an_exit_reports(self, name: str, stage: Stage) -> None:
        self.world.reports(name, stage)

    @rule(name=exits)
    def an_exit_starts(self, name: str) -> None:
        self.world.starts(name)

    @rule(name=exits)
    def an_exit_crashes(self, name: str) -> None:
        self.world.crashes(name)

    @rule(name=exits)
    def an_exit_leaves_the_bus_for_a_moment(self, name: str) -> None:
        self.world.leaves_the_bus_for_a_moment(name)

    @rule(seconds=spans_s, talking=st.booleans())
    def time_passes(self, seconds: float, *, talking: bool) -> None:
        self.world.passes(seconds, talking=talking)

    @rule()
    def the_bus_breaks(self) -> None:
        self.world.bus_breaks()

    @rule()
    def the_bus_returns(self) -> None:
        self.world.bus_returns()

    @rule()
    def the_coordinator_restarts(self) -> None:
        self.world.coordinator_restarts()

    @rule()
    def the_broker_forgets_all_and_the_coordinator_restarts(self) -> None:
        self.world.broker_forgets_all_and_coordinator_restarts()

    @rule(name=exits, health=st.sampled_from(Health))
    def the_entry_measures(self, name: str, health: Health) -> None:
        self.world.entry_starts()
        self.world.measures(name, health)

    @rule()
    def the_entry_crashes(self) -> None:
        self.world.entry_crashes()

    @rule(name=exits)
    def the_entry_walks(self, name: str) -> None:
        self.world.entry_walks(name)

    @rule(verb=st.sampled_from(VERBS["coordinator"]), name=exits)
    def somebody_asks(self, verb: str, name: str) -> None:
        self.world.somebody_asks(verb, "" if verb == "auto" else name)

    @rule()
    def the_entry_reports(self) -> None:
        self.world.entry_reports()
