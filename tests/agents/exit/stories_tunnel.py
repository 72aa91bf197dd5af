"""Stories of one tunnel: it comes up step by step, it carries, it ends."""

from collections.abc import Mapping, Sequence
from typing import Final

from agents.exit.model import (
    Closed,
    Failed,
    IpsecDown,
    PppUp,
    Reached,
    Woke,
)
from bus.messages.exits import Stage
from tests.agents.exit.story import (
    CONNECTING,
    DIALLING,
    GONE,
    LINK,
    PROBING,
    Line,
    climb,
    failed,
    hit,
    lost,
    miss,
)

_NO_ANSWER: Final = "probe: no answer through ppp0 (3 probes)"
_FALTERED: Final = [
    *climb(),
    (miss(7), "Ready(1) ready:"),
    (miss(8), "Ready(2) ready:"),
    (miss(9), f"Probing(19, 3) ppp: <stage ready-ppp after 3: {_NO_ANSWER}>"),
]
TUNNEL: Final[Mapping[str, Sequence[Line]]] = {
    "a cold start climbs every stage": climb(),
    "nothing begins before its time": [
        (Woke(-0.1), "Waiting(0) down:"),
        (Woke(0), "Preparing down: Prepare"),
    ],
    "ESP without a word about IKE passes both stages": [
        *CONNECTING,
        (Reached(3, Stage.IPSEC), "Dialling ipsec: Dial <stage down-ipsec after 0>"),
    ],
    "a link without a word about L2TP passes it": [
        *DIALLING,
        (PppUp(5, LINK), "Probing(15, 0) ppp: Carry <stage ipsec-ppp after 2>"),
    ],
    # --- each step is bounded ---
    "a name without an answer is given up in time": [
        (Woke(0), "Preparing down: Prepare"),
        (Woke(4.9), "Preparing down:"),
        (Woke(5), failed("down", 5, "resolve: no answer in time")),
    ],
    "a key exchange without an outcome is given up in time": [
        *CONNECTING,
        (Woke(20.9), "Connecting down:"),
        (Woke(21), failed("down", 21, "ike: no answer in time")),
    ],
    "IKE without ESP is given up in time": [
        *climb()[:3],
        (Woke(21), failed("ike", 19, "ipsec: no answer in time")),
    ],
    "a call without an outcome is given up in time": [
        *DIALLING,
        (Woke(17.9), "Dialling ipsec:"),
        (Woke(18), failed("ipsec", 15, "l2tp: no answer in time")),
    ],
    "a call without a link is given up in time": [
        *climb()[:5],
        (Woke(18), failed("l2tp", 14, "ppp: no answer in time")),
    ],
    "a link that never carries a probe is given up in time": [
        *PROBING,
        (miss(6), "Probing(15, 1) ppp:"),
        (miss(7), "Probing(15, 2) ppp:"),
        (Woke(14.9), "Probing(15, 2) ppp:"),
        (Woke(15), failed("ppp", 10, "probe: no answer through ppp0 (2 probes)")),
    ],
    # --- a tunnel that was ready ---
    "an answer forgives earlier misses": [
        *climb(),
        (miss(7), "Ready(1) ready:"),
        (miss(8), "Ready(2) ready:"),
        (hit(9), "Ready(0) ready:"),
        (miss(10), "Ready(1) ready:"),
    ],
    "three misses in a row make it fall back to ppp": _FALTERED,
    "a tunnel that fell back is ready again with the first answer": [
        *_FALTERED,
        (hit(12), "Ready(0) ready: <stage ppp-ready after 3>"),
    ],
    "a tunnel that fell back and stays silent is torn down": [
        *_FALTERED,
        (Woke(18.9), "Probing(19, 3) ppp:"),
        (Woke(19), lost("ppp", 3, _NO_ANSWER)),
        (Closed(20, clean=False, jitter=1), "Waiting(21) down:"),
        *climb(21, fresh=True),
    ],
    "a link that goes down is lost at once": [
        *climb(),
        (Failed(8, GONE, vague=True), lost("ready", 2, GONE.text)),
    ],
    "IPsec that comes back under the session changes nothing": [
        *climb(),
        (IpsecDown(7), "Ready(0) ready:"),
        (miss(8), "Ready(1) ready:"),
        (Reached(8.5, Stage.IPSEC), "Ready(1) ready:"),
        (hit(9), "Ready(0) ready:"),
    ],
    "IPsec that stays away is part of the cause": [
        *climb(),
        (IpsecDown(7), "Ready(0) ready:"),
        (miss(8), "Ready(1) ready:"),
        (miss(9), "Ready(2) ready:"),
        (
            miss(10),
            f"Probing(20, 3) ppp: <stage ready-ppp after 4: {_NO_ANSWER}; the server "
            "ended IPsec>",
        ),
    ],
}
