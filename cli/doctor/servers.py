"""The providers' servers: name, way to them, answer, proposals."""

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Final

from agents.exit.presets import PRESETS
from agents.exit.resolve import ResolveError, resolve
from agents.settings_model import NetworkSettings
from agents.tool import ToolError, run
from cli.doctor.finding import Finding, in_doubt, ok, unknown, warning, wrong
from cli.doctor.ike import COOKIE_BYTES, PORT, Answer, answer, question

ANSWER_TIMEOUT_S: Final = 1.5
TRIES: Final = 3
TOOL_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """What was found out about the server of an exit.

    Attributes:
        address: None: the name leads nowhere; `why` says so.
        answers: To each preset of the exit, in order; empty: it was not asked.
        device: Where packets to it leave; empty: that could not be told.
        device_mtu: What fits there; None: not known.
    """

    exit: str
    name: str
    address: str | None
    why: str = ""
    answers: Mapping[str, Answer] | None = None
    device: str = ""
    device_mtu: int | None = None


async def look(
    exit_: str, name: str, presets: Sequence[str], *, port: int = PORT
) -> Server:
    """All about one server; takes some seconds if it is silent."""
    try:
        address = await resolve(name)
    except ResolveError as error:
        return Server(exit_, name, None, error.cause.text)
    device, mtu = await _way(address)
    answers: dict[str, Answer] = {}
    for preset in presets:
        answers[preset] = await _ask(address, port, PRESETS[preset].ike)
        if answers[preset] is Answer.NONE:
            break  # it is not there: no need to ask on
    return Server(exit_, name, address, "", answers, device, mtu)


# --- judgement ------------------------------------------------------------------------


def seen_from(
    one: Server, networks: NetworkSettings, mtu_bytes: int, *, contained: bool
) -> Iterator[Finding]:
    """Everything about one server; `contained`: asked from within a container.

    That stands elsewhere than exits do: the command's is on the bus alone, which has no
    way out and no names of the internet.
    """
    for finding in of_server(one, networks.bridge, networks.clients, mtu_bytes):
        yield in_doubt(finding) if contained else finding


def of_server(
    one: Server, bridge: IPv4Network, clients: IPv4Network, mtu_bytes: int
) -> Iterator[Finding]:
    """Everything about one server; `mtu_bytes`: what the tunnel shall carry."""
    check = f"{one.exit} server"
    if one.address is None:
        todo = f"correct the server of {one.exit}, or this machine's name server"
        yield wrong(check, one.why, todo)
        return
    told = one.name if one.name == one.address else f"{one.name} is {one.address}"
    yield ok(check, told)
    yield of_route(one, bridge, clients)
    yield of_answer(one)
    yield of_proposals(one)
    yield of_mtu(one, mtu_bytes)


def of_route(one: Server, bridge: IPv4Network, clients: IPv4Network) -> Finding:
    """Whether the tunnel would go through itself."""
    check = f"{one.exit} route"
    address = IPv4Address(one.address or "0.0.0.0")  # noqa: S104 - no address to bind
    for network, whose in ((bridge, "network.bridge"), (clients, "network.clients")):
        if address in network:
            todo = f"set another {whose}: packets to the server would stay inside"
            return wrong(check, f"{address} is in {whose} ({network})", todo)
    if one.device.startswith(("ppp", "wg")):
        todo = "take away the route that leads the server's address into a tunnel"
        return wrong(check, f"{address} is reached by {one.device}: a loop", todo)
    if not one.device:
        return unknown(check, f"where packets to {address} leave cannot be told")
    return ok(check, f"{address} is reached by {one.device}")


def of_answer(one: Server) -> Finding:
    """Whether it speaks IKE at all."""
    check = f"{one.exit} ike"
    answers = one.answers or {}
    if any(said is not Answer.NONE for said in answers.values()):
        return ok(check, f"answers on UDP {PORT}")
    todo = f"let UDP {PORT} and 4500 out; ask the provider whether the server is up"
    return wrong(check, f"no answer on UDP {PORT}", todo)


