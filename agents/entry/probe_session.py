"""Probes of one exit on the wire, and what is known of the path from them."""

import socket
import time
from collections.abc import Sequence
from contextlib import suppress

from agents.entry.detector import advance, answered, wake_at_s, watch
from agents.entry.path_model import Path, Profile, Send
from agents.fallback_probe import FallbackProbe
from agents.icmp import Echo
from agents.probe_habit import Habit, Method
from bus.messages.paths import Health

NEW_FLOW_S = 10.0  # while it is down: NAT on the way may hold on to a dead flow


class ProbeSession:
    """A path, the socket that its probes leave by, and who they are."""

    def __init__(
        self,
        sock: socket.socket,
        fallback: FallbackProbe,
        targets: Sequence[str],
        profile: Profile,
        at_s: float,
    ) -> None:
        self.path: Path = watch(tuple(targets), at_s)
        self.echo = Echo()
        self.wake_s = at_s
        self._answered_s: float | None = None
        self._sock = sock
        self._fallback = fallback
        self._profile = profile
        self._habits = {target: Habit() for target in targets}

    def advance(self, at_s: float) -> None:
        """Judges what was not answered, and sends what is due."""
        if self.wake_s > at_s:
            return
        self.path, sends = advance(self.path, at_s, self._profile)
        for send in sends:
            self._send(send, at_s)
        self.wake_s = wake_at_s(self.path)

    def _send(self, send: Send, at_s: float) -> None:
        down = self.path.health is Health.DOWN
        if down and send.number % int(NEW_FLOW_S / self._profile.interval_s) == 0:
            self.echo = Echo(token=self.echo.token)
        for method in self._habits[send.target].methods(at_s):
            if method is Method.ICMP:
                with suppress(OSError):  # not sent is not answered
                    self._sock.sendto(self.echo.request(send.number), (send.target, 0))
            else:
                self._fallback.ask(method, send.number, send.target)

    def heard(
        self, number: int, target: str, method: Method, received_s: float
    ) -> None:
        """An answer came; `received_s` by the loop's clock."""
        sent = self.path.open.get(number)
        if sent is None or sent.target != target:
            return
        self._habits[target].answers(method)
        self._answered_s = received_s
        now_s = time.monotonic()
        rtt_s = min(max(received_s - sent.sent_s, 0.0), now_s - sent.sent_s)
        self.path = answered(self.path, number, rtt_s, now_s, self._profile)
        self.wake_s = wake_at_s(self.path)

    def silent_s(self, at_s: float) -> float | None:
        """How long nothing has come back; 0: nothing is missed, None: nothing ever."""
        if self._answered_s is None:
            return None
        return max(at_s - self._answered_s, 0.0) if self.path.mute else 0.0
