"""Every story of the exit; those of requests and of late words stand here."""

from collections.abc import Mapping, Sequence
from typing import Final

from agents.exit.model import (
    Closed,
    Failed,
    PppUp,
    ReconnectAsked,
    Woke,
)
from tests.agents.exit.stories_leaving import LEAVING
from tests.agents.exit.stories_retry import RETRY
from tests.agents.exit.stories_tunnel import TUNNEL
from tests.agents.exit.story import (
    DIALLING,
    GONE,
    LINK,
    Line,
    climb,
    failed,
    hit,
    lost,
)

_OTHERS: Final[Mapping[str, Sequence[Line]]] = {
    # --- requests ---
    "a request ends the pause": [
        (Woke(0), "Preparing down: Prepare"),
        (Woke(5), failed("down", 5, "resolve: no answer in time")),
        (Closed(5, clean=True, jitter=1), "Waiting(6) down:"),
        (ReconnectAsked(5.1), "Preparing down: Prepare"),
    ],
    "a request during an attempt starts another once it is cleaned up": [
        *DIALLING,
        (
            ReconnectAsked(4),
            "Closing(again) down: <failed ipsec-down after 1: reconnect asked for> "
            "Close",
        ),
        (Closed(5, clean=True), "Preparing down: Prepare"),
    ],
    "a request gives a ready tunnel up": [
        *climb(),
        (
            ReconnectAsked(10),
            "Closing(again) down: <lost ready-down after 4: reconnect asked for> Close",
        ),
        (Closed(11, clean=True), "Preparing down: Prepare"),
    ],
    "a request during the clean-up makes the next attempt follow at once": [
        *climb(),
        (Failed(10, GONE), lost("ready", 4, GONE.text)),
        (ReconnectAsked(10.5), "Closing(again) down:"),
        (Closed(11, clean=True), "Preparing down: Prepare"),
    ],
    "a request at the beginning of an attempt is granted already": [
        (Woke(0), "Preparing down: Prepare"),
        (ReconnectAsked(0.1), "Preparing down:"),
    ],
    # --- late words ---
    "late words of a given-up attempt change nothing": [
        *DIALLING,
        (Failed(4, GONE), failed("ipsec", 1, GONE.text)),
        (PppUp(4.1, LINK), "Closing down:"),
        (Failed(4.2, GONE), "Closing down:"),
        (Closed(5, clean=True, jitter=1), "Waiting(6) down:"),
        (Failed(5.1, GONE), "Waiting(6) down:"),
        (Closed(5.2, clean=True), "Waiting(6) down:"),
        (hit(5.3), "Waiting(6) down:"),
    ],
}

STORIES: Final = {**TUNNEL, **RETRY, **LEAVING, **_OTHERS}
