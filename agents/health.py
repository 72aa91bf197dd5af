"""`python -m agents health [NAME]`: asks an agent on this host how it is.

Exit status 0: healthy; 1: not, with the reason in one line. A container engine asks
every few seconds, so nothing of the agents is loaded here, only Python's own.
"""

import os
import socket
import sys
from collections.abc import Sequence
from typing import Final

HEALTHY: Final = "healthy"
TIMEOUT_S: Final = 2.0
ANSWER_BYTES: Final = 1000


def address(name: str) -> str:
    """Where the agent of that name answers.

    An abstract socket: it needs no folder that can be written to, is seen by nobody
    outside of the container (its network namespace), and is gone with its agent.
    """
    return f"\0vpnchain/{name}"


def main(arguments: Sequence[str]) -> int:
    """Asks the agent that the argument names, or else the environment."""
    name = arguments[0] if arguments else os.environ.get("VPNCHAIN_NAME", "")
    answer = ask(name)
    sys.stdout.write(f"{answer}\n")
    return 0 if answer == HEALTHY else 1


def ask(name: str) -> str:
    """`healthy`, or why it is not; no answer is no health."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visit:
        visit.settimeout(TIMEOUT_S)
        try:
            visit.connect(address(name))
            answer = visit.recv(ANSWER_BYTES).decode(errors="replace").strip()
        except OSError as error:
            return f"asking {name or 'an agent without a name'}: {error}"
    return answer or f"asking {name}: no answer"
