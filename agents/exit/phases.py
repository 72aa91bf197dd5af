"""The phases of an exit: what it is busy with, and what ends each. Values only.

Times (`until_s`, `retry_at_s`) are seconds of the shell's monotonic clock.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing of a tunnel exists; the next attempt begins at `retry_at_s`."""

    retry_at_s: float


@dataclass(frozen=True, slots=True)
class Preparing:
    """The server's name is being resolved."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Connecting:
    """IKE and ESP are being agreed."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Dialling:
    """L2TP and PPP are being agreed."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Probing:
    """The link ppp0 is up, but no probe comes back through it (yet, or any more)."""

    until_s: float
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Ready:
    """Probes come back."""

    misses: int = 0


@dataclass(frozen=True, slots=True)
class Closing:
    """Everything of the attempt is being removed.

    Attributes:
        again: The next attempt begins at once, without a pause.
        vague: The daemons may still say better why the attempt ended.
    """

    again: bool = False
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Leaving:
    """The attempt is given up, but what it built still carries: clients move first.

    Attributes:
        until_s: No longer than that, whether they have moved or not.
        moved: Another exit has them; what is under way may still come home.
        then: How the attempt ends after it.
    """

    until_s: float
    moved: bool = False
    then: Closing = Closing()


Phase = (
    Waiting | Preparing | Connecting | Dialling | Probing | Ready | Leaving | Closing
)
