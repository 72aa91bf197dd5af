"""The entry: wg0 behind a gate, and one next hop that the coordinator moves.

The shell: it hears bus and kernel, asks `decide`, and does what that says; no rule is
here. The next hop is moved in the loop (it takes less than a millisecond); the gate
takes longer, so it works beside, and only the last wish counts.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Final

from agents.conntrack import forget_flows
from agents.entry.conf_file import ConfFile
from agents.entry.configuration import (
    bridge_of,
    check_port,
    plan_of,
    policy_of,
    read_again,
    read_conf,
    service_of,
)
from agents.entry.dataplane import DataPlane, MovedError
from agents.entry.decide import decide
from agents.entry.events import (
    Adopted,
    BridgeChanged,
    DeviceLost,
    Event,
    GateStands,
    HopStands,
    PathSeen,
    PeerHeard,
    Polled,
    Surveyed,
)
from agents.entry.gatekeeper import Gatekeeper
from agents.entry.inbound import event_of, subscriptions
from agents.entry.inquirer import Inquirer
from agents.entry.model import (
    DEVICE,
    TABLE,
    Action,
    CloseGate,
    Device,
    ForgetFlows,
    Ignore,
    Inquire,
    OpenGate,
    Point,
    State,
    Watch,
)
from agents.entry.nameserver import Nameserver
from agents.entry.path_monitor import PathMonitor
from agents.entry.probe_routes import ProbeRoutes
from agents.entry.prober import Prober
from agents.entry.publisher import say
from agents.entry.registrar import Registrar
from agents.entry.wgconf import WgConf
from agents.entry.wireguard import Wireguard, routes_to
from agents.firewall import Firewall
from agents.lifecycle import Job
from agents.marks import Flows
from agents.mounts import check_can_be_made
from agents.netlink import Netlink
from agents.netlink_errors import NetlinkError
from agents.network import Route, link_within
from agents.settings_model import Settings
from agents.survey import survey
from bus.complaints import Complaints
from bus.interface import Bus
from bus.messages.paths import PathReport

POLL_S: Final = 3.0  # handshakes are minutes apart; a poll forks `wg` (4 ms)
log = logging.getLogger(__name__)


class Entry:
    """The agent of one entry."""

    role = "entry"

    def __init__(self, settings: Settings, name: str) -> None:
        """Reads wg0.conf; touches nothing.

        Raises:
            SettingsError: wg0.conf does not fit, its port is in use, or `run_dir` is no
                place to write to.
        """
        self.name = name
        self._settings = settings
        self._run_dir = settings.entry.run_dir / name
        check_can_be_made(settings.entry.run_dir, "entry.run_dir")
        self._file = ConfFile(settings.entry.wg_conf)
        self._conf = read_conf(settings)
        check_port(settings.entry.wg_conf, self._conf.listen_port)
        self._policy = policy_of(settings, self._conf)
        self.subscriptions = subscriptions(name, leak_check=self._policy.leak_check)
        self._state = State()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._stack = AsyncExitStack()
        self._complaints = Complaints(log)
        self._bridge = ""
        self._registrar = Registrar(settings, self._obey)
        self._flows_dead = asyncio.Event()

    async def open(self) -> None:
        """Filter, rules and floor stand; what a killed predecessor left goes on.

        Its wg0 is set again as wg0.conf says now, which disturbs no peer that is in it.

        Raises:
            SettingsError: No device stands in the bridge's network.
        """
        self._net = await self._stack.enter_async_context(Netlink())
        settings = self._settings
        self._bridge = await bridge_of(self._net, settings.network)
        firewall = Firewall()
        self._plane = DataPlane(
            self._net,
            firewall,
            self._bridge,
            settings.network.clients,
            client_to_client=settings.entry.client_to_client,
        )
        await self._plane.close()
        self._nameserver = Nameserver(firewall, settings, self._conf.addresses)
        self._open_paths()
        self._gate = Gatekeeper(self._make_wireguard(), self._gate_stands)
        device = await self._gate.adopt()
        via = await self._plane.pointed()
        if device or via:
            log.info("taking over %s and next hop %s", device, via)
        self._put(Adopted(time.monotonic(), device, via, firewall.backend or ""))
        await self._survey()

    def _open_paths(self) -> None:
        settings, plan = self._settings, plan_of(self._settings)
        self._prober = Prober(plan, self._path_seen)
        self._stack.callback(self._prober.close)
        targets = (*plan.targets, *plan.advisory, *service_of(settings.entry))
        routes = ProbeRoutes(self._net, self._bridge, settings.network, targets)
        self._paths = PathMonitor(routes, self._prober, self._path_seen)
        self._inquirer = Inquirer(routes, settings.entry, self._put)

    def _make_wireguard(self) -> Wireguard:
        self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        conf, routes = self._conf, self._routes(self._conf)
        choice = self._settings.entry.wireguard
        return Wireguard(conf, self._net, self._run_dir, choice, routes)

    def _routes(self, conf: WgConf) -> tuple[Route, ...]:
        """The routes to clients that wg0 needs."""
        among = Route(TABLE, str(self._settings.network.clients), dev=DEVICE)
        shared = (among,) if self._settings.entry.client_to_client else ()
        return (*routes_to(conf), *shared)

    def jobs(self, bus: Bus) -> Mapping[str, Job]:
        """Ears, rules, hands."""
        return {
            "bus": lambda: self._listen(bus),
            "bridge": self._watch_bridge,
            "networks": self._plane.keep,
            "device": self._watch_device,
            "poll": self._poll,
            "gate": self._gate.keep,
            "wg0.conf": self._obey_file,
            "registrar": lambda: self._registrar.keep(bus, self.name),
            "paths": self._paths.keep,
            "probes": self._prober.run,
            "flows": self._forget_flows,
            "names": self._nameserver.keep,
            "address": self._inquirer.keep,
            "decide": lambda: self._work(bus),
        }

    async def close(self) -> None:
        """Leaves everything as it stands: an upgrade shall not interrupt the clients.

        wg0, next hop, filter and floor go with their network namespace (a container's
        end), or when an order closes the gate; the next agent takes them over.
        """
        await self._stack.aclose()

    # --- ears -------------------------------------------------------------------------

    def _put(self, event: Event) -> None:
        self._events.put_nowait(event)

    async def _listen(self, bus: Bus) -> None:
        async for heard in bus:
            if self._registrar.takes(heard):
                continue
            if event := event_of(heard, time.monotonic()):
                self._put(event)

    def _path_seen(self, name: str, report: PathReport) -> None:
        self._put(PathSeen(time.monotonic(), name, report))

    async def _survey(self) -> None:
        """Notes who on the bridge cannot be an exit, if that has changed."""
        neighbours = await survey(self._net, self._settings.network)
        if neighbours != self._state.neighbours:
            self._put(Surveyed(time.monotonic(), neighbours))

    async def _watch_bridge(self) -> None:
        network = self._settings.network.bridge
        async with aclosing(self._net.watch_links()) as changes:
            async for links in changes:
                await self._survey()
                link = link_within(links, network)
                if link is not None and link.name != self._bridge:
                    raise MovedError(self._bridge, link.name)
                up = link is not None and link.up
                self._put(BridgeChanged(time.monotonic(), up))

    async def _watch_device(self) -> None:
        async with aclosing(self._net.watch(DEVICE)) as changes:
            async for link in changes:
                if link is None:
                    self._put(DeviceLost(time.monotonic()))

    async def _poll(self) -> None:
        while True:
            peers = await self._gate.peers()
            await self._survey()
            self._put(Polled(time.monotonic(), time.time(), peers))
            await asyncio.sleep(POLL_S)

    def _gate_stands(self, device: Device | None, cause: str) -> None:
        self._put(GateStands(time.monotonic(), device, cause))

    async def _obey_file(self) -> None:
        """Obeys wg0.conf as it is written anew; what does not fit is passed over."""
        async with aclosing(self._file.changes()) as changes:
            async for _ in changes:
                conf = read_again(self._settings, self._conf)
                if conf != self._conf:
                    self._obey(conf)

    def _obey(self, conf: WgConf) -> None:
        log.info("wg0.conf has changed: %d peers", len(conf.peers))
        before, self._conf = self._policy.peers, conf
        self._policy = policy_of(self._settings, conf)
        self._gate.obey(conf, self._routes(conf))
        self._nameserver.listen_at(conf.addresses)
        for peer in before:
            self._put(PeerHeard(time.monotonic(), peer.id))

    # --- rules ------------------------------------------------------------------------

    async def _work(self, bus: Bus) -> None:
        while True:
            event = await self._events.get()
            self._state, actions = decide(self._state, event, self._policy)
            for action in actions:
                await self._do(bus, action)

    # --- hands ------------------------------------------------------------------------

    async def _do(self, bus: Bus, action: Action) -> None:
        match action:
            case OpenGate() | CloseGate():
                self._gate.want(open_=isinstance(action, OpenGate))
            case Point():
                await self._point(action)
            case Watch(hops=hops):
                self._paths.want(hops)
            case Inquire(inquiry=inquiry):
                self._inquirer.want(inquiry)
            case ForgetFlows():
                self._flows_dead.set()
            case Ignore(reason=reason):
                self._complaints.say("order", f"ignoring an order: {reason}")
            case _:
                await say(bus, self.name, action)

    async def _point(self, asked: Point) -> None:
        cause = ""
        try:
            await self._plane.point(asked.hop.address if asked.hop else None)
        except NetlinkError as error:
            cause = str(error)
            log.warning("%s; clients are blocked", cause)
        self._nameserver.follow(None if cause else asked.hop)
        left = self._state.carrier
        silent_s = self._prober.silent_s(left.address) if left else None
        self._put(HopStands(time.monotonic(), asked, cause, silent_s))

    async def _forget_flows(self) -> None:
        """Beside the loop: what matters is where packets go, and that is done."""
        while True:
            await self._flows_dead.wait()
            self._flows_dead.clear()
            if await forget_flows(Flows.CLIENTS):
                log.info("the connections of clients begin anew")
