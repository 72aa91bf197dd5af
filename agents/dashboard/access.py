"""Who may look, and who may press buttons.

Looking is free for whoever reaches the page; pressing needs the token of the settings,
once, or a proxy in front that has made sure who it is. Sessions live in memory: after a
restart one logs in again.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address
from typing import Final

from bus.secret import Secret

SESSION_S: Final = 12 * 3600.0
SESSIONS: Final = 100  # more people than that do not steer one chain
TRIES: Final = 5  # wrong tokens within a minute; then nobody gets in for the rest of it
TRIES_S: Final = 60.0
# No cookie: browsers send those to every port of a host, so to other servers on it. Not
# Authorization: it would take the place of what a proxy in front asks for.
SESSION: Final = "X-Vpnchain-Session"


@dataclass(slots=True)
class Access:
    """The door.

    Attributes:
        token: What lets in; None: nobody, unless by the proxy.
        header: The header in which a proxy names whom it let in; empty: there is none.
        proxies: Where such a header may come from.
    """

    token: Secret | None = None
    header: str = ""
    proxies: tuple[IPv4Network, ...] = ()
    clock: Callable[[], float] = time.monotonic
    _sessions: dict[str, float] = field(default_factory=dict)
    _wrong: list[float] = field(default_factory=list)

    def log_in(self, token: str) -> str | None:
        """A new session; None: wrong token, or too many wrong ones lately."""
        now_s = self.clock()
        self._wrong = [at_s for at_s in self._wrong if now_s - at_s < TRIES_S]
        if self.token is None or len(self._wrong) >= TRIES:
            return None
        if not hmac.compare_digest(token.encode(), self.token.reveal().encode()):
            self._wrong.append(now_s)
            return None
        while len(self._sessions) >= SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        session = secrets.token_urlsafe(32)
        self._sessions[session] = now_s + SESSION_S
        return session

    def log_out(self, session: str) -> None:
        """This session is over."""
        self._sessions.pop(session, None)

    def may_act(self, session: str, peer: str, headers: Mapping[str, str]) -> bool:
        """Whether a request with this session, from this address, may change things."""
        if self._sessions.get(session, 0.0) > self.clock():
            return True
        return bool(self.header and headers.get(self.header) and self._is_proxy(peer))

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self.proxies)
