"""What really carries packets, whatever anybody believes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Listener = Callable[[], None]


class Provider(StrEnum):
    FINE = "fine"
    LOSSY = "lossy"
    SILENT = "silent"  # takes everything, answers nothing
    DEAD = "dead"  # refuses, and ends what was there


@dataclass
class Host:
    """The host of one exit: `ppp` outlives its agent, not its machine."""

    name: str
    address: str
    on: bool = True
    ppp: bool = False
    provider: Provider = Provider.FINE
    detour: str = ""

    @property
    def direct(self) -> bool:
        answers = self.provider in (Provider.FINE, Provider.LOSSY)
        return self.on and self.ppp and answers


class Network:
    def __init__(self, names: tuple[str, ...]) -> None:
        self.hosts = {
            name: Host(name, f"172.20.0.{10 + number}")
            for number, name in enumerate(names)
        }
        self.hop: str | None = None  # where the entry's kernel sends the clients
        self.changed: list[Listener] = []
        self.changes = 0

    def at(self, address: str) -> Host:
        return next(one for one in self.hosts.values() if one.address == address)

    def carries(self, name: str | None) -> bool:
        """Whether packets given to this exit come back; a detour is no loop."""
        if name is None:
            return False
        host = self.hosts[name]
        if not host.on or host.ppp or not host.detour:
            return host.direct
        return self.at(host.detour).direct

    def lossy(self, name: str) -> bool:
        return self.hosts[name].provider is Provider.LOSSY

    def change(self) -> None:
        """Tells everybody that something about the hosts has changed."""
        self.changes += 1
        for tell in self.changed:
            tell()
