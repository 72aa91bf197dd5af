"""wg0 itself: made, set, read, taken away. Owner of `wg` and wireguard-go.

The kernel's WireGuard where there is one, else wireguard-go, as wg-quick chooses; `wg`
speaks to both. wireguard-go runs on when the agent dies: it has a session of its own,
and `wireguard-go.pid` in the run directory names it for whoever comes next.

    WireguardError   wg0 cannot be had, or not as wg0.conf says
"""

import logging
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from pathlib import Path
from typing import Final, Literal

from agents.entry.model import DEVICE, Device
from agents.entry.peer_model import PeerSeen
from agents.entry.wgconf import USUAL_MTU_BYTES, WgConf
from agents.entry.wgdump import Dump, DumpError, agrees, read_dump, setconf
from agents.files import note
from agents.netlink import Netlink
from agents.netlink_errors import NetlinkError
from agents.network import MAIN_TABLE, Family, Route
from agents.process import ProcessError, end_leftover, identify
from agents.tool import ToolError, run
from bus.secret import Secret

Network = IPv4Network | IPv6Network
Choice = Literal["auto", "kernel", "userspace"]

TOOL_S: Final = 10.0
RESOLVE_S: Final = 30.0  # `wg` resolves endpoints, and repeats that when it fails
SOCKETS: Final = Path("/var/run/wireguard")
_IPV6_OFF: Final = Path(f"/proc/sys/net/ipv6/conf/{DEVICE}/disable_ipv6")
log = logging.getLogger(__name__)


class WireguardError(Exception):
    """What was tried, and why not."""


class Wireguard:
    """The one device of this entry; `routes` lead to it while it stands."""

    def __init__(
        self,
        conf: WgConf,
        net: Netlink,
        run_dir: Path,
        choice: Choice,
        routes: tuple[Route, ...],
    ) -> None:
        self._conf = conf
        self._net = net
        self._choice = choice
        self._routes = routes
        self._stale: frozenset[Route] = frozenset()  # to peers that are no more
        self._pid_file = run_dir / "wireguard-go.pid"

    def obey(self, conf: WgConf, routes: tuple[Route, ...]) -> None:
        """The next `open` goes by this."""
        self._stale |= {*self._routes} - {*routes}
        self._conf, self._routes = conf, routes

    async def open(self) -> Device:
        """wg0 stands as wg0.conf says; one that stands already keeps its sessions.

        Raises:
            WireguardError: What was made for it is gone again.
        """
        made = await self._kind() is None
        try:
            if made:
                await self._make()
            return await self._set()
        except WireguardError:
            if made:
                await self.close()
            raise
        except (NetlinkError, ToolError, DumpError) as error:
            if made:
                await self.close()
            raise WireguardError(str(error)) from error

    async def close(self) -> None:
        """There is no wg0, and no wireguard-go of ours."""
        try:
            await self._net.delete_link(DEVICE)
            await end_leftover(self._pid_file)
        except (NetlinkError, ProcessError) as error:
            raise WireguardError(str(error)) from error
        (SOCKETS / f"{DEVICE}.sock").unlink(missing_ok=True)

    async def present(self) -> Device | None:
        """wg0 as a predecessor left it; None if there is none.

        Raises:
            WireguardError: A device of that name is no WireGuard, or nobody can tell.
        """
        kind = await self._kind()
        if kind is None:
            return None
        if kind == "userspace":
            self._remember()
        return await self.open()

    async def peers(self) -> tuple[PeerSeen, ...] | None:
        """The peers as WireGuard has them; None: it does not say."""
        try:
            return tuple(one.seen for one in (await self._dump()).peers)
        except (WireguardError, ToolError, DumpError) as error:
            log.warning("reading peers: %s", error)
            return None

    # --- making -----------------------------------------------------------------------

    async def _kind(self) -> str | None:
        try:
            link = await self._net.link(DEVICE)
        except NetlinkError as error:
            raise WireguardError(str(error)) from error
        if link is None:
            return None
        return "kernel" if link.kind == "wireguard" else "userspace"

    async def _make(self) -> None:
        if self._choice != "userspace":
            try:
                await self._net.add_wireguard(DEVICE)
            except NetlinkError as error:
                if self._choice == "kernel":
                    raise
                log.info("%s; using wireguard-go", error)
            else:
                return
        output = await run(["wireguard-go", DEVICE], within_s=TOOL_S)
        if output.status != 0:
            said = _last_line(output.text + output.error)
            raise WireguardError(f"starting wireguard-go: {said}")
        self._remember()

    def _remember(self) -> None:
        """Writes down which process holds wg0."""
        identity = _holder()
        if identity:
            note(self._pid_file, identity)
        else:
            log.warning("finding wireguard-go: no such process for %s here", DEVICE)

    # --- setting ----------------------------------------------------------------------

    async def _set(self) -> Device:
        conf, net = self._conf, self._net
        mtu = conf.mtu_bytes or USUAL_MTU_BYTES
        if not agrees(await self._dump(), conf):
            await self._wg("syncconf", DEVICE, "/proc/self/fd/0", given=setconf(conf))
        await net.set_address(DEVICE, *filter(_usable, conf.addresses))
        await net.set_mtu(DEVICE, mtu)
        await net.set_up(DEVICE)
        for route in filter(_has_place, self._stale):
            await net.delete_route(route)
        for route in filter(_has_place, self._routes):
            await net.ensure_route(route)
        self._stale = frozenset()
        dump = await self._dump()
        kind = await self._kind()
        return Device(kind or "", dump.public_key, dump.listen_port, mtu)

    async def _dump(self) -> Dump:
        return read_dump(await self._wg("show", DEVICE, "dump"))

    async def _wg(self, *words: str, given: str = "") -> str:
        within_s = RESOLVE_S if given else TOOL_S
        output = await run(["wg", *words], given=given, within_s=within_s)
        if output.status != 0:
            said = _last_line(output.error)
            raise WireguardError(f"asking wg to {words[0]} {DEVICE}: {said}")
        return output.text


