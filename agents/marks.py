"""By what the kernel tells apart what we send, forward and remember. Values only.

A packet's mark (`fwmark`) and a connection's (`connmark`) are two numbers. Some hosts
copy one into the other, so the two keep apart: what a probe is sent with is below every
bit of a connection's, and of a connection's only our own bits are ever set or asked.
"""

from enum import IntFlag
from typing import Final

FIRST_LANE: Final = 1000  # a lane has a table, too: above those that people use
LANES: Final = 1 << 28  # more than any bridge has addresses

_CHAIN: Final = "VPNCHAIN-CONNECTIONS"


class Flows(IntFlag):
    """Connections of ours that are forgotten together; each kind is one bit.

    Attributes:
        CLIENTS: What is passed on for clients; at an exit also the entry's probes.
        DNS: What of it was led to a resolver that the client did not name.
    """

    CLIENTS = 1 << 30
    DNS = 1 << 29


def marking(inbound: str) -> str:
    """For iptables-restore: what is forwarded from this device is known by its kind.

    Every packet is looked at, and not the first alone: what began under a predecessor
    that set no marks has one with its next packet.
    """
    clients, dns = f"{Flows.CLIENTS:#x}", f"{Flows.DNS:#x}"
    led = "-m conntrack --ctstate DNAT"
    return f"""\
*mangle
:{_CHAIN} - [0:0]
-A FORWARD -j {_CHAIN}
-A {_CHAIN} -i {inbound} -j CONNMARK --set-xmark {clients}/{clients}
-A {_CHAIN} -i {inbound} {led} -j CONNMARK --set-xmark {dns}/{dns}
COMMIT
"""
