"""What must hold at every step, whatever goes wrong."""

import math
from typing import Final

from agents.coordinator.modes import allows, rank
from bus.commands import Mode
from bus.messages.orders import Gate
from tests.simulation.chain import Chain

QUICK_S: Final = 1.0  # detection 0.15 s, two messages of at most 0.1 s, and then some
LONG_S: Final = 27.0  # nobody orders for 15 s, or is there again and adopts: 10 s
SILENT_S: Final = 16.0  # what an entry takes for silence, and then some
PROVEN_S: Final = 2.0
CALM_S: Final = 45.0
CONTROL: Final = ("coordinator", "entry", "bus", "operator")


class ViolationError(AssertionError):
    """An invariant does not hold."""


class Watch:
    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._hop = chain.network.hop
        self._epoch = 0
        self._walked: tuple[object, object, str | None] | None = None
        self._life: object = None
        self._carried_since: dict[str, float] = {}
        self._dead_since_s: float | None = None
        self._control_since_s: float | None = None
        self._alone_since_s: float | None = None
        self._ruled_s = 0.0
        self._changes = -1  # of the network, when it was last looked at
        self._carries = False

    def look(self) -> None:
        """Raises ViolationError if something does not hold; after each step."""
        network = self.chain.network
        moved = network.hop != self._hop
        if moved or network.changes != self._changes:
            self._changes = network.changes
            self._see_carriers()
        self._see_epochs()
        if moved:
            self._see_move()
        self._see_outage()

    def _see_carriers(self) -> None:
        chain, now_s = self.chain, self.chain.clock.now_s
        self._carries = chain.network.carries(chain.network.hop)
        for name in chain.names:
            if not chain.network.hosts[name].direct:
                self._carried_since.pop(name, None)
            else:
                self._carried_since.setdefault(name, now_s)

    def _see_epochs(self) -> None:
        """A later epoch never loses to an earlier one."""
        entry = self.chain.entry
        order = entry.state.order
        epoch = order.epoch if order else 0
        if entry.link is not self._life:
            self._life, self._epoch = entry.link, 0
        if epoch < self._epoch:
            raise ViolationError(f"order {epoch} after order {self._epoch}")
        self._epoch = epoch

    def _see_move(self) -> None:
        """Nobody leaves an exit that carries and is not to blame, but for a better."""
        chain, network = self.chain, self.chain.network
        left, self._hop = self._hop, network.hop
        if left is None:
            return
        entry, walked_to = chain.entry, self._walked
        present = (entry.link, entry.state.order, self._hop)
        self._walked = present if entry.state.walk else None
        carried_s = chain.clock.now_s - self._carried_since.get(left, math.inf)
        same = walked_to == (entry.link, entry.state.order, left)
        same = same and entry.state.pointing is None  # else it is on its way already
        if same and carried_s > PROVEN_S:
            raise ViolationError(f"left {left}, where the entry went, without an order")
        past_s = chain.clock.now_s - CALM_S
        suspects = (left, *CONTROL)
        if any(chain.blamed.get(one, 0.0) > past_s for one in suspects):
            return
        taken = self._hop
        if taken is None or self._wished(taken) > self._wished(left):
            raise ViolationError(f"moved from {left} to {taken} without cause")

    def _see_outage(self) -> None:
        """Nobody stays where nothing is carried while another exit is ready."""
        chain, now_s = self.chain, self.chain.clock.now_s
        if chain.coordinator.linked or not chain.entry.linked:
            self._ruled_s = now_s
        order = chain.entry.state.order
        nowhere = order is None or order.gate is Gate.CLOSED or not chain.entry.works
        if self._carries or nowhere or not self._others():
            self._dead_since_s = self._control_since_s = self._alone_since_s = None
            return
        began_s = self._dead_since_s = self._dead_since_s or now_s
        self._see_control()
        acting = (self._control_since_s, self._alone_since_s)
        slow = any(since_s and now_s - since_s > QUICK_S for since_s in acting)
        if slow or now_s - began_s > LONG_S:
            raise ViolationError(f"nothing carried since {began_s:.3f}")

    def _see_control(self) -> None:
        """Since when in this outage there is somebody to order or to walk."""
        coordinator, entry = self.chain.coordinator, self.chain.entry
        now_s, order = self.chain.clock.now_s, entry.state.order
        quiet = now_s < coordinator.state.quiet_until_s
        told = order is not None and coordinator.state.order.epoch == order.epoch
        if coordinator.linked and entry.linked and told and not quiet:
            self._control_since_s = self._control_since_s or now_s
        else:
            self._control_since_s = None
        if entry.linked and now_s - self._ruled_s <= SILENT_S:
            self._alone_since_s = None
        else:
            self._alone_since_s = self._alone_since_s or now_s

    def _others(self) -> list[str]:
        """Exits that have carried for a while, as the entry knows them."""
        chain, now_s = self.chain, self.chain.clock.now_s
        order, mode = chain.entry.state.order, self._mode()
        hops = {hop.exit for hop in order.exits} if order else set()
        return [
            name
            for name, since_s in self._carried_since.items()
            if now_s - since_s > PROVEN_S
            and name in hops
            and name != chain.network.hop
            and allows(mode, name)
            and chain.entry.measured[name].health in ("up", "degraded")
            and not chain.coordinator.state.exit(name).denied
        ]

    def _mode(self) -> Mode:
        chain = self.chain
        if chain.coordinator.alive and chain.coordinator.state.mode is not None:
            return chain.coordinator.state.mode
        return chain.entry.state.control.mode

    def _wished(self, name: str) -> tuple[bool, tuple[bool, int, str]]:
        """Sorts exits as people want them, best first."""
        mode, policy = (
            self.chain.coordinator.state.wished,
            self.chain.coordinator.policy,
        )
        return name in mode.drained, rank(name, mode, policy)

    # --- at the end -------------------------------------------------------------------

    def settled(self) -> str:
        """What is not as it should be once all is well; empty: nothing."""
        chain = self.chain
        coordinator, entry = chain.coordinator, chain.entry
        mode, order = coordinator.state.wished, coordinator.state.order
        names = [name for name in chain.names if allows(mode, name)]
        best = min(names, key=self._wished)
        if best in mode.drained:
            best = order.active or best  # all are: nobody is moved by that
        obeyed = entry.state.order.epoch if entry.state.order else 0
        facts = {
            f"the order is for {order.active}, not {best}": order.active == best,
            f"the hop is {chain.network.hop}, not {best}": chain.network.hop == best,
            "the gate is closed": entry.device is not None,
            f"the entry obeys {obeyed}, not {order.epoch}": obeyed == order.epoch,
            "the entry walks": entry.state.walk is None,
            "nothing is carried": chain.network.carries(chain.network.hop),
        }
        return "; ".join(what for what, holds in facts.items() if not holds)
