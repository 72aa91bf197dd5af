"""Who may say and hear what, tried by everybody on every topic of a real broker."""

import asyncio
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from agents.containers.agent import Containers
from agents.coordinator.agent import Coordinator
from agents.dashboard.agent import Dashboard
from agents.entry.inbound import subscriptions as of_entry
from agents.exit.agent import Exit
from agents.homeassistant.agent import HomeAssistant
from agents.metrics.agent import Metrics
from agents.settings_model import Settings
from bus.acl import AGENTS as AGENT_ROLES
from bus.acl import Role, User, access_list, hears
from bus.discovery import COMPONENTS, Discovery
from bus.interface import Subscription
from bus.names import found, placed
from bus.outbox import Parcel
from bus.topics import EXIT_STATE, LARGEST_BYTES, PRESENCE, TOPICS
from bus.wire import Wire, WireError
from tests.agents.exit.tunnels import FakeTunnel
from tests.bus.doors import BASE, EVERYBODY, Doors, enter, open_doors

pytestmark = pytest.mark.broker

PATIENCE_S: Final = 30.0
THOUSAND: Final = 1_000
ALL_AGENTS: Final = (
    *("coordinator", "entry", "exit-a", "exit-b"),
    *("containers", "metrics", "dashboard", "homeassistant"),
)
LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "agent": ALL_AGENTS,
    "exit": ("exit-a", "exit-b"),
    "entry": ("entry", "entry-b"),
    "peer": ("phone",),
    "verb": ("reconnect", "restart", "sing"),
}


def _names() -> Iterator[str]:
    """Every topic of a chain, one of each kind and of each agent; and strange ones."""
    for topic in TOPICS:
        holes = re.findall(r"\{(\w+)\}", topic.pattern)
        for values in itertools.product(*(LEVELS[hole] for hole in holes)):
            yield topic.name(**dict(zip(holes, values, strict=True)))
    yield from ("coordinator", "exit/exit-a", "coordinator/order/more", "elsewhere")
    for component, node in itertools.product(COMPONENTS, (DISCOVERY.node, "other")):
        declaration = DISCOVERY.topic(component)
        yield declaration.name(node=node, object="exit-a-stage")
    yield DISCOVERY.birth.name()


DISCOVERY: Final = Discovery(base=BASE)
NAMES: Final = tuple(_names())
END: Final = b"end"
VERBS: Final = "(reconnect|restart)"  # nobody knows how to sing


def _own(name: str) -> str:
    """What every agent says of itself."""
    return rf"agent/{name}/(presence|telemetry)|response/{name}/{VERBS}"


# By hand, lest the rule be compared with itself.
MAY_SAY: Final[Mapping[str, str]] = {
    "coordinator": (
        rf"{_own('coordinator')}|coordinator/(order|event|mode|history)"
        r"|request/containers/restart"
    ),
    "entry": (
        rf"{_own('entry')}|entry/entry/(state|event|leak|peer/phone|path/exit-[ab])"
    ),
    "exit-a": rf"{_own('exit-a')}|exit/exit-a/(state|event)",
    "exit-b": rf"{_own('exit-b')}|exit/exit-b/(state|event)",
    "containers": rf"{_own('containers')}|container/[\w-]+/(state|event)",
    "dashboard": (
        rf"{_own('dashboard')}|request/[\w-]+/{VERBS}|homeassistant/exit/[\w-]+/set"
    ),
    "homeassistant": (
        rf"{_own('homeassistant')}|homeassistant/(chain|event|exit/[\w-]+/state)"
        rf"|request/coordinator/{VERBS}|/homeassistant/\w+/chain/[\w-]+/config"
    ),
    "metrics": _own("metrics"),
    "operator": rf"request/[\w-]+/{VERBS}|homeassistant/exit/[\w-]+/set",
    "home": (
        rf"request/(coordinator|homeassistant)/{VERBS}|request/[\w-]+/reconnect"
        r"|homeassistant/exit/[\w-]+/set|/homeassistant/status"
    ),
    "guest": "",
}
_ANYTHING: Final = (
    r"(agent|exit|entry|container|request|response)/.+/.+"
    r"|coordinator/(order|event|mode|history)"
    r"|homeassistant/(chain|event|exit/.+)"
)
MAY_HEAR: Final[Mapping[str, str]] = {
    "coordinator": (
        r"coordinator/(order|mode|history)|agent/[\w-]+/presence"
        r"|(exit|entry)/[\w-]+/state"
        r"|entry/[\w-]+/(event|path/.+)|request/coordinator/\w+"
    ),
    "entry": (
        r"coordinator/(order|mode)|agent/(coordinator|entry)/presence"
        r"|entry/entry/(leak|(peer|path)/[\w-]+)|exit/[\w-]+/state|request/entry/\w+"
    ),
    "exit-a": r"coordinator/order|agent/exit-a/presence|request/exit-a/\w+",
    "exit-b": r"coordinator/order|agent/exit-b/presence|request/exit-b/\w+",
    "containers": r"agent/containers/presence|request/containers/\w+",
    "dashboard": _ANYTHING.replace("|request", ""),
    "homeassistant": (
        r"agent/[\w-]+/presence|exit/[\w-]+/state"
        r"|entry/[\w-]+/(state|event|(peer|path)/[\w-]+)"
        r"|coordinator/(order|event|mode|history)|homeassistant/exit/[\w-]+/set"
        r"|request/homeassistant/\w+|response/coordinator/\w+"
        r"|/homeassistant/(status|\w+/chain/.+)"
    ),
    "metrics": (
        r"agent/[\w-]+/(presence|telemetry)|(exit|entry)/[\w-]+/state"
        r"|entry/[\w-]+/(event|(peer|path)/[\w-]+)|coordinator/event"
    ),
    "operator": _ANYTHING,
    "home": rf"{_ANYTHING}|/homeassistant/.+",
    "guest": _ANYTHING,
}
BROKEN: Final = (
    r"exit/exit-a|coordinator/order/more"  # what looks like ours, but is not
)


