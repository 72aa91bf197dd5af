"""What agents, exits and peers may be called, and where a topic stands. Pure."""

import re
from typing import Final

# One level of a topic: what every broker and every bridge lets through unchanged.
ID: Final = re.compile(r"[a-z0-9-]{1,64}")


def placed(base: str, name: str) -> str:
    """A topic's name as the broker knows it; one that begins with `/` is not ours.

    As with files: below the base, unless it says from the root where it is.
    """
    return name[1:] if name.startswith("/") else f"{base}/{name}"


def found(base: str, full_name: str) -> str:
    """The opposite of `placed`."""
    below = f"{base}/"
    if full_name.startswith(below):
        return full_name.removeprefix(below)
    return f"/{full_name}"
