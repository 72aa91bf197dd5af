"""Measures the path through every exit, end to end, standbys included.

The shell of `detector`: one raw socket for each exit, whose mark chooses the exit's
table, one more that hears all answers, one timer for all. Answers are taken in before
silence is judged, so that a stall of our own is not mistaken for a dead path; times of
arrival are the kernel's. What came late is not made up for.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from agents.entry.path_model import PROFILES, Path, Plan, Profile, cause_of
from agents.entry.probe_session import ProbeSession
from agents.fallback_probe import FallbackProbe
from agents.icmp import answers, open_sender, open_socket
from agents.probe_habit import Method
from bus.heartbeat import HEARTBEAT_S
from bus.messages.paths import Health, PathReport

_BUFFER_BYTES: Final = 1 << 20
_SO_RCVBUFFORCE: Final = 33  # Source: include/uapi/asm-generic/socket.h


class Prober:
    """The paths that are being measured, by the name of their exit."""

    def __init__(self, plan: Plan, tell: Callable[[str, PathReport], None]) -> None:
        """`tell` hears of each path when its health changes, and every `HEARTBEAT_S`.

        Raises:
            OSError: We may not have a raw socket.
        """
        self._plan = plan
        self._tell = tell
        self._exits: dict[str, _Exit] = {}
        self._sessions: dict[bytes, tuple[_Exit, ProbeSession]] = {}  # by token
        self._timer: asyncio.TimerHandle | None = None
        self._sock = open_socket()
        with suppress(OSError):
            force = (socket.SOL_SOCKET, _SO_RCVBUFFORCE)
            self._sock.setsockopt(*force, _BUFFER_BYTES)

    async def run(self) -> NoReturn:
        """Measures for ever."""
        asyncio.get_running_loop().add_reader(self._sock, self._turn)
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for exit_ in self._exits.values():
                self._tell(exit_.name, exit_.report(self._plan))

    def close(self) -> None:
        """Nothing is sent any more."""
        for name in tuple(self._exits):
            self.end(name)
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()

    def begin(self, name: str, address: str, mark: int) -> None:
        """Measures the path through this exit, if it does not already.

        Raises:
            OSError: The mark may not be set.
        """
        if name in self._exits:
            if self._exits[name].address == address:
                return
            self.end(name)
        exit_ = self._exits[name] = _Exit(name, address, mark, self._plan, self._turn)
        for session in exit_.sessions:
            self._sessions[session.echo.token] = exit_, session
        self._turn()

    def end(self, name: str) -> None:
        """Measures it no more, if it did."""
        exit_ = self._exits.pop(name, None)
        if exit_ is not None:
            for session in exit_.sessions:
                del self._sessions[session.echo.token]
            exit_.close()
            self._arm()

    def names(self) -> tuple[tuple[str, str], ...]:
        """Exits that are measured, with their addresses."""
        return tuple((one.name, one.address) for one in self._exits.values())

    def silent_s(self, address: str) -> float | None:
        """How long nothing has come back through the exit there; 0: what was asked has.

        None: nobody measures it, or nothing ever came.
        """
        found = (one for one in self._exits.values() if one.address == address)
        session = next((exit_.sessions[0] for exit_ in found), None)
        return None if session is None else session.silent_s(time.monotonic())

    # --- one turn ---------------------------------------------------------------------

    def _turn(self) -> None:
        """Answers first, then what their absence means, then what is to be sent."""
        self._hear()
        now_s = time.monotonic()
        for exit_, session in self._sessions.values():
            session.advance(now_s)
            if exit_.changed():
                self._tell(exit_.name, exit_.report(self._plan))
        self._arm()

    def _hear(self) -> None:
        # The kernel dates by the wall's clock, which may be set; we by one that is not.
        offset_s = time.monotonic() - time.time()
        for answer in answers(self._sock):
            known = self._sessions.get(answer.token)
            if known is not None:
                received_s = answer.received_ns / 1e9 + offset_s
                known[1].heard(answer.number, answer.source, Method.ICMP, received_s)

    def _arm(self) -> None:
        wake_s = min(
            (session.wake_s for _, session in self._sessions.values()), default=None
        )
        if self._timer is not None:
            if self._timer.when() == wake_s and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if wake_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(wake_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._turn()


class _Exit:
    """One exit: the path that decides first, then those that are only told of."""

    def __init__(
        self, name: str, address: str, mark: int, plan: Plan, turn: Callable[[], None]
    ) -> None:
        self.name = name
        self.address = address
        self._said: Health | None = None
        self._since_at = time.time()
        self._turn = turn
        self._mark = mark
        self._sock = open_sender()
        self._lead(self._sock)
        self._fallbacks: list[FallbackProbe] = []
        self.sessions = [self._session(plan.targets, plan.profile)]
        for target in plan.advisory:
            self.sessions.append(self._session((target,), PROFILES["quiet"]))

    def _lead(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self._mark)

    def _session(self, targets: tuple[str, ...], profile: Profile) -> ProbeSession:
        def heard(number: int, target: str, method: Method) -> None:
            session.heard(number, target, method, time.monotonic())
            self._turn()

        fallback = FallbackProbe(self._lead, heard)
        self._fallbacks.append(fallback)
        now_s = time.monotonic()
        session = ProbeSession(self._sock, fallback, targets, profile, now_s)
        return session

    def close(self) -> None:
        self._sock.close()
        for fallback in self._fallbacks:
            fallback.close()

    def changed(self) -> bool:
        """Whether its health is another than when this was asked last."""
        health = self.sessions[0].path.health
        if health is self._said:
            return False
        self._said = health
        self._since_at = time.time()
        return True

    def report(self, plan: Plan) -> PathReport:
        """What is known of the path, in the words of the bus."""
        path, *others = (session.path for session in self.sessions)
        measured = path.round_trip.smoothed_s is not None
        return PathReport(
            health=path.health,
            since=self._since_at,
            rtt_ms=_rtt_ms(path),
            jitter_ms=path.round_trip.deviation_s * 1e3 if measured else None,
            loss_ratio=path.loss_ratio,
            probes_per_s=1 / plan.profile.interval_s + len(others),
            cause=cause_of(path),
            advisory_ms={
                one.targets[0].address: None
                if one.health is Health.DOWN
                else _rtt_ms(one)
                for one in others
            },
        )


def _rtt_ms(path: Path) -> float | None:
    usual_s = path.round_trip.smoothed_s
    return None if usual_s is None else usual_s * 1e3
