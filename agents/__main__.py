"""`python -m agents exit --name exit-a` runs an agent, `... health` asks one how it is.

The question is asked every few seconds: it loads nothing that only agents need.
"""

import importlib
import sys


def main() -> int:
    """Runs what the first word asks for; the exit status."""
    words = sys.argv[1:]
    if words[:1] == ["health"]:
        module, words = "agents.health", words[1:]
    else:
        module = "agents.run"
    status: int = importlib.import_module(module).main(words)
    return status


if __name__ == "__main__":
    sys.exit(main())
