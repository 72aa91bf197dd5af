"""What the running kernel can do at all."""

import socket


def has_ipv6() -> bool:
    """Whether there is IPv6, be it switched off on every device."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True
