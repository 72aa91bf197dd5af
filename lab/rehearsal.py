"""A leak on purpose: one client's packet in the clear, past every firewall.

Sent from a raw socket on the interface itself, so no rule of an agent can stop it. It
is addressed to a station which is not of the chain, and carries a mark: a capture
counts it apart from real leaks.
"""

import socket
import struct
from typing import Final

from agents.icmp import checksum
from lab.nodes import Lab

SOURCE: Final = "10.13.13.250"
FIRST_PORT: Final = 60000  # of the source; where one went is told by its number
TARGET: Final = "198.51.100.9"
TARGET_PORT: Final = 9
STRANGER: Final = bytes.fromhex("020000000099")
SENDER: Final = bytes.fromhex("0200000000fe")


def leaking_frame(number: int = 0) -> bytes:
    """An Ethernet frame with a client's UDP packet."""
    packet = udp_packet((SOURCE, FIRST_PORT + number), (TARGET, TARGET_PORT))
    return STRANGER + SENDER + b"\x08\x00" + packet


def number_of(frame: bytes) -> int | None:
    """The number of a frame that leaked on purpose; None: it is another one."""
    start = 14 + 20
    if frame[26:34] != socket.inet_aton(SOURCE) + socket.inet_aton(TARGET):
        return None
    return int.from_bytes(frame[start : start + 2], "big") - FIRST_PORT


def udp_packet(
    source: tuple[str, int], target: tuple[str, int], payload: bytes = b""
) -> bytes:
    """An IPv4 packet with a UDP datagram without checksum."""
    datagram = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload
    ends = socket.inet_aton(source[0]), socket.inet_aton(target[0])
    size = 20 + len(datagram)
    fields = (0x45, 0, size, 0, 0, 64, socket.IPPROTO_UDP, 0, *ends)
    header = struct.pack("!BBHHHBBH4s4s", *fields)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return header + datagram


async def inject(lab: Lab, node: str, interface: str, frame: bytes) -> None:
    """Put one frame on an interface of a node; OSError if it is not there."""
    with await lab.socket(node, socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        sender.send(frame)
