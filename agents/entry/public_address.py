"""Do clients leave where they should? Their public address, and what it means.

Values and their rules, pure. What a service in the internet says through the exit in
use is compared with what it said before: as long as the exit has the same tunnel, the
address stays. No answer means nothing: a service may be down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from bus.commands import Verb
from bus.heartbeat import HEARTBEAT_S
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Hop

SILENT_S: Final = 3 * HEARTBEAT_S  # an exit that may have a new tunnel unheard
SAME_S: Final = 1.0  # by which one moment may differ from report to report
REOPENS: Final = 2  # sightings of the known address


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Where clients leave to be seen: through this exit, at this address of its own.

    Attributes:
        tunnel: The exit's present one, as counted here; None: the exit has not said
            lately whether it has another.
        urgent: A leak stands, so it is asked more often.
    """

    exit: str
    address: str
    tunnel: int | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An exit's tunnel by its own word; `number` counts those that were heard of.

    `heard_s`: when it last said so; None: not since the broker came.
    """

    number: int
    report: ExitReport
    heard_s: float | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was answered last."""

    asked: Inquiry
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Known:
    """The address that belongs to an exit's tunnel."""

    tunnel: int
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Leak:
    """Why the gate is closed; `again`: how often the known address was seen since."""

    why: str
    again: int = 0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of the clients' public address; keys are names of exits.

    `alarmed`: there was a leak in this life, standing or not.
    """

    tunnels: Mapping[str, Tunnel] = field(default_factory=dict)
    known: Mapping[str, Known] = field(default_factory=dict)
    seen: Seen | None = None
    leak: Leak | None = None
    alarmed: bool = False


def heard_of(outlook: Outlook, exit_: str, report: ExitReport, at_s: float) -> Outlook:
    """What is known after the exit itself said this."""
    before = outlook.tunnels.get(exit_)
    number = before.number if before else 1
    if before and not _same(before.report, report):
        number += 1
    tunnel = Tunnel(number, report, at_s)
    return replace(outlook, tunnels={**outlook.tunnels, exit_: tunnel})


def deaf(outlook: Outlook) -> Outlook:
    """What is known once the broker is away: a new tunnel would go unheard."""
    tunnels = {
        name: replace(one, heard_s=None) for name, one in outlook.tunnels.items()
    }
    return replace(outlook, tunnels=tunnels)


def _same(before: ExitReport, now: ExitReport) -> bool:
    """Whether the tunnel is the one it was."""
    return (
        (before.boot, before.stage, before.tunnel_address)
        == (now.boot, now.stage, now.tunnel_address)
        and abs(before.since - now.since) < SAME_S  # the clock of an exit is slewed
    )


def inquiry(outlook: Outlook, hop: Hop | None, at_s: float) -> Inquiry | None:
    """What is to be asked now; None: nothing, as nobody carries."""
    if hop is None or not hop.exit:
        return None
    tunnel = outlook.tunnels.get(hop.exit)
    return Inquiry(
        hop.exit,
        hop.address,
        tunnel.number if tunnel and _stands(tunnel, at_s) else None,
        urgent=outlook.leak is not None,
    )


def _stands(tunnel: Tunnel, at_s: float) -> bool:
    fresh = tunnel.heard_s is not None and at_s - tunnel.heard_s < SILENT_S
    return fresh and tunnel.report.stage is Stage.READY


def judged(outlook: Outlook, seen: Seen, home: Iterable[IPv4Network]) -> Outlook:
    """What is known after this answer."""
    why = _wrong(outlook, seen, home)
    after = replace(outlook, seen=seen)
    if outlook.leak is not None:
        return replace(after, leak=_lasting(outlook, outlook.leak, seen, why))
    return _alarmed(after, why) if why else _learned(after, seen)


def remembered(outlook: Outlook, why: str) -> Outlook:
    """What is known once the broker says that a leak stood before this life.

    Of our own leaks we know better: it may remember one that is over.
    """
    return outlook if outlook.alarmed else _alarmed(outlook, why)


def _alarmed(outlook: Outlook, why: str) -> Outlook:
    return replace(outlook, leak=Leak(why), alarmed=True)


def _wrong(outlook: Outlook, seen: Seen, home: Iterable[IPv4Network]) -> str:
    """Why nobody should be seen there; empty: nothing speaks against it."""
    through = f"through {seen.asked.exit} clients are seen as {seen.address}"
    if network := _at_home(seen.address, home):
        return f"{through}, which is at home ({network})"
    known = outlook.known.get(seen.asked.exit)
    if known is None or known.tunnel != seen.asked.tunnel:
        return ""
    if known.address == seen.address:
        return ""
    return f"{through}, not {known.address}, and its tunnel is the same"


def _at_home(address: IPv4Address, home: Iterable[IPv4Network]) -> IPv4Network | None:
    return next((network for network in home if address in network), None)


def _learned(outlook: Outlook, seen: Seen) -> Outlook:
    """From now on this is the address of that tunnel, if one knows which it is."""
    name, tunnel = seen.asked.exit, seen.asked.tunnel
    if tunnel is None:
        return outlook
    known = Known(tunnel, seen.address)
    return replace(outlook, known={**outlook.known, name: known})


def _lasting(outlook: Outlook, leak: Leak, seen: Seen, why: str) -> Leak | None:
    """What becomes of a leak: only what was known before ends it, seen in a row."""
    known, name = outlook.known.get(seen.asked.exit), seen.asked.exit
    familiar = known is not None and known.tunnel == seen.asked.tunnel
    if why or not familiar:
        return replace(leak, again=0)
    through = outlook.seen.asked.exit if outlook.seen else ""
    again = leak.again + 1 if through == name else 1
    return None if again >= REOPENS else replace(leak, again=again)


# --- what people say to it ------------------------------------------------------------


def present(outlook: Outlook, asked: Inquiry | None) -> Seen | None:
    """What was answered through the tunnel that is asked now; None: nothing yet."""
    seen = outlook.seen
    if seen is None or asked is None:
        return None
    same = replace(seen.asked, urgent=asked.urgent) == asked
    return seen if same else None


def refusal(
    outlook: Outlook, asked: Inquiry | None, verb: str, home: Iterable[IPv4Network]
) -> str:
    """Why a wish is not granted; empty: it is."""
    if verb != Verb.ACCEPT:
        return f"unknown to an entry: {verb}"
    if outlook.leak is None:
        return "there is no leak"
    seen = present(outlook, asked)
    if seen is None:
        return "nobody has said yet what the present address is"
    if network := _at_home(seen.address, home):
        return f"{seen.address} is at home ({network}) by the settings"
    return ""


def accepted(outlook: Outlook, asked: Inquiry | None) -> Outlook:
    """What is known once people said that the present address is right."""
    seen = present(outlook, asked)
    if seen is None:
        return outlook
    known = {
        name: one for name, one in outlook.known.items() if name != seen.asked.exit
    }
    return _learned(replace(outlook, known=known, leak=None), seen)
