"""What the running kernel lacks for L2TP over IPsec: found out by trying.

A module's name in a list proves nothing: it may be built in, or load by itself when
first asked for, also for a container.
"""

import errno
import os
import socket
import struct
from typing import Final

from agents.exit.model import Cause
from agents.nlmsg import attribute, refusal, request

PPP_DEVICE: Final = "/dev/ppp"
_AF_PPPOX: Final = 24
_PX_PROTO_OL2TP: Final = 1
_NETLINK_XFRM: Final = 6
_ANSWER_TIMEOUT_S: Final = 2.0


def lacks() -> Cause | None:
    """The first thing that is missing; None if all is there.

    May make the kernel load modules, which takes up to a second: call it in a thread.
    """
    return lacks_ppp() or lacks_l2tp() or lacks_esp()


def lacks_ppp() -> Cause | None:
    """What is missing for PPP; None if nothing is."""
    try:
        os.close(os.open(PPP_DEVICE, os.O_RDWR))
    except FileNotFoundError:
        return _lack(f"no {PPP_DEVICE}")
    except PermissionError:
        return _lack(f"{PPP_DEVICE} not permitted (device and NET_ADMIN are needed)")
    except OSError:
        return _lack("no ppp_generic module")
    return None


def lacks_l2tp() -> Cause | None:
    """What is missing for L2TP; None if nothing is."""
    try:
        socket.socket(_AF_PPPOX, socket.SOCK_DGRAM, _PX_PROTO_OL2TP).close()
    except OSError:
        return _lack("no l2tp_ppp module")
    return None


def lacks_esp() -> Cause | None:
    """What is missing for IPsec; None if nothing is.

    Tried with an association that no packet can match, removed at once.
    """
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    try:
        with socket.socket(socket.AF_NETLINK, kind, _NETLINK_XFRM) as netlink:
            netlink.settimeout(_ANSWER_TIMEOUT_S)
            error = _ask(netlink, _NEW, _association())
            if error == 0:
                _ask(netlink, _DELETE, _identity())
    except OSError:
        return _lack("no xfrm_user module")
    match error:
        case 0 | errno.EEXIST:
            return None
        case errno.EPERM:
            return _lack("ESP not permitted (NET_ADMIN is needed)")
        case errno.EPROTONOSUPPORT:
            return _lack("no esp4 module")
        case _:
            return _lack(f"no AES with SHA-1 for ESP ({os.strerror(error)})")


def _lack(what: str) -> Cause:
    return Cause(f"kernel: {what}", permanent=True)


# --- xfrm's netlink ------------------------------------------------------------------
# Source: linux/xfrm.h; what is not named here is zero.

_NEW: Final = 0x10
_DELETE: Final = 0x11
_AUTHENTICATION: Final = 1
_ENCRYPTION: Final = 2
_SELECTOR: Final = 56  # bytes: which packets
_LIFETIMES: Final = 96
_STATISTICS: Final = 12
_FOREVER: Final = struct.pack("=4Q", *(2**64 - 1,) * 4)

_FROM: Final = socket.inet_aton("192.0.2.1")  # TEST-NET-1: nobody is there
_TO: Final = socket.inet_aton("192.0.2.2")
_SPI: Final = struct.pack("!I", 0x76706E63)


def _association() -> bytes:
    """ESP in transport mode, AES-128-CBC and HMAC-SHA1: what any server can do."""
    identity = _TO.ljust(16, b"\0") + _SPI + bytes([socket.IPPROTO_ESP, 0, 0, 0])
    lifetimes = _FOREVER.ljust(_LIFETIMES, b"\0")
    family = struct.pack("=IIHBBB7x", 0, 0, socket.AF_INET, 0, 0, 0)
    return b"".join(
        (
            bytes(_SELECTOR),
            identity,
            _FROM.ljust(16, b"\0"),
            lifetimes,
            bytes(_STATISTICS),
            family,
            _algorithm(_AUTHENTICATION, b"hmac(sha1)", bytes(20)),
            _algorithm(_ENCRYPTION, b"cbc(aes)", bytes(16)),
        )
    )


def _identity() -> bytes:
    family = struct.pack("=HBx", socket.AF_INET, socket.IPPROTO_ESP)
    return _TO.ljust(16, b"\0") + _SPI + family


def _algorithm(kind: int, name: bytes, key: bytes) -> bytes:
    value = name.ljust(64, b"\0") + struct.pack("=I", len(key) * 8) + key
    return attribute(kind, value)


def _ask(netlink: socket.socket, kind: int, payload: bytes) -> int:
    """Sends one request; the kernel's errno, 0 if it did as asked."""
    netlink.send(request(kind, payload))
    return refusal(netlink.recv(4096))