def allowed(table: Mapping[str, str], name: str) -> set[str]:
    wanted = re.compile(table[name])
    return {one for one in NAMES if wanted.fullmatch(one)} - {"exit/exit-a"}


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    with open_doors(tmp_path) as doors:
        yield doors


async def say(wire: Wire, name: str, raw: bytes = b"{}") -> str:
    return await wire.say(Parcel(placed(BASE, name), raw, qos=1, retain=False))


async def be_thrown_out(wire: Wire) -> None:
    """Says more at once than the broker stands, and stays until it has had enough."""
    await wire.say(Parcel("x", b"x" * (LARGEST_BYTES + 2_000), qos=0, retain=False))
    async with asyncio.timeout(PATIENCE_S):
        await wire.fail()


async def heard(wire: Wire) -> set[str]:
    """The names on which something was heard, until the end is said."""
    names: set[str] = set()
    async with asyncio.timeout(PATIENCE_S):
        async for delivery in wire.deliveries():
            if delivery.raw == END:
                break
            names.add(found(BASE, delivery.name))
    return names


@pytest.mark.parametrize("who", EVERYBODY)
async def test_everybody_says_what_is_his_and_nothing_else(
    doors: Doors, who: str
) -> None:
    granted: set[str] = set()
    async with enter(doors.broker("home"), "reader") as reader:
        for topic in TOPICS:
            await reader.ask(f"{BASE}/{topic.filter}", 1)
        await reader.ask(f"{DISCOVERY.prefix}/#", 1)
        for name in NAMES:  # a connection each: a refusal ends it
            async with enter(doors.broker(who), "writer") as wire:
                if not await say(wire, name):
                    granted.add(name)
        async with enter(doors.broker("operator"), "end") as wire:
            await say(wire, "request/entry/reconnect", END)
        came = await heard(reader)

    assert granted == came == allowed(MAY_SAY, who)


@pytest.mark.parametrize("wide", [True, False], ids=["all-at-once", "each-by-name"])
async def test_everybody_hears_what_he_needs_and_nothing_else(
    doors: Doors, *, wide: bool
) -> None:
    told: dict[str, set[str]] = {}
    async with AsyncExitStack() as stack:
        wires = {
            who: await stack.enter_async_context(enter(doors.broker(who), who))
            for who in EVERYBODY
        }
        for who, wire in wires.items():
            everything = ("#", f"/{DISCOVERY.prefix}/#")
            for name in everything if wide else (*NAMES, _end_of(who)):
                await wire.ask(placed(BASE, name), 1)
        for who, wire in wires.items():
            for name in sorted(allowed(MAY_SAY, who)):
                assert await say(wire, name) == ""
        for who in ALL_AGENTS:
            await say(wires[who], _end_of(who), END)
        for who, wire in wires.items():
            told[who] = await heard(wire)

    said = set[str]().union(*(allowed(MAY_SAY, who) for who in EVERYBODY))
    assert told == {who: allowed(MAY_HEAR, who) & said for who in EVERYBODY}


def _end_of(who: str) -> str:
    """The topic on which one hears the end: an agent by itself, people by the last."""
    return f"agent/{who if who in ALL_AGENTS else ALL_AGENTS[-1]}/presence"


async def test_nobody_announces_the_death_of_another(doors: Doors) -> None:
    theirs = Parcel(f"{BASE}/agent/exit-a/presence", b"gone", qos=1, retain=True)

    own = replace(theirs, name=f"{BASE}/agent/exit-b/presence")
    async with enter(doors.broker("operator"), "reader") as reader:
        await reader.ask(f"{BASE}/{PRESENCE.filter}", 1)
        for will in (theirs, own):
            with pytest.raises(WireError):
                async with enter(doors.broker("exit-b"), "exit-b", will) as wire:
                    await be_thrown_out(wire)
        async with enter(doors.broker("entry"), "entry") as wire:
            await say(wire, "agent/entry/presence", END)
        assert await heard(reader) == {"agent/exit-b/presence"}


