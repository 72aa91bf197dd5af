"""What must hold when an exit lets go of a tunnel: its clients first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.exit.model import (
    Action,
    Close,
    Event,
    Failed,
    Ordered,
    Reroute,
    State,
    Unheard,
)
from agents.exit.phases import Leaving, Probing, Ready
from agents.exit.policy import Policy

_EPSILON_S: Final = 1e-6


@dataclass
class Courtesy:
    """Whether clients' traffic is led here, and since when.

    Attributes:
        led: It is, and there is another exit for it, and somebody to lead it there.
        leaving_s: When the present tunnel was given up; None: it was not.
        freed_s: When it was first said since that it is not led here; None: it was not.
    """

    policy: Policy
    led: bool = False
    leaving_s: float | None = None
    freed_s: float | None = None
    detour: str | None = None
    wanted: str | None = None

    def before(self, event: Event) -> None:
        """The event happens to the world first."""
        match event:
            case Ordered(_, ours, detour):
                self.led, self.wanted = ours and detour != "", detour
            case Unheard():
                self.led = False
            case _:
                return
        if not self.led and self.leaving_s is not None and self.freed_s is None:
            self.freed_s = event.at_s

    def judge(
        self, state: State, event: Event, after: State, actions: Sequence[Action]
    ) -> None:
        """The rules have answered the event."""
        for action in actions:
            if isinstance(action, Reroute):
                assert action.detour != self.detour, "led anew, not there again"
                self.detour = action.detour
        assert self.detour == self.wanted, "the detour is as ordered"
        if Close() in actions:
            assert self._may_go(state, event), "clients move first"
        if isinstance(after.phase, Leaving):
            if self.leaving_s is None:
                self.leaving_s = event.at_s
            most_s = self.leaving_s + self.policy.leave_s + _EPSILON_S
            assert after.phase.until_s <= most_s, "nobody is waited for long"
        else:
            self.leaving_s = self.freed_s = None

    def _may_go(self, state: State, event: Event) -> bool:
        """Nobody may be using the tunnel any more, or has had all the time for it."""
        match state.phase, event:
            case Leaving() | Probing() | Ready(), Failed(vague=True):
                return True
            case Leaving(), _:
                assert self.leaving_s is not None
                waited = event.at_s - self.leaving_s > self.policy.leave_s - _EPSILON_S
                if waited or self.freed_s is None:
                    return waited
                return event.at_s - self.freed_s > self.policy.linger_s - _EPSILON_S
            case Probing() | Ready(), _:
                return not self.led
            case _:
                return True
