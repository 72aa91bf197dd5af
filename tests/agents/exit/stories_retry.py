"""Stories of the next attempt: when it comes, and what it does differently."""

from collections.abc import Mapping, Sequence
from typing import Final

from agents.exit.model import (
    Cause,
    Closed,
    Failed,
    Reached,
    Resolved,
    Woke,
)
from bus.messages.exits import Stage
from tests.agents.exit.story import (
    CONNECTING,
    DIALLING,
    GONE,
    REFUSED,
    SERVER,
    SILENT,
    WRONG_PASSWORD,
    WRONG_PSK,
    Line,
    climb,
    failed,
    hit,
    lost,
    refused,
)

RETRY: Final[Mapping[str, Sequence[Line]]] = {
    "failures in a row double the pause up to its limit": [
        line
        for begin, close, retry in [(0, 5, 6), (6, 11, 13), (13, 18, 22), (22, 27, 35)]
        for line in (
            (Woke(begin), "Preparing down: Prepare"),
            (Woke(begin + 5), failed("down", 5, "resolve: no answer in time")),
            (Closed(close, clean=True, jitter=1), f"Waiting({retry}) down:"),
        )
    ]
    + [
        (Woke(35), "Preparing down: Prepare"),
        (Woke(40), failed("down", 5, "resolve: no answer in time")),
        (Closed(40, clean=True, jitter=1), "Waiting(48) down:"),
    ],
    "half of the pause is left to chance": [
        (Woke(0), "Preparing down: Prepare"),
        (Woke(5), failed("down", 5, "resolve: no answer in time")),
        (Closed(5, clean=True, jitter=0), "Waiting(5.5) down:"),
    ],
    "a permanent cause waits for long": [
        *DIALLING,
        (Failed(4, WRONG_PASSWORD), failed("ipsec", 1, WRONG_PASSWORD.text)),
        (Closed(5, clean=True, jitter=1), "Waiting(105) down:"),
    ],
    "a tunnel that was lost soon does not forget its failures": [
        (Woke(-9), "Waiting(0) down:"),
        *DIALLING,
        (Failed(4, GONE), failed("ipsec", 1, GONE.text)),
        (Closed(4, clean=True, jitter=1), "Waiting(5) down:"),
        *climb(5),
        (hit(70.9), "Ready(0) ready:"),
        (Failed(70.95, GONE), lost("ready", 59.95, GONE.text)),
        (Closed(71, clean=True, jitter=1), "Waiting(73) down:"),
    ],
    "a tunnel that was steady forgets its failures": [
        *DIALLING,
        (Failed(4, GONE), failed("ipsec", 1, GONE.text)),
        (Closed(4, clean=True, jitter=1), "Waiting(5) down:"),
        *climb(5),
        (hit(71), "Ready(0) ready:"),
        (Failed(71, GONE), lost("ready", 60, GONE.text)),
        (Closed(71, clean=True, jitter=1), "Waiting(72) down:"),
    ],
    # --- presets ---
    "a refused preset gives way to the next at once": [
        *CONNECTING,
        *refused(0, left=True),
        (Closed(3, clean=True), "Preparing down: Prepare"),
        (Resolved(4, SERVER), "Connecting down: Connect(compat)"),
    ],
    "all presets refused is permanent, and the round starts over": [
        *CONNECTING,
        *refused(0, left=True),
        (Closed(0, clean=True), "Preparing down: Prepare"),
        (Resolved(0, SERVER), "Connecting down: Connect(compat)"),
        *refused(0, left=True),
        (Closed(0, clean=True), "Preparing down: Prepare"),
        (Resolved(0, SERVER), "Connecting down: Connect(legacy)"),
        *refused(0, left=False),
        (Closed(0, clean=True, jitter=1), "Waiting(100) down:"),
        (Woke(100), "Preparing down: Prepare"),
        (Resolved(100, SERVER), "Connecting down: Connect(modern)"),
    ],
    "the preset that came furthest says why all were refused": [
        *CONNECTING,
        *refused(0, left=True),
        (Closed(0, clean=True), "Preparing down: Prepare"),
        (Resolved(0, SERVER), "Connecting down: Connect(compat)"),
        (Reached(0, Stage.IKE), "Connecting ike: <stage down-ike after 0>"),
        (
            Failed(0, Cause("ipsec: no proposal chosen"), refused=True),
            "Closing(again) down: <failed ike-down after 0: ipsec: no proposal chosen>"
            " Close",
        ),
        (Closed(0, clean=True), "Preparing down: Prepare"),
        (Resolved(0, SERVER), "Connecting down: Connect(legacy)"),
        (
            Failed(0, REFUSED, refused=True),
            "Closing down: <failed down-down after 0: ipsec: no proposal chosen; "
            "presets tried: modern, compat, legacy> Close",
        ),
    ],
    "the preset that worked comes first from then on": [
        *CONNECTING,
        *refused(0, left=True),
        *[(Closed(3, clean=True), "Preparing down: Prepare"), *climb(3, "compat")[1:]],
        (Failed(10, GONE), lost("ready", 1, GONE.text)),
        (Closed(10, clean=True, jitter=1), "Waiting(11) down:"),
        *climb(11, "compat"),
    ],
    "silence makes the next round begin with the next preset": [
        *CONNECTING,
        (Failed(2, SILENT), failed("down", 2, SILENT.text)),
        (Closed(2, clean=True, jitter=1), "Waiting(3) down:"),
        (Woke(3), "Preparing down: Prepare"),
        (Resolved(3, SERVER), "Connecting down: Connect(compat, fresh)"),
    ],
    "silence does not drop the preset that worked": [
        *climb(),
        (Failed(10, GONE), lost("ready", 4, GONE.text)),
        (Closed(10, clean=True, jitter=1), "Waiting(11) down:"),
        (Woke(11), "Preparing down: Prepare"),
        (Resolved(11, SERVER), "Connecting down: Connect(modern)"),
        (Failed(12, SILENT), failed("down", 1, SILENT.text)),
        (Closed(12, clean=True, jitter=1), "Waiting(14) down:"),
        (Woke(14), "Preparing down: Prepare"),
        (Resolved(14, SERVER), "Connecting down: Connect(modern, fresh)"),
    ],
    # --- ports ---
    "after an abrupt end the next attempt leaves by fresh ports": [
        *climb(),
        (Failed(10, GONE), lost("ready", 4, GONE.text)),
        (Closed(10, clean=False, jitter=1), "Waiting(11) down:"),
        *climb(11, fresh=True),
        (Failed(20, GONE), lost("ready", 3, GONE.text)),
        (Closed(20, clean=True, jitter=1), "Waiting(22) down:"),
        *climb(22),
    ],
    "fresh ports that bring nothing give way to the usual ones": [
        *climb(),
        (Failed(10, GONE), lost("ready", 4, GONE.text)),
        (Closed(10, clean=False, jitter=1), "Waiting(11) down:"),
        (Woke(11), "Preparing down: Prepare"),
        (Resolved(11, SERVER), "Connecting down: Connect(modern, fresh)"),
        (Failed(12, SILENT), failed("down", 1, SILENT.text)),
        (Closed(12, clean=True, jitter=1), "Waiting(14) down:"),
        (Woke(14), "Preparing down: Prepare"),
        (Resolved(14, SERVER), "Connecting down: Connect(modern)"),
    ],
    "a wrong PSK is believed when fresh ports say so too": [
        *CONNECTING,
        (Failed(2, WRONG_PSK), failed("down", 2, WRONG_PSK.text)),
        (Closed(2, clean=True, jitter=1), "Waiting(3) down:"),
        (Woke(3), "Preparing down: Prepare"),
        (Resolved(3, SERVER), "Connecting down: Connect(modern, fresh)"),
        (Failed(4, WRONG_PSK), failed("down", 1, WRONG_PSK.text)),
        (Closed(4, clean=True, jitter=1), "Waiting(104) down:"),
        (Woke(104), "Preparing down: Prepare"),
        (Resolved(104, SERVER), "Connecting down: Connect(modern, fresh)"),
    ],
}
