"""How long a chain may take to heal by itself, from the back-offs of its parts.

After the last blow the slowest of two ways counts, for they run side by side:

- An exit: its agent is started again, a step of the attempt that the blow has spoiled
  runs into its limit, the longest pause follows, then an attempt that nobody disturbs.
- The bus: the broker is started again, an agent waits its longest pause, and connects.

Then the coordinator lets the best exit settle before the clients go back, and a client
that has shaken hands with a WireGuard which is no more finds that out.
"""

from typing import Final

from agents.exit.policy import Policy
from bus.heartbeat import HEARTBEAT_S
from bus.wire import BACKOFF_MOST_S, CALL_TIMEOUT_S
from lab.settings import Tuning

# How Docker restarts: ever later, but at once again after a life that lasted. Its own
# limit is 60 s; then most blows would meet nobody.
RESTART_FIRST_S: Final = 0.1
RESTART_MOST_S: Final = 0.8
SETTLED_S: Final = 10.0
START_S: Final = 10.0  # an agent, in a guest that starts four at once
ATTEMPT_S: Final = 20.0  # a tunnel in such a guest
# A client sends for 10 + 5 s without an answer before it shakes hands anew, and again
# after 5. Source: WireGuard, Keepalive-Timeout, Rekey-Timeout
HANDSHAKE_S: Final = 20.0


def bound_s(tuning: Tuning) -> float:
    """From the last blow until the clients' traffic flows as if nothing had been."""
    policy = Policy()
    step_s = max(policy.prepare_s, policy.connect_s, policy.dial_s)
    exit_s = START_S + step_s + tuning.backoff_max_s + ATTEMPT_S
    bus_s = BACKOFF_MOST_S + CALL_TIMEOUT_S
    moved_s = HEARTBEAT_S + tuning.start_grace_s + tuning.settle_s
    return RESTART_MOST_S + max(exit_s, bus_s) + moved_s + HANDSHAKE_S
