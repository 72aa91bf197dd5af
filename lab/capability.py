"""What the running kernel lacks for a lab, found by trying."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import termios
from typing import Final

AF_PPPOX: Final = 24
PX_PROTO_OL2TP: Final = 1
N_PPP: Final = 3
CHECK_S: Final = 10.0

_ESP: Final = (
    "ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode transport "
    f"auth hmac(sha256) 0x{'0' * 64} enc cbc(aes) 0x{'0' * 64}"
)


def missing() -> tuple[str, ...]:
    """Everything that is missing, each with its cause; empty: a lab can run here."""
    if os.geteuid() != 0:
        return ("root: networks of one's own need it",)
    found = {
        "network namespaces": _refused("ip link set lo up"),
        "veth": _refused("ip link add one type veth peer name other"),
        "bridge": _refused("ip link add one type bridge"),
        "WireGuard": "" if wireguard() else "no module, and no tun for wireguard-go",
        "PPP": _ppp(),
        "PPP over terminals": _ppp_terminal(),
        "L2TP": _l2tp(),
        "ESP": _refused(_ESP),
    }
    return tuple(f"{name}: {cause}" for name, cause in found.items() if cause)


def wireguard() -> str:
    """Which WireGuard can run here: "kernel", "userspace", or "" for none."""
    if not _refused("ip link add one type wireguard"):
        return "kernel"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError:
        return ""
    return "userspace" if shutil.which("wireguard-go") else ""


def _refused(command: str) -> str:
    """Why a command cannot be done in a network of its own; empty: it can."""
    apart = ["unshare", "--net", *command.split()]
    try:
        done = subprocess.run(
            apart, check=False, capture_output=True, text=True, timeout=CHECK_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip().replace("\n", " ")


def _ppp() -> str:
    try:
        os.close(os.open("/dev/ppp", os.O_RDWR))
    except OSError as error:
        return f"/dev/ppp: {error.strerror}"
    return ""


def _ppp_terminal() -> str:
    """The provider's pppd speaks through a terminal, where the exit's does not."""
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        return f"no pseudo-terminal: {error.strerror}"
    try:
        fcntl.ioctl(theirs, termios.TIOCSETD, struct.pack("i", N_PPP))
    except OSError as error:
        return f"no line discipline: {error.strerror}"
    finally:
        os.close(ours)
        os.close(theirs)
    return ""


def _l2tp() -> str:
    try:
        socket.socket(AF_PPPOX, socket.SOCK_DGRAM, PX_PROTO_OL2TP).close()
    except OSError as error:
        return f"no l2tp_ppp: {error.strerror}"
    return ""
