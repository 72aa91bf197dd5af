"""What a schedule is played with: rules, and the numbers that they go by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agents.coordinator import decide as coordinating
from agents.coordinator import events as orders
from agents.coordinator import model as coordinator
from agents.entry import decide as entering
from agents.entry import events as entry_events
from agents.entry import model as entry
from agents.exit import decide as exiting
from agents.exit import model as exits
from agents.exit.policy import Policy as ExitPolicy

CoordinatorRules = Callable[
    [coordinator.State, orders.Event, coordinator.Policy],
    tuple[coordinator.State, tuple[orders.Action, ...]],
]
EntryRules = Callable[
    [entry.State, entry_events.Event, entry.Policy],
    tuple[entry.State, tuple[entry.Action, ...]],
]
ExitRules = Callable[
    [exits.State, exits.Event, ExitPolicy],
    tuple[exits.State, tuple[exits.Action, ...]],
]

BRISK: Final = coordinator.Policy(
    settle_s=3.0,
    degraded_s=1.0,
    cooldown_s=4.0,
    damp_half_life_s=4.0,
    damp_limit=2.0,
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a schedule is played with.

    Attributes:
        policy: Less patient than usual where patience only costs time.
        detects_s: How long until a path that is down is seen; profile `normal`.
    """

    policy: coordinator.Policy = BRISK
    detects_s: tuple[float, float] = (0.05, 0.15)
    coordinator_rules: CoordinatorRules = coordinating.decide
    entry_rules: EntryRules = entering.decide
    exit_rules: ExitRules = exiting.decide


USUAL: Final = Setup()
