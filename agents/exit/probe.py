"""Probes through one device, at a steady beat: does anything come back?

The device is all that is asked about, so any target's answer answers a round, however
it was asked: by an echo request, or where those are filtered by DNS or TCP. While all
is well a round asks the target that answered last; once one is missed it asks all.
An own raw socket, because it is bound to the device and its clock is the kernel's.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from typing import Final, NoReturn

from agents.exit.window import Window
from agents.fallback_probe import FallbackProbe
from agents.icmp import Echo, answers, open_socket, round_trip_s
from agents.probe_habit import Habit, Method

_REMEMBERED: Final = 60  # rounds; a later answer than that is nobody's

log = logging.getLogger(__name__)


class ProbeError(Exception):
    """The device is gone, or the probe may not use it."""


class Probe:
    """Rounds of probes to several targets; `window` is what became of them."""

    def __init__(
        self,
        device: str,
        habits: Mapping[str, Habit],
        interval_s: float,
        tell: Callable[[bool, Window], None],
    ) -> None:
        """Nothing is sent yet.

        Args:
            device: What is asked about.
            habits: Keys: whom to ask; values: how, which is learnt and outlives us.
            interval_s: Between two rounds.
            tell: Hears of each round whether it was answered, as soon as that is known;
                of one that was missed but is answered after all it hears twice.
        """
        self.window = Window(size=_REMEMBERED)
        self._device = device
        self._habits = habits
        self._interval_s = interval_s
        self._tell = tell
        self._echo = Echo()
        self._fallback = FallbackProbe(self._bind, self._other)
        self._number = 0
        self._open: dict[int, None] = {}  # rounds without an answer or a verdict
        self._sent: dict[int, tuple[int, float]] = {}  # Unix ns, monotonic seconds
        self._answering = ""  # the target that answered last; empty: ask all

    async def run(self) -> NoReturn:
        """Probes for ever.

        Raises:
            ProbeError: The device is not there.
        """
        loop = asyncio.get_running_loop()
        with self._socket() as sock, closing(self._fallback):
            loop.add_reader(sock, self._hear, sock)
            try:
                beat_s = loop.time()
                while True:
                    self._beat(sock)
                    # A beat that came late is not made up for.
                    beat_s = max(beat_s + self._interval_s, loop.time())
                    await asyncio.sleep(beat_s - loop.time())
            finally:
                loop.remove_reader(sock)

    def _beat(self, sock: socket.socket) -> None:
        self._hear(sock)  # what came while we were not running is not lost
        patience = self.window.patience(self._interval_s)
        for number in [n for n in self._open if n <= self._number - patience]:
            del self._open[number]
            self.window = self.window.missed(number)
            self._answering = ""
            self._tell(False, self.window)
        # An answer that takes several rounds would come too late to ask another target.
        one = self._answering if patience == 1 else ""
        self._ask(sock, (one,) if one else self._habits)

    def _ask(self, sock: socket.socket, targets: Iterable[str]) -> None:
        self._number += 1
        self._open[self._number] = None
        self._sent[self._number] = time.time_ns(), time.monotonic()
        self._sent.pop(self._number - _REMEMBERED, None)
        for target in targets:
            for method in self._habits[target].methods(time.monotonic()):
                if method is not Method.ICMP:
                    self._fallback.ask(method, self._number, target)
                    continue
                with suppress(OSError):  # not sent is not answered: its round will tell
                    sock.sendto(self._echo.request(self._number), (target, 0))

    def _hear(self, sock: socket.socket) -> None:
        """Takes all answers that have come."""
        for answer in answers(sock):
            if answer.token == self._echo.token and answer.number in self._sent:
                self._learn(answer.source, Method.ICMP)
                self._answered(answer.number, answer.source, answer.received_ns)

    def _other(self, number: int, target: str, method: Method) -> None:
        """An answer came that is no echo."""
        if number in self._sent:
            self._learn(target, method)
            self._answered(number, target, time.time_ns())

    def _learn(self, source: str, method: Method) -> None:
        habit = self._habits.get(source)
        if habit is None:  # a target of several addresses answered by another
            return
        if habit.method is None and method is not Method.ICMP:
            # What is under way was asked as nobody answers here: its silence is none.
            self._open.clear()
        habit.answers(method)

    def _answered(self, number: int, source: str, received_ns: int) -> None:
        if self.window.is_answered(number):
            return  # another target was quicker
        self._open.pop(number, None)
        sent_ns, sent_s = self._sent[number]
        rtt_s = round_trip_s(sent_ns, received_ns, time.monotonic() - sent_s)
        self.window = self.window.answered(number, rtt_s * 1e3)
        self._answering = source if source in self._habits else ""
        self._tell(True, self.window)

    def _bind(self, sock: socket.socket) -> None:
        name = self._device.encode()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)

    def _socket(self) -> socket.socket:
        """A raw socket for echo replies that come in by the device."""
        try:
            sock = open_socket()
        except OSError as error:
            raise ProbeError(f"opening a raw socket: {error.strerror}") from error
        try:
            self._bind(sock)
        except OSError as error:
            sock.close()
            cause = f"binding to {self._device}: {error.strerror}"
            raise ProbeError(cause) from error
        return sock
