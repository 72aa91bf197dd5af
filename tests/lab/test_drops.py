"""What the kernel dropped itself is read from its own counters."""

import socket

import pytest

from lab import topology
from lab.drops import dropped, of_processor, of_sockets
from lab.nodes import open_lab

SNMP = """\
Ip: Forwarding DefaultTTL
Ip: 1 64
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors
Udp: 1000 5 12 900 7 2 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
UdpLite: 0 0 0 0 99 99
"""
SOFTNET = """\
0000a0b1 00000003 00000000 00000000
0000a0b2 0000000a 00000001 00000000
"""


def test_full_sockets_are_counted_and_nothing_else() -> None:
    assert of_sockets(SNMP) == 9


def test_full_queues_of_all_processors_are_counted() -> None:
    assert of_processor(SOFTNET) == 13


@pytest.mark.kernel
async def test_a_socket_that_nobody_reads_drops() -> None:
    async with open_lab(topology.build(exits=1)) as lab:
        datagrams = (socket.AF_INET, socket.SOCK_DGRAM)
        with (
            await lab.socket("internet", *datagrams) as deaf,
            await lab.socket("internet", *datagrams) as sender,
        ):
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            deaf.bind(("127.0.0.1", 4000))
            before = await dropped(lab)
            for _ in range(100):
                sender.sendto(b"x" * 1000, ("127.0.0.1", 4000))

            assert await dropped(lab) - before >= 90
