"""L2TP in values: what xl2tpd is told, what happens to a call, what its words mean."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.exit.model import Cause
from agents.exit.pppd import cause_of_exit, cause_of_line

LAC: Final = "provider"

# It asks 4 times, after 1, 2, 4 and 8 s; its own redial stays stuck on a dead tunnel.
_CONFIGURATION: Final = """\
[global]
port = 1701
access control = no
max retries = 4

[lac {lac}]
lns = {server}
pppoptfile = {options}
length bit = yes
require authentication = no
autodial = no
redial = no
"""


def configuration(server: str, options: Path) -> str:
    """The text of xl2tpd.conf; `options` is pppd's option file."""
    return _CONFIGURATION.format(lac=LAC, server=server, options=options)


# --- what happens to a call ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class L2tpUp:
    """The server took the call; pppd begins."""


@dataclass(frozen=True, slots=True)
class L2tpDown:
    """The call, the tunnel or xl2tpd itself ended without our asking."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class PppNamed:
    """The server named a resolver, just after the link is up: `Call.dns` has it."""


@dataclass(frozen=True, slots=True)
class PppExited:
    """pppd ended."""

    cause: Cause


L2tpEvent = L2tpUp | L2tpDown | PppNamed | PppExited

# Of xl2tpd's lines, its own and those of pppd, which writes to the same pipe, perhaps
# into the middle of a line.
_PREFIX: Final = re.compile(r"(?=xl2tpd\[\d+\]: )")
_EXITED: Final = re.compile(r"pppd exited for call \d+ with code (\d{1,9})\b")
_KILLED: Final = re.compile(r"pppd terminated for call \d+ by signal (\d+)")
_CALL_ENDED: Final = re.compile(r"Connection closed to \S+, serial \d+ \((.*)\)")
_TUNNEL_ENDED: Final = re.compile(r"Connection closed to \S+, port \d+ \((.*?)\)")
_DNS: Final = re.compile(r"^(?:primary|secondary)\s+DNS address (\S+)")
_STARTED: Final = re.compile(r"^Using interface ppp")

_SILENT: Final = "Maximum retries exceeded"
_NO_ANSWER: Final = Cause("l2tp: no answer from the server", silent=True)

# What of xl2tpd's words is a cause; what follows in the log is its consequence.
_CAUSES: Final = (
    (re.compile(_SILENT), _NO_ANSWER),
    (
        re.compile(r"No secret (key )?for|Invalid authentication for host"),
        Cause("l2tp: the server wants a tunnel secret", permanent=True),
    ),
    (
        re.compile(r"Unable to bind .*socket"),
        Cause("l2tp: port 1701 is in use"),
    ),
    (
        re.compile(r"Unable to (allocate|connect) PPPoL2TP socket"),
        Cause("kernel: no l2tp_ppp module", permanent=True),
    ),
    (
        re.compile(r"unable to (open /dev/ptmx|allocate pty)|No more free pseudo-tty"),
        Cause("kernel: no l2tp_ppp module, and no terminal instead", permanent=True),
    ),
    (re.compile(r"Exec of \S+ failed"), Cause("pppd: not installed", permanent=True)),
)


@dataclass(slots=True)
class Call:
    """Follows the log of one xl2tpd and its pppd.

    Attributes:
        cause: Why the call ended or did not come about, by the line that tells most;
            None while nothing is wrong.
        began: pppd has its link: it has read its options.
    """

    cause: Cause | None = None
    began: bool = False
    dns: tuple[str, ...] = ()
    _ended: bool = field(default=False, repr=False)

    def take(self, line: str) -> tuple[L2tpEvent, ...]:
        """What the next line tells."""
        parts = [part for part in _PREFIX.split(line) if part]
        return tuple(event for part in parts for event in self._take(part))

    def _take(self, part: str) -> tuple[L2tpEvent, ...]:
        if not part.startswith("xl2tpd["):
            return self._pppd(part)
        for pattern, cause in _CAUSES:
            if pattern.search(part):
                self.cause = self.cause or cause
        if "Call established with" in part:
            return (L2tpUp(),)
        if exited := _EXITED.search(part):
            return (PppExited(self._why(cause_of_exit(int(exited[1])))),)
        if killed := _KILLED.search(part):
            cause = Cause(f"ppp: pppd killed by signal {killed[1]}")
            return (PppExited(self._why(cause)),)
        return self._closed(part)

    def _closed(self, part: str) -> tuple[L2tpEvent, ...]:
        if ended := _CALL_ENDED.search(part) or _TUNNEL_ENDED.search(part):
            said = f" ({ended[1]})" if ended[1] else ""
            return self._down(Cause(f"l2tp: ended by the server{said}"))
        if _SILENT in part:
            return self._down(_NO_ANSWER)
        return ()

    def _down(self, cause: Cause) -> tuple[L2tpEvent, ...]:
        """The end of the call, said once."""
        if self._ended:
            return ()
        self._ended = True
        return (L2tpDown(self._why(cause)),)

    def _pppd(self, line: str) -> tuple[L2tpEvent, ...]:
        self.cause = self.cause or cause_of_line(line)
        self.began = self.began or bool(_STARTED.search(line))
        dns = _DNS.search(line)
        if dns is None or dns[1] in self.dns:
            return ()
        self.dns += (dns[1],)
        return (PppNamed(),)

    def _why(self, otherwise: Cause) -> Cause:
        """What was said before the end, if anything was."""
        self.cause = self.cause or otherwise
        return self.cause