async def public_of(private: Secret) -> str:
    """The public key that belongs to a private one.

    Raises:
        ToolError: `wg` cannot be asked.
        WireguardError: It does not say.
    """
    output = await run(["wg", "pubkey"], given=private.reveal(), within_s=TOOL_S)
    if output.status != 0:
        raise WireguardError("asking wg for a public key: it does not say")
    return output.text.strip()


def routes_to(conf: WgConf) -> tuple[Route, ...]:
    """The routes to clients that the addresses of wg0 do not bring already."""
    own = [ip_interface(address).network for address in conf.addresses]
    apart = []
    for prefix in (one for peer in conf.peers for one in peer.allowed_ips):
        network = ip_network(prefix)
        family: Family = 4 if network.version == 4 else 6
        if not any(_within(network, mine) for mine in own):
            apart.append(Route(MAIN_TABLE, prefix, dev=DEVICE, family=family))
    return tuple(apart)


def _within(inner: Network, outer: Network) -> bool:
    return (
        inner.version == outer.version
        and inner.prefixlen >= outer.prefixlen
        and inner.network_address in outer
    )


def _usable(address: str) -> bool:
    """Whether wg0 may have the address: IPv6 may be absent, or switched off."""
    try:
        return ":" not in address or _IPV6_OFF.read_text().strip() == "0"
    except OSError:
        return False


def _has_place(route: Route) -> bool:
    return _usable(route.to)


def _holder() -> str:
    """Who answers `wg` for wg0 in this namespace, as a pid file has it; empty: nobody.

    Known by the socket that it listens at, which no other process has.
    """
    socket = _listening(SOCKETS / f"{DEVICE}.sock")
    for entry in Path("/proc").glob("[0-9]*") if socket else ():
        try:
            held = {str(one.readlink()) for one in (entry / "fd").iterdir()}
        except OSError:  # it ended while we looked
            continue
        identity = identify(int(entry.name)) if socket in held else None
        if identity is not None:
            return str(identity)
    return ""


def _listening(path: Path) -> str:
    """The socket that listens at this path, as a process has it open; empty: none.

    Source: proc(5), /proc/net/unix; the flag is __SO_ACCEPTCON of linux/net.h.
    """
    for line in Path("/proc/thread-self/net/unix").read_text().splitlines():
        words = line.split(maxsplit=7)
        if words[7:] == [str(path)] and words[3] == "00010000":
            return f"socket:[{words[6]}]"
    return ""


def _last_line(text: str) -> str:
    """The last thing that a tool said; wireguard-go's box of advice apart."""
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and line[0] not in "┌│└"]
    return said[-1] if said else "no reason given"
