"""Our own agents where no tunnel can be: `python -m bench.failover.agent NAME FILE`.

All of the agent is the real one, but for what a cable stands in for: at an exit the
daemons that would bring ppp0, at the entry the WireGuard that would make wg0.
"""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path
from typing import Final

from agents.entry.agent import Entry
from agents.entry.model import Device
from agents.entry.wireguard import Wireguard
from agents.exit.agent import Exit
from agents.exit.model import Connect, Dial, Event, Reached, Resolved
from agents.exit.tunnel import Daemons
from agents.lifecycle import Agent, live
from agents.settings import broker_of, load
from agents.settings_model import Settings
from bus.messages.exits import Stage

PORT: Final = 51820
MTU_BYTES: Final = 1400


class Cable(Daemons):
    """An exit's outside whose ppp0 is plugged in by somebody else."""

    def __init__(self, settings: Settings, name: str) -> None:
        super().__init__(settings, name, self._hand_over)
        self.exit: Exit

    def _hand_over(self, event: Event) -> None:
        self.exit.post(event)

    async def _prepare(self) -> None:
        self._post(Resolved(time.monotonic(), self._secrets.server))

    async def _connect(self, _: Connect) -> None:
        for stage in (Stage.IKE, Stage.IPSEC):
            self._post(Reached(time.monotonic(), stage))

    async def _dial(self, _: Dial) -> None:
        self._post(Reached(time.monotonic(), Stage.L2TP))
        await self._watch_link()

    async def _end(self) -> None:
        self._link, self._heard, self._went_down = None, False, False


class CableToClients(Wireguard):
    """A wg0 that is there, whatever the gate says: the floor closes it as well."""

    async def open(self) -> Device:
        """See Wireguard."""
        return Device("kernel", "", PORT, MTU_BYTES)

    async def close(self) -> None:
        """See Wireguard."""

    async def present(self) -> Device | None:
        """See Wireguard."""
        return None

    async def peers(self) -> tuple[()]:
        """See Wireguard."""
        return ()


class EntryByCable(Entry):
    """The entry with that wg0."""

    def _make_wireguard(self) -> Wireguard:
        run_dir = self._settings.entry.run_dir
        return CableToClients(self._conf, self._net, run_dir, "kernel", ())


def agent(settings: Settings, name: str) -> Agent:
    """The agent of this name."""
    if name == "entry":
        return EntryByCable(settings, name)
    cable = Cable(settings, name)
    cable.exit = Exit(settings, name, cable)
    return cable.exit


def main() -> None:
    """Lives until SIGTERM."""
    name, file = sys.argv[1:]
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    settings = load(Path(file), os.environ, exit_name=name)
    asyncio.run(live(agent(settings, name), broker_of(settings.broker, name)))


if __name__ == "__main__":
    main()