def of_proposals(one: Server) -> Finding:
    """Whether a preset of the settings suits it; one preset is enough."""
    check = f"{one.exit} proposals"
    answers = one.answers or {}
    taken = [name for name, said in answers.items() if said is Answer.TAKEN]
    refused = [name for name, said in answers.items() if said is Answer.REFUSED]
    if taken:
        return ok(check, f"takes {', '.join(taken)}")
    if refused and len(refused) == len(answers):
        what = f"refuses {', '.join(refused)}"
        others = ", ".join(name for name in PRESETS if name not in refused)
        todo = f"try exit.presets with {others}" if others else "ask the provider"
        return wrong(check, what, todo)
    return unknown(check, "it does not say what it would take")


def outer_bytes(mtu_bytes: int) -> int:
    """The packet that carries one of this size in ESP, L2TP and PPP, at the most.

    Around it PPP 4, L2TP 8, UDP 8; padded with 2 bytes more to blocks of 16; then AES's
    IV 16 and ICV 16, ESP 8, UDP 8, IP 20. Source: RFC 2661, 3948, 4303, 4868.
    """
    padded = -(-(mtu_bytes + 4 + 8 + 8 + 2) // 16) * 16
    return padded + 16 + 16 + 8 + 8 + 20


def of_mtu(one: Server, mtu_bytes: int) -> Finding:
    """Whether a full packet of the tunnel leaves in one piece."""
    check = f"{one.exit} mtu"
    if one.device_mtu is None:
        return unknown(check, "what fits on the way out cannot be told")
    outer = outer_bytes(mtu_bytes)
    what = f"{mtu_bytes} in the tunnel make {outer}, {one.device} takes"
    if outer <= one.device_mtu:
        return ok(check, f"{what} {one.device_mtu}")
    fits = mtu_bytes - (outer - one.device_mtu + 15) // 16 * 16
    return warning(check, f"{what} only {one.device_mtu}", f"set mtu_bytes = {fits}")


def of_pairs(servers: Sequence[Server]) -> Iterator[Finding]:
    """Exits that share a server: behind one NAT it may take them for one client."""
    by_address: dict[str, list[str]] = {}
    for one in servers:
        if one.address is not None:
            by_address.setdefault(one.address, []).append(one.exit)
    shared = {address: names for address, names in by_address.items() if len(names) > 1}
    for address, names in shared.items():
        what = f"{' and '.join(names)} dial {address} from behind one address"
        todo = (
            "give each exit a server of its own: many servers keep only the newest "
            "L2TP/IPsec client of an address (RFC 3948, 5.2)"
        )
        yield wrong("one server twice", what, todo)
    if not shared and len(servers) > 1:
        yield ok("one server twice", "each exit has a server of its own")


# --- probing --------------------------------------------------------------------------


class _Mailbox(asyncio.DatagramProtocol):
    """The first datagram that answers."""

    def __init__(self, cookie: bytes) -> None:
        self.said: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._cookie = cookie

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002
        said = answer(self._cookie, data)
        if said is not Answer.NONE and not self.said.done():
            self.said.set_result(said)

    def error_received(self, exc: Exception) -> None:
        """A refused port: the next try may do better."""


async def _ask(address: str, port: int, proposals: Sequence[str]) -> Answer:
    cookie = secrets.token_bytes(COOKIE_BYTES)
    loop = asyncio.get_running_loop()
    try:
        transport, mailbox = await loop.create_datagram_endpoint(
            lambda: _Mailbox(cookie), remote_addr=(address, port)
        )
    except OSError:
        return Answer.NONE  # no route
    try:
        for _ in range(TRIES):
            transport.sendto(question(cookie, proposals))
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return await asyncio.shield(mailbox.said)
            except TimeoutError:
                continue
        return Answer.NONE
    finally:
        mailbox.said.cancel()
        transport.close()


async def _way(address: str) -> tuple[str, int | None]:
    """The device towards an address, and its MTU; empty and None if unknown."""
    try:
        route = await _ip("route", "get", address)
        device = str(route["dev"])
        link = await _ip("link", "show", "dev", device)
        return device, int(link["mtu"])
    except (ToolError, ValueError, KeyError, IndexError, TypeError):
        return "", None


async def _ip(*words: str) -> dict[str, Any]:
    output = await run(["ip", "-j", *words], within_s=TOOL_TIMEOUT_S)
    first: dict[str, Any] = json.loads(output.text)[0]
    return first
