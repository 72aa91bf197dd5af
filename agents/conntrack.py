"""The kernel's table of connections: forgetting those that hang on a dead way.

The kernel itself looks for them, by the mark that the packet filter gave them: one
message, whatever the number of connections. To read the table first would stop the
traffic on this processor for as long as that takes.
Source: include/uapi/linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h of Linux 5.3;
what is deleted can be told by its mark since Linux 3.19.
"""

import asyncio
import logging
import os
import socket
from typing import Final

from agents.firewall import Firewall, FirewallError
from agents.marks import Flows, marking
from agents.nlmsg import attribute, refusal, request

ANSWER_S: Final = 2.0

_NETFILTER: Final = 12  # the protocol of the socket
_DELETE: Final = 1 << 8 | 2  # subsystem of connections, their message
_MARK, _MASK = 8, 21  # attributes: CTA_MARK, CTA_MARK_MASK
_ANY_FAMILY: Final = bytes([socket.AF_UNSPEC, 0, 0, 0])
_ANSWER_BYTES: Final = 4096

log = logging.getLogger(__name__)


async def mark_flows(firewall: Firewall, inbound: str) -> None:
    """What is passed on from this device is known by its kind, so it can be forgotten.

    A kernel that cannot mark is said in the log: connections then end when their ends
    give up.
    """
    try:
        await firewall.apply(marking(inbound))
    except FirewallError as error:
        log.warning("marking connections: %s; none will be forgotten", error)


async def forget_flows(flows: Flows) -> bool:
    """Whether the connections of this kind were forgotten; never raises.

    Their next packet begins anew, with a new address of the exit's. Connections without
    the mark are not touched. A kernel that refuses is said in the log.
    """
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    try:
        with socket.socket(socket.AF_NETLINK, kind, _NETFILTER) as sock:
            sock.settimeout(ANSWER_S)
            await asyncio.to_thread(_ask, sock, _deletion(flows))
    except OSError as error:
        log.warning("forgetting connections: %s", error.strerror or error)
        return False
    return True


def _ask(sock: socket.socket, message: bytes) -> None:
    """Sends it; the kernel has done as asked when this returns."""
    sock.send(message)
    number = refusal(sock.recv(_ANSWER_BYTES))
    if number:
        raise OSError(number, os.strerror(number))


def _deletion(flows: Flows) -> bytes:
    bits = flows.to_bytes(4)
    return request(
        _DELETE, _ANY_FAMILY + attribute(_MARK, bits) + attribute(_MASK, bits)
    )
