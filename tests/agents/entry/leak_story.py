"""An entry that looks for leaks, and what it lives through."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from agents.entry.events import (
    AddressSeen,
    ExitHeard,
    GateStands,
    HopStands,
    Ordered,
    Requested,
)
from agents.entry.model import Point, SayResponse
from bus.commands import Request
from bus.messages.exits import ExitReport, Stage
from tests.agents.entry.story import POLICY, WALL, WG0, A, B, Story, order

PROVIDER, OTHER, HOME = "192.0.2.1", "192.0.2.2", "203.0.113.7"
LOOKING = replace(POLICY, leak_check=True, home=(IPv4Network("203.0.113.0/29"),))
READY = ExitReport(stage=Stage.READY, since=WALL, boot="one", tunnel_address="10.0.0.2")


def looking() -> Story:
    """An entry that looks for leaks; clients leave through exit-a, which is ready."""
    return Story(LOOKING).hears(
        Ordered(1.0, order(1, "exit-a")),
        HopStands(1.0, Point(A)),
        GateStands(1.1, WG0),
        ExitHeard(1.2, "exit-a", READY),
    )


def seen(story: Story, address: str, at_s: float = 2.0) -> Story:
    """A service has answered what it is being asked."""
    assert story.state.inquiry is not None
    return story.hears(AddressSeen(at_s, story.state.inquiry, IPv4Address(address)))


def leaking() -> Story:
    """It was seen as of the provider, then as of somebody else."""
    story = seen(seen(looking(), PROVIDER), OTHER)
    assert story.report.leak
    return story.hears(GateStands(2.1, None))


def moved(story: Story) -> Story:
    """Clients leave through exit-b, which is ready."""
    return story.hears(
        Ordered(3.0, order(2, "exit-b")),
        HopStands(3.0, Point(B)),
        ExitHeard(3.1, "exit-b", READY),
    )


def accept(story: Story, verb: str = "accept") -> tuple[bool, str]:
    """What the answer to that wish is."""
    story.hears(Requested(4.0, verb, Request(transaction="7")))
    (said,) = story.of(SayResponse)
    assert (said.verb, said.response.transaction) == (verb, "7")
    return said.response.ok, said.response.error
