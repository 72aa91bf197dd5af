"""Packets of a client's, and who answers them."""

import asyncio
import socket
from typing import Final

from bus.messages.orders import Gate, Order
from tests.agents.entry.ear import FACT_S, Ear

RESEND_S: Final = 1.0  # a thousand round trips


def udp() -> socket.socket:
    """A socket in the namespace that this thread is in."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    return sock


class Traffic:
    """Packets of the client's, and who answered."""

    def __init__(
        self, client: socket.socket, services: dict[str, socket.socket]
    ) -> None:
        self._client = client
        self._services = services
        self._number = 0
        self.lost = 0

    async def answer(self, within_s: float = FACT_S) -> str:
        """Who answers a packet sent now; lost ones are sent again.

        Raises:
            OSError: The network refuses it.
            TimeoutError: Nobody answers.
        """
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as tasks:
            echoes = [
                tasks.create_task(_echo(label, sock))
                for label, sock in self._services.items()
            ]
            try:
                return await self._ask()
            finally:
                for echo in echoes:
                    echo.cancel()

    async def _ask(self) -> str:
        loop = asyncio.get_running_loop()
        self._number += 1
        while True:
            await loop.sock_sendall(self._client, b"%d" % self._number)
            try:
                async with asyncio.timeout(RESEND_S):
                    while True:
                        said = await loop.sock_recv(self._client, 100)
                        number, name = said.decode().split()
                        if int(number) == self._number:
                            return name
            except TimeoutError:
                self.lost += 1


async def _echo(label: str, sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        said, sender = await loop.sock_recvfrom(sock, 100)
        await loop.sock_sendto(sock, said + b" " + label.encode(), sender)


async def carries(ear: Ear, traffic: Traffic, wanted: Order) -> None:
    """The order is obeyed and the client's packets go that way."""
    await ear.order(wanted)
    await ear.until(gate=Gate.OPEN, active=wanted.active, epoch=wanted.epoch)
    assert await traffic.answer() == wanted.active
