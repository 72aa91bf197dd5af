"""What mypy must refuse: each ignore below is an error of mypy's if it is not needed.

`warn_unused_ignores` (in strict) makes this file the test; at run time it does nothing.
"""

from typing import TYPE_CHECKING

from bus.interface import Bus, Received
from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Order
from bus.messages.presence import Presence, Status
from bus.topics import EXIT_EVENT, EXIT_STATE, ORDER

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from bus.link import _Link
    from tests.fakes.bus import FakeBus

REPORT = ExitReport(stage=Stage.IKE, since=1.0)


def refused(bus: Bus) -> "list[Awaitable[None]]":
    """The payload of another topic."""
    return [
        bus.publish(EXIT_STATE, Presence(status=Status.ONLINE)),  # type: ignore[misc]
        bus.publish(EXIT_EVENT, REPORT, exit="exit-a"),  # type: ignore[misc]
        bus.publish(ORDER, REPORT),  # type: ignore[misc]
        bus.publish(EXIT_STATE, {"stage": "ike"}, exit="exit-a"),  # type: ignore[misc]
        bus.publish(EXIT_STATE, REPORT, exit=1),  # type: ignore[arg-type]
        bus.publish(EXIT_STATE, REPORT, retain=False),  # type: ignore[arg-type]
    ]


def taken(bus: Bus) -> "list[Awaitable[None]]":
    """The payload of the topic."""
    return [bus.publish(EXIT_STATE, REPORT, exit="exit-a")]


def order_of(received: Received[Order]) -> int:
    """What was received has the payload's type."""
    return received.payload.epoch


def both(link: "_Link", fake: "FakeBus") -> list[Bus]:
    """The real link and the fake one are buses."""
    return [link, fake]


def test_the_cases_above_are_judged_by_mypy() -> None:
    assert all(callable(case) for case in (refused, taken, order_of, both))
