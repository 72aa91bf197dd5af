"""Presence: one per agent."""

from dataclasses import dataclass
from enum import StrEnum

from bus.messages.stamp import Stamp


class Status(StrEnum):
    """Whether an agent is there; `OFFLINE`: it crashed, or the broker lost it."""

    ONLINE = "online"
    STOPPED = "stopped"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(Stamp):
    """An agent came, went in good order, or vanished."""

    status: Status
    role: str = ""
    version: str = ""
