"""Stories of an exit that lets go: its clients move first, if they can."""

from collections.abc import Mapping, Sequence
from typing import Final

from agents.exit.model import (
    Closed,
    Failed,
    Ordered,
    ReconnectAsked,
    StopAsked,
    Unheard,
    Woke,
)
from tests.agents.exit.story import (
    DIALLING,
    GONE,
    SILENT,
    Line,
    climb,
    hit,
    lost,
    miss,
    ordered,
)

_ACTIVE: Final = [
    *climb(),
    (ordered(7, ours=True), "Ready(0) ready: Reroute(exit-b)"),
]
_STANDBY: Final = [
    *climb(),
    (ordered(7, ours=False), "Ready(0) ready: Reroute(exit-b)"),
]
_ASKED: Final = "<lost ready-down after 4: reconnect asked for>"
_BROKEN: Final = f"<lost ready-down after 4: {SILENT.text}>"
_STOPPED: Final = "<lost ready-down after 4: stopping>"
_LEAVING: Final = [
    *_ACTIVE,
    (ReconnectAsked(10), f"Leaving(12, again) down: {_ASKED}"),
]

LEAVING: Final[Mapping[str, Sequence[Line]]] = {
    # --- orders ---
    "the detour follows the order, whatever the exit is busy with": [
        (ordered(0, ours=False), "Waiting(0) down: Reroute(exit-b)"),
        (ordered(0, ours=True), "Waiting(0) down:"),
        *climb()[:3],
        (ordered(3, ours=True, detour="exit-c"), "Connecting ike: Reroute(exit-c)"),
        (ordered(3, ours=True, detour=""), "Connecting ike: Reroute()"),
        (Unheard(4), "Connecting ike:"),
    ],
    "an order without a detour takes away what a predecessor left": [
        (ordered(0, ours=False, detour=""), "Waiting(0) down: Reroute()"),
        (ordered(5, ours=False, detour=""), "Waiting(0) down:"),
    ],
    "a detour outlives the bus": [
        *_STANDBY,
        (Unheard(8), "Ready(0) ready:"),
        (ordered(9, ours=False), "Ready(0) ready:"),
    ],
    # --- an exit that carries clients' traffic ---
    "the tunnel stays until the clients have moved, and a little longer": [
        *_LEAVING,
        (hit(10.1), "Leaving(12, again) down:"),
        (ordered(10.2, ours=True), "Leaving(12, again) down:"),
        (ordered(10.3, ours=False), "Leaving(10.8, moved, again) down:"),
        (ordered(10.4, ours=False), "Leaving(10.8, moved, again) down:"),
        (Woke(10.7), "Leaving(10.8, moved, again) down:"),
        (Woke(10.8), "Closing(again) down: Close"),
        (Closed(11, clean=True), "Preparing down: Prepare"),
    ],
    "clients that do not move are not waited for long": [
        *_LEAVING,
        (Woke(11.9), "Leaving(12, again) down:"),
        (Woke(12), "Closing(again) down: Close"),
    ],
    "clients that move late do not make it last longer": [
        *_LEAVING,
        (ordered(11.9, ours=False), "Leaving(12, moved, again) down:"),
    ],
    "nobody is waited for once no other exit is left": [
        *_LEAVING,
        (
            ordered(10.1, ours=True, detour=""),
            "Leaving(10.6, moved, again) down: Reroute()",
        ),
    ],
    "nobody is waited for once the bus is away": [
        *_LEAVING,
        (Unheard(10.1), "Leaving(10.6, moved, again) down:"),
    ],
    "a link that goes meanwhile is not waited for": [
        *_LEAVING,
        (Failed(10.1, SILENT), "Leaving(12, again) down:"),
        (Failed(10.2, GONE, vague=True), "Closing(again) down: Close"),
    ],
    "a stop lets the clients move first": [
        *_ACTIVE,
        (StopAsked(10), f"Leaving(12, again) down: {_STOPPED}"),
        (StopAsked(10.1), "Leaving(12, again) down:"),
        (ordered(10.2, ours=False), "Leaving(10.7, moved, again) down:"),
        (Woke(10.7), "Closing(again) down: Close"),
    ],
    "a request while a tunnel is given up makes the next attempt follow at once": [
        *_ACTIVE,
        (Failed(10, SILENT), f"Leaving(12) down: {_BROKEN}"),
        (ReconnectAsked(10.1), "Leaving(12, again) down:"),
    ],
    "a tunnel whose daemon broke may still carry": [
        *_ACTIVE,
        (Failed(10, SILENT), f"Leaving(12) down: {_BROKEN}"),
    ],
    "a silent tunnel that is given up may still carry": [
        *_ACTIVE,
        (miss(8), "Ready(1) ready:"),
        (miss(9), "Ready(2) ready:"),
        (
            miss(10),
            "Probing(20, 3) ppp: <stage ready-ppp after 4: probe: no answer through "
            "ppp0 (3 probes)>",
        ),
        (
            Woke(20),
            "Leaving(22) down: <lost ppp-down after 4: probe: no answer through ppp0 "
            "(3 probes)>",
        ),
    ],
    # --- an exit that nobody would miss ---
    "a link that went down is given up at once": [
        *_ACTIVE,
        (Failed(10, GONE, vague=True), lost("ready", 4, GONE.text)),
    ],
    "a standby goes at once": [
        *_STANDBY,
        (ReconnectAsked(10), f"Closing(again) down: {_ASKED} Close"),
    ],
    "the last exit goes at once": [
        *climb(),
        (ordered(7, ours=True, detour=""), "Ready(0) ready: Reroute()"),
        (StopAsked(10), f"Closing(again) down: {_STOPPED} Close"),
    ],
    "an exit that nobody hears goes at once": [
        *_ACTIVE,
        (Unheard(8), "Ready(0) ready:"),
        (StopAsked(10), f"Closing(again) down: {_STOPPED} Close"),
    ],
    "an attempt that has no link yet has nothing to wait for": [
        (Ordered(0, ours=True, detour="exit-b"), "Waiting(0) down: Reroute(exit-b)"),
        *DIALLING,
        (
            ReconnectAsked(4),
            "Closing(again) down: <failed ipsec-down after 1: reconnect asked for> "
            "Close",
        ),
    ],
    "a stop before there is a link is for the shell alone": [
        *DIALLING,
        (StopAsked(4), "Dialling ipsec:"),
    ],
}
