"""What a system under test is to the bench."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from bench.failover.field import Field
from lab.talk import LabError


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the bench waits for a system.

    Attributes:
        ready_s: From its start until the flow is steady.
        warm_s: From then until the first fault: standbys may come up later.
        settle_s: After a failback, until what it averages over is clean again.
        phase_s: A fault comes at random within this time, so that it meets a polling
            system anywhere in its period.
        fail_s: After that without a way out the fault counts as never noticed.
        back_s: From the healing until the flow is back.
    """

    ready_s: float = 30.0
    warm_s: float = 3.0
    settle_s: float = 0.2
    phase_s: float = 0.2
    fail_s: float = 5.0
    back_s: float = 15.0


@dataclass(frozen=True)
class System(ABC):
    """Something that finds the clients another way out.

    Attributes:
        name: What it is called in the table.
        about: The settings that matter, in one line.
    """

    name: str
    about: str
    pace: Pace

    @property
    @abstractmethod
    def programs(self) -> tuple[Path, ...]:
        """What it needs of the machine."""

    @property
    def translating(self) -> bool:
        """Whether the exits of its field masquerade and route by themselves."""
        return True

    @property
    def blind(self) -> tuple[str, ...]:
        """Faults that it cannot see by its nature: a few rounds tell enough."""
        return ()

    @property
    def movable(self) -> bool:
        """Whether it can be asked to move the clients."""
        return False

    @abstractmethod
    async def start(self, field: Field) -> None:
        """Starts all of it; the flow shall go by exit-a."""

    @abstractmethod
    async def start_exit(self, field: Field, name: str) -> None:
        """Starts what runs in an exit: at first, and when the exit has booted."""

    async def move(self, field: Field, to: str) -> None:
        """Asks it to move the clients to an exit; returns once it has taken that in.

        Raises:
            LabError: It does not do it.
        """
        raise LabError(f"moving {field.exits} to {to}: {self.name} cannot be asked")
