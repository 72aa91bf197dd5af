"""The present of the whole chain, put together from what is retained. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.commands import Choice, Mode
from bus.egress import Evidence, away, carries, egress, exits_in_use
from bus.interface import Forgotten, Heard, Received
from bus.messages.entries import EntryReport, PeerReport
from bus.messages.exits import ExitReport
from bus.messages.orders import Order
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence
from bus.topics import (
    ENTRY_STATE,
    EXIT_STATE,
    MODE,
    ORDER,
    PATH_STATE,
    PEER_STATE,
    PRESENCE,
    Topic,
)

# The order comes last, so that whoever has heard it has heard all.
STATES: tuple[Topic[Any], ...] = (
    *(PRESENCE, EXIT_STATE, ENTRY_STATE, PEER_STATE, PATH_STATE, MODE, ORDER),
)

# Worst first.
BADNESS: tuple[Health, ...] = (
    *(Health.DOWN, Health.DEGRADED, Health.UNKNOWN, Health.UP),
)


@dataclass(slots=True)
class Snapshot:
    """What was said last by each.

    Keys are names; of peers `entry/peer`, of paths `entry/exit`.
    """

    order: Order | None = None
    mode: Mode | None = None
    agents: dict[str, Presence] = field(default_factory=dict)
    exits: dict[str, ExitReport] = field(default_factory=dict)
    entries: dict[str, EntryReport] = field(default_factory=dict)
    peers: dict[str, PeerReport] = field(default_factory=dict)
    paths: dict[str, PathReport] = field(default_factory=dict)

    @property
    def carries(self) -> bool:
        """Whether clients get out at every entry that is there, and one is."""
        return carries(self._evidence)

    @property
    def held(self) -> Mapping[str, str]:
        """Entries whose clients do not get out, as far as is known, and why."""
        known = self._evidence
        return {name: why for name in self.entries if (why := egress(name, known).held)}

    @property
    def active(self) -> frozenset[str]:
        """The exits that are given clients' traffic, by the entries; they may hold it.

        Before any entry has reported: the one that the order names.
        """
        if not self.entries and self.order and self.order.active:
            return frozenset({self.order.active})
        return exits_in_use(self._evidence)

    @property
    def _evidence(self) -> Evidence:
        """What bears on whether clients get out."""
        return Evidence(self.agents, self.entries, self.exits, self.paths)

    def path(self, exit_: str) -> PathReport | None:
        """The path through this exit; if several entries measure it, the worst."""
        of_it = [
            said for name, said in self.paths.items() if name.endswith(f"/{exit_}")
        ]
        return min(of_it, key=lambda said: BADNESS.index(said.health), default=None)

    def wishes(self, exit_: str) -> tuple[str, ...]:
        """What people have asked of this exit: preferred, only, drained."""
        mode = self.mode
        if mode is None:
            return ()
        words = {Choice.PREFER: "preferred", Choice.ONLY: "only"}
        chosen = words.get(mode.choice, "") if mode.exit == exit_ else ""
        drained = "drained" if exit_ in mode.drained else ""
        return tuple(word for word in (chosen, drained) if word)

    @property
    def ranked(self) -> list[str]:
        """The exits, as the order ranks them, then the others by name.

        An exit's agent counts from when it is there, whether it has reported or not.
        """
        there = {name for name, said in self.agents.items() if said.role == "exit"}
        known = there | set(self.exits)
        hops = self.order.exits if self.order else ()
        ranked = [hop.exit for hop in hops if hop.exit in known]
        return ranked + sorted(known - set(ranked))

    def away(self, agent: str) -> str:
        """What is wrong with an agent's presence; empty: nothing."""
        return away(agent, self._evidence)

    def hear(self, heard: Heard) -> None:
        """Takes in what was heard; events and the link's own are passed over."""
        if isinstance(heard, Received):
            self._take(heard.topic, heard.levels, heard.payload)
        elif isinstance(heard, Forgotten):
            self._take(heard.topic, heard.levels, None)

    def _take(
        self, topic: Topic[Any], levels: Mapping[str, str], payload: Any | None
    ) -> None:
        """`payload` None: it is gone."""
        held = self._held(topic)
        if held is not None:
            name = "/".join(levels.values())
            if payload is None:
                held.pop(name, None)
            else:
                held[name] = payload
        elif topic.pattern == ORDER.pattern:
            self.order = payload
        elif topic.pattern == MODE.pattern:
            self.mode = payload

    def _held(self, topic: Topic[Any]) -> dict[str, Any] | None:
        held: dict[str, dict[str, Any]] = {
            PRESENCE.pattern: self.agents,
            EXIT_STATE.pattern: self.exits,
            ENTRY_STATE.pattern: self.entries,
            PEER_STATE.pattern: self.peers,
            PATH_STATE.pattern: self.paths,
        }
        return held.get(topic.pattern)