async def test_no_agent_throws_another_out_by_calling_itself_so(doors: Doors) -> None:
    async with enter(doors.broker("coordinator"), "coordinator") as wire:
        for who in ("exit-b", "dashboard"):
            async with enter(doors.broker(who), "coordinator") as thief:
                await thief.ask(f"{BASE}/agent/{who}/presence", 1)
        assert await say(wire, "coordinator/order") == ""


@pytest.mark.parametrize("who", ["exit-a", "operator"])
async def test_a_door_is_for_its_own_users_only(doors: Doors, who: str) -> None:
    other = doors.people if who == "exit-a" else doors.agents

    with pytest.raises(WireError, match="Not authorized"):
        async with enter(doors.broker(who, door=other), who):
            pass


@pytest.mark.parametrize("username", ["", "exit-a", "stranger"])
async def test_nobody_comes_in_without_his_own_password(
    doors: Doors, username: str
) -> None:
    stranger = replace(
        doors.broker("exit-a"), username=username, password=doors.words["exit-b"]
    )
    for password in (None, doors.words["exit-b"]):
        with pytest.raises(WireError, match="Not authorized"):
            async with enter(replace(stranger, password=password), "exit-a"):
                pass


async def test_what_is_too_long_is_not_passed_on(doors: Doors) -> None:
    async with (
        enter(doors.broker("operator"), "reader") as reader,
        enter(doors.broker("coordinator"), "coordinator") as wire,
    ):
        await reader.ask(f"{BASE}/coordinator/order", 1)
        assert await say(wire, "coordinator/order", b"x" * LARGEST_BYTES) == ""
        with pytest.raises(WireError):
            await be_thrown_out(wire)
        async with enter(doors.broker("coordinator"), "coordinator") as again:
            await say(again, "coordinator/order", END)
        assert await heard(reader) == {"coordinator/order"}


async def test_who_comes_late_is_told_of_a_thousand_exits(tmp_path: Path) -> None:
    names = [f"exit-{number}" for number in range(THOUSAND)]
    report = b"x" * 600
    with open_doors(tmp_path, exits=names) as doors:
        for name in names:
            async with enter(doors.broker(name), name) as wire:
                for full in (f"agent/{name}/presence", f"exit/{name}/state"):
                    parcel = Parcel(f"{BASE}/{full}", report, qos=1, retain=True)
                    assert await wire.say(parcel) == ""
        seen: set[str] = set()
        async with (
            enter(doors.broker("coordinator"), "coordinator") as wire,
            asyncio.timeout(PATIENCE_S),
        ):
            for topic in (PRESENCE, EXIT_STATE):
                await wire.ask(f"{BASE}/{topic.filter}", 1)
            async for delivery in wire.deliveries():
                seen.add(delivery.name)
                if len(seen) == 2 * THOUSAND:
                    break


# --- the declaration ------------------------------------------------------------------


SUBSCRIBED: Final[Mapping[Role, Callable[[str], Sequence[Subscription]]]] = {
    Role.COORDINATOR: lambda name: Coordinator(Settings(), name).subscriptions,
    Role.ENTRY: lambda name: of_entry(name, leak_check=True),
    Role.EXIT: lambda name: Exit(Settings(), name, FakeTunnel()).subscriptions,
    Role.CONTAINERS: lambda name: Containers(Settings(), name).subscriptions,
    Role.METRICS: lambda name: Metrics(Settings(), name).subscriptions,
    Role.DASHBOARD: lambda name: Dashboard(Settings(), name).subscriptions,
    Role.HOMEASSISTANT: lambda name: HomeAssistant(Settings(), name).subscriptions,
}


@pytest.mark.parametrize("role", AGENT_ROLES)
def test_agents_may_hear_what_they_subscribe_to_their_own_presence_and_no_more(
    role: Role,
) -> None:
    own = Subscription(PRESENCE, {"agent": "agent-x"})
    wanted = {one.filter for one in SUBSCRIBED[role]("agent-x")}
    if PRESENCE.filter not in wanted:
        wanted.add(own.filter)  # by the link, to notice a namesake

    assert wanted == set(hears(User("agent-x", role)))


def test_two_users_of_one_name_are_refused() -> None:
    twice = [User("exit-a", Role.EXIT), User("exit-a", Role.OPERATOR)]

    with pytest.raises(ValueError, match="one name"):
        access_list(twice, BASE)


@pytest.mark.parametrize("name", ["", "#", "exit-a\ntopic readwrite #", "Exit", "a b"])
def test_a_name_cannot_smuggle_in_a_right(name: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        User(name, Role.EXIT)
