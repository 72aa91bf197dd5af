"""Whether clients get out, and by which exit. Pure.

One answer for everybody who shows it: status, metrics, dashboard, home automation.

Rule 1: an order proves nothing, it says what should be. What the entries say counts, so
a chain without a coordinator, or whose entry walks by itself, is judged like any other.
Rule 2: the last word of who is not there does not count. Clients of an entry that is
offline may get out all the same, but nobody knows: that is no yes.
Rule 3: the entry's own measurement of a path is the truth. As long as there is none,
the exit itself is believed.

Others ask something else: `agents/coordinator/choice.py` who should carry,
`agents/health_rules.py` whether an agent does its work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.messages.entries import EntryReport
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate
from bus.messages.paths import Health, PathReport
from bus.messages.presence import Presence, Status
from bus.topics import ENTRY_STATE, EXIT_STATE, PATH_STATE, PRESENCE, Topic

EVIDENCE: tuple[Topic[Any], ...] = (PRESENCE, ENTRY_STATE, EXIT_STATE, PATH_STATE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was said last on the topics of `EVIDENCE`; nothing else bears on the answer.

    Keys are names; of paths `entry/exit`.
    """

    agents: dict[str, Presence] = field(default_factory=dict)
    entries: dict[str, EntryReport] = field(default_factory=dict)
    exits: dict[str, ExitReport] = field(default_factory=dict)
    paths: dict[str, PathReport] = field(default_factory=dict)

    def take(
        self, topic: Topic[Any], levels: Mapping[str, str], payload: Any | None
    ) -> bool:
        """Takes in what was said; whether it bears on the answer. None: it is gone."""
        for one, kept in zip(EVIDENCE, self._kept, strict=True):
            if one.pattern == topic.pattern:
                name = "/".join(levels.values())
                if payload is None:
                    kept.pop(name, None)
                else:
                    kept[name] = payload
                return True
        return False

    @property
    def _kept(self) -> tuple[dict[str, Any], ...]:
        """What was said on each topic of `EVIDENCE`."""
        return (self.agents, self.entries, self.exits, self.paths)


@dataclass(frozen=True, slots=True)
class Egress:
    """Where the clients of one entry leave.

    Attributes:
        exit: Where the entry sends their traffic; None: nowhere, or nobody knows. It
            need not carry.
        held: Why they do not get out, as far as is known; empty: they do.
    """

    exit: str | None = None
    held: str = ""


def egress(entry: str, said: Evidence) -> Egress:
    """Where the clients of this entry leave; KeyError if it has reported nothing."""
    report = said.entries[entry]
    if gone := away(entry, said):
        return Egress(held=f"{entry} is {gone}")
    if report.leak:
        return Egress(held=report.leak)
    cause = f" ({report.cause})" if report.cause else ""
    if report.gate is Gate.CLOSED:
        return Egress(held=f"the gate is closed{cause}" if cause else "gate closed")
    if report.active is None:
        return Egress(held=f"no exit carries{cause}")
    return Egress(report.active, _blocked(entry, report.active, said))


def carries(said: Evidence) -> bool:
    """Whether clients get out at every entry that is there, and at least one is."""
    there = [entry for entry in said.entries if not away(entry, said)]
    return bool(there) and not any(egress(entry, said).held for entry in there)


def exits_in_use(said: Evidence) -> frozenset[str]:
    """The exits that clients' traffic is sent to; they need not carry."""
    ways = (egress(entry, said) for entry in said.entries)
    return frozenset(way.exit for way in ways if way.exit is not None)


def away(agent: str, said: Evidence) -> str:
    """What is wrong with an agent's presence; empty: nothing, or nothing is known."""
    presence = said.agents.get(agent)
    if presence is None or presence.status is Status.ONLINE:
        return ""
    return presence.status.value


def _blocked(entry: str, exit_: str, said: Evidence) -> str:
    """Why nothing comes through this exit; empty: something does."""
    path = said.paths.get(f"{entry}/{exit_}")
    if path is not None and path.health is not Health.UNKNOWN:
        if path.health is not Health.DOWN:
            return ""
        cause = f" ({path.cause})" if path.cause else ""
        return f"the path through {exit_} is down{cause}"
    report = said.exits.get(exit_)
    if report is None:
        return f"nothing is known of {exit_}"
    if report.stage is not Stage.READY:
        return f"{exit_} is {report.stage}"
    gone = away(exit_, said)
    return f"{exit_} is {gone}" if gone else ""
