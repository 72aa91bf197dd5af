"""The numbers that the rules of the exit go by: values only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the exit is.

    Attributes:
        presets: Names, best first.
        probe_misses: Rounds of probes that must go unanswered in a row until the tunnel
            counts as broken.
        probe_patience_s: How long a tunnel that is up may carry no probes before it is
            torn down: time for IPsec to come back by itself under the PPP session.
        steady_s: How long a tunnel must have carried probes before its failures are
            forgotten, so that a flapping one is still redialled ever more slowly.
        leave_s: How long a tunnel that is given up waits for its clients to move.
        linger_s: How long it stays once they are told to: until the entry has done it,
            and answers to what had gone out before have come home.
    """

    presets: tuple[str, ...] = ("modern", "compat", "legacy", "ancient")
    probe_misses: int = 4
    probe_patience_s: float = 10.0
    steady_s: float = 60.0
    leave_s: float = 1.0
    linger_s: float = 0.3
    backoff_min_s: float = 1.0
    backoff_max_s: float = 60.0
    permanent_backoff_s: float = 300.0
    prepare_s: float = 10.0
    connect_s: float = 45.0
    dial_s: float = 30.0
