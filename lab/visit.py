"""`python -m lab.visit`: from which address the lab's internet sees us."""

import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

from lab.internet import PAGE_PORT
from lab.topology import INTERNET_ADDRESS

TIMEOUT_S: Final = 5.0


def main() -> int:
    """Prints the address; exit status 1: the page could not be fetched."""
    visit = HTTPConnection(INTERNET_ADDRESS, PAGE_PORT, timeout=TIMEOUT_S)
    try:
        visit.request("GET", "/")
        print(visit.getresponse().read().decode().strip())
    except (OSError, HTTPException) as error:
        print(f"no page: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
