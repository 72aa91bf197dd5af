"""What every agent says of its own process."""

from dataclasses import dataclass

from bus.messages.stamp import Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry(Stamp):
    """What an agent's process takes, and how its link to the bus does.

    Attributes:
        memory_bytes: Resident memory.
        cpu_s: Processor time since its start, the kernel's for it included.
        open_files: Files and sockets held.
        tasks: Asyncio tasks that live.
        queued: Messages that wait for the broker.
        dropped: Events not said as the broker was away, and what was too much at once.
        malformed: Messages heard that did not fit their declaration.
    """

    memory_bytes: int
    cpu_s: float
    open_files: int
    tasks: int
    queued: int = 0
    dropped: int = 0
    malformed: int = 0
