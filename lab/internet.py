"""What the lab calls the internet: an echo and a page that tell a visitor its address.

One process: a UDP echo that answers each number with the address it came from, and an
HTTP page whose text is the visitor's address. Whose provider a packet left through can
be told from nothing else.
"""

import argparse
import socket
import struct
import threading
from typing import Final

REQUEST: Final = struct.Struct("!I")  # the packet's number
REPLY: Final = struct.Struct("!I4s")  # the same, and the address that was seen
ECHO_PORT: Final = 7007
PAGE_PORT: Final = 80
# Seconds of packets: what waits while the machine is busy is not lost by us.
BUFFER_BYTES: Final = 4 << 20
SO_RCVBUFFORCE: Final = 33  # <asm-generic/socket.h>; beyond the system's limit
VISIT_TIMEOUT_S: Final = 5.0


def echo(server: socket.socket) -> None:
    """Answer every numbered packet, until the socket is closed."""
    while True:
        try:
            request, visitor = server.recvfrom(64)
            if len(request) == REQUEST.size:
                address = socket.inet_aton(visitor[0])
                server.sendto(REPLY.pack(*REQUEST.unpack(request), address), visitor)
        except ConnectionRefusedError:
            continue  # an earlier visitor is gone
        except OSError:
            return


def pages(server: socket.socket) -> None:
    """Serve the page to one visitor after another, until the socket is closed."""
    while True:
        try:
            visitor, (address, _port) = server.accept()
        except OSError:
            return
        threading.Thread(target=page, args=(visitor, address), daemon=True).start()


def page(visitor: socket.socket, address: str) -> None:
    """Tell one visitor its address, whatever it asked for."""
    body = f"{address}\n".encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    with visitor:
        visitor.settimeout(VISIT_TIMEOUT_S)
        try:
            asked = b""
            while b"\r\n\r\n" not in asked and (chunk := visitor.recv(1024)):
                asked += chunk
            visitor.sendall(head + body)
        except OSError:
            return  # the visitor left, or its way here broke: its own affair


def _widen(udp: socket.socket) -> None:
    """As much as is wanted; as much as the system gives where we may not say."""
    try:
        udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:  # a container without NET_ADMIN
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)


def main() -> None:
    """Serve both until killed; says `ready` when both ports are bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104  a node of its own
    parser.add_argument("--echo-port", type=int, default=ECHO_PORT)
    parser.add_argument("--page-port", type=int, default=PAGE_PORT)
    arguments = parser.parse_args()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    _widen(udp)
    udp.bind((arguments.host, arguments.echo_port))
    tcp = socket.create_server((arguments.host, arguments.page_port))
    threading.Thread(target=pages, args=(tcp,), daemon=True).start()
    print("ready", *udp.getsockname()[1:], *tcp.getsockname()[1:], flush=True)
    echo(udp)


if __name__ == "__main__":
    main()
