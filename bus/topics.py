"""Every topic of the bus: its name, what is said on it, who alone may say it.

From this one declaration come the subscriptions, the checks and `docs/topics.md`. Names
below are relative to the base level of the settings (`vpnchain`), but for those of
others, which begin with `/`. Values only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from bus.commands import Enable, Mode, Request, Response
from bus.messages.containers import ContainerEvent, ContainerReport
from bus.messages.entries import EntryEvent, EntryReport, LeakReport, PeerReport
from bus.messages.exits import ExitEvent, ExitReport
from bus.messages.home import HomeChain, HomeEvent, HomeExit
from bus.messages.orders import Decision, History, Order
from bus.messages.paths import PathReport
from bus.messages.presence import Presence
from bus.messages.telemetry import Telemetry
from bus.names import ID

P = TypeVar("P")

# What a payload may measure. The large ones grow with the exits: 2,000 fit.
USUAL_BYTES: Final = 16 * 1024
LARGEST_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Topic(Generic[P]):
    """A family of topics; each `{name}` in the pattern stands for one level.

    Attributes:
        writer: The one agent that may publish, as a pattern over the same names;
            "operator" is a person or another program.
        retain: True for states, never for events and commands.
        strict: Unknown fields are refused (commands) instead of ignored.
        text: Others' topics only: the payload is text, no JSON.
        most_bytes: A longer payload is refused unread.
    """

    pattern: str
    payload: type[P]
    writer: str
    retain: bool
    about: str
    qos: Literal[0, 1] = 1
    strict: bool = False
    most_bytes: int = USUAL_BYTES
    text: bool = False

    def name(self, **levels: str) -> str:
        """The topic with its levels filled in; ValueError if one is no id."""
        for level, value in levels.items():
            if not ID.fullmatch(value):
                raise ValueError(f"{self.pattern}: {level} {value!r} is not [a-z0-9-]")
        return self.pattern.format_map(levels)

    @property
    def filter(self) -> str:
        """What to subscribe to in order to hear the whole family."""
        return self.within({})

    def within(self, levels: Mapping[str, str]) -> str:
        """What to subscribe to in order to hear a part: levels not named are free."""
        parts = (
            levels.get(part[1:-1], "+") if part.startswith("{") else part
            for part in self.pattern.split("/")
        )
        return "/".join(parts)

    def levels(self, name: str) -> Mapping[str, str] | None:
        """The levels of a name of this family; None if it is of another."""
        wanted, got = self.pattern.split("/"), name.split("/")
        if len(wanted) != len(got):
            return None
        levels: dict[str, str] = {}
        for want, have in zip(wanted, got, strict=True):
            if want.startswith("{"):
                if not ID.fullmatch(have):
                    return None
                levels[want[1:-1]] = have
            elif want != have:
                return None
        return levels


PRESENCE: Final = Topic(
    "agent/{agent}/presence",
    Presence,
    writer="{agent}",
    retain=True,
    about="Whether an agent is there: online, stopped (in good order) or offline.",
)
TELEMETRY: Final = Topic(
    "agent/{agent}/telemetry",
    Telemetry,
    writer="{agent}",
    retain=True,
    about="What an agent's process takes, every 15 s.",
)
EXIT_STATE: Final = Topic(
    "exit/{exit}/state",
    ExitReport,
    writer="{exit}",
    retain=True,
    about="How far an exit's tunnel has come, and why no further.",
)
EXIT_EVENT: Final = Topic(
    "exit/{exit}/event",
    ExitEvent,
    writer="{exit}",
    retain=False,
    about="A stage reached, an attempt failed, a tunnel lost.",
)
ORDER: Final = Topic(
    "coordinator/order",
    Order,
    writer="coordinator",
    retain=True,
    about="What the entries shall do: gate, active exit, ranked standbys.",
    most_bytes=LARGEST_BYTES,
)
DECISION: Final = Topic(
    "coordinator/event",
    Decision,
    writer="coordinator",
    retain=False,
    about="Each decision with before, after and reason.",
)
ENTRY_STATE: Final = Topic(
    "entry/{entry}/state",
    EntryReport,
    writer="{entry}",
    retain=True,
    about="Which order an entry obeys, and how WireGuard does.",
)
ENTRY_EVENT: Final = Topic(
    "entry/{entry}/event",
    EntryEvent,
    writer="{entry}",
    retain=False,
    about="Gate and next hop changed, a peer came or went.",
)
ENTRY_LEAK: Final = Topic(
    "entry/{entry}/leak",
    LeakReport,
    writer="{entry}",
    retain=True,
    about="A leak that keeps an entry's gate closed, also after its restart.",
)
PEER_STATE: Final = Topic(
    "entry/{entry}/peer/{peer}",
    PeerReport,
    writer="{entry}",
    retain=True,
    about="One WireGuard peer: connected, handshake, traffic.",
)
PATH_STATE: Final = Topic(
    "entry/{entry}/path/{exit}",
    PathReport,
    writer="{entry}",
    retain=True,
    about="The path through one exit as the entry measures it, end to end.",
)
MODE: Final = Topic(
    "coordinator/mode",
    Mode,
    writer="coordinator",
    retain=True,
    about="How the active exit is chosen: auto, prefer, only; and who is drained.",
    most_bytes=LARGEST_BYTES,
)
HISTORY: Final = Topic(
    "coordinator/history",
    History,
    writer="coordinator",
    retain=True,
    about="The last moves with reason and outage; a restarted coordinator goes on.",
    most_bytes=LARGEST_BYTES,
)
CONTAINER_STATE: Final = Topic(
    "container/{agent}/state",
    ContainerReport,
    writer="containers",
    retain=True,
    about="The container that an agent runs in.",
)
CONTAINER_EVENT: Final = Topic(
    "container/{agent}/event",
    ContainerEvent,
    writer="containers",
    retain=False,
    about="A container started, died, ran out of memory, or was restarted.",
)
HOME_CHAIN: Final = Topic(
    "homeassistant/chain",
    HomeChain,
    writer="homeassistant",
    retain=True,
    about="The chain in the few words that home automation needs.",
    most_bytes=LARGEST_BYTES,
)
HOME_EXIT: Final = Topic(
    "homeassistant/exit/{exit}/state",
    HomeExit,
    writer="homeassistant",
    retain=True,
    about="Whether an exit is enabled, and its throughput.",
)
HOME_EVENT: Final = Topic(
    "homeassistant/event",
    HomeEvent,
    writer="homeassistant",
    retain=False,
    about="What happened to the chain, in the words of a home.",
)
HOME_ENABLE: Final = Topic(
    "homeassistant/exit/{exit}/set",
    Enable,
    writer="operator",
    retain=False,
    about="Whether an exit shall be enabled: a switch, which cannot count its wishes.",
    strict=True,
)
REQUEST: Final = Topic(
    "request/{agent}/{verb}",
    Request,
    writer="operator",
    retain=False,
    about=(
        "A wish to one agent. Exits know `reconnect`; the coordinator knows `auto`, "
        "`prefer`, `only`, `drain` and `undrain`, all but the first with an exit; "
        "the containers agent knows `restart`, with an agent; home automation's agent "
        "knows `use`, with an exit or `auto`, and `move`; an entry knows `accept`, and "
        "`add-peer`, with a peer's name and public key."
    ),
    strict=True,
)
RESPONSE: Final = Topic(
    "response/{agent}/{verb}",
    Response,
    writer="{agent}",
    retain=False,
    about="What became of a request, under the same transaction.",
)

TOPICS: Final[tuple[Topic[object], ...]] = (
    PRESENCE,
    TELEMETRY,
    EXIT_STATE,
    EXIT_EVENT,
    ORDER,
    DECISION,
    ENTRY_STATE,
    ENTRY_EVENT,
    ENTRY_LEAK,
    PEER_STATE,
    PATH_STATE,
    MODE,
    HISTORY,
    CONTAINER_STATE,
    CONTAINER_EVENT,
    HOME_CHAIN,
    HOME_EXIT,
    HOME_EVENT,
    HOME_ENABLE,
    REQUEST,
    RESPONSE,
)  # type: ignore[assignment]


def topic_of(name: str) -> Topic[object] | None:
    """The family that a topic name belongs to; None if it is none of ours."""
    return next((topic for topic in TOPICS if topic.levels(name) is not None), None)
