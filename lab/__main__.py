"""`python -m lab ...`: the whole chain with providers of our own, on this machine."""

import sys
from typing import Final

INTERRUPTED: Final = 130


def main() -> int:
    """The exit status."""
    try:
        # Ctrl-C may also come while all that is being imported, which takes its time.
        from lab.command import obey  # noqa: PLC0415

        return obey(sys.argv[1:])
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
