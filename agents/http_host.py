"""Which names a server for few people goes by. Pure.

A foreign page may let its own name point to our address (DNS rebinding): the browser
then takes us for that page's server and lets it read. It does say that name in `Host`.
"""

from collections.abc import Container
from ipaddress import ip_address
from typing import Final

# No name below these is anybody's on the internet. Source: RFC 6761 (localhost),
# RFC 6762 (local; lan and internal in appendix G), RFC 8375 (home.arpa).
PRIVATE: Final = (".local", ".lan", ".internal", ".home.arpa", ".localhost")


def is_ours(host: str, names: Container[str]) -> bool:
    """Whether a request with this `Host` is for us.

    Args:
        host: With a port or without.
        names: What we are called besides, in lower case.
    """
    if host.startswith("["):
        return _is_address(host[1:].partition("]")[0])
    name = host.partition(":")[0].lower().removesuffix(".")
    # A name without a dot, as of a container, is no host of the internet either.
    private = bool(name) and ("." not in name or name.endswith(PRIVATE))
    return private or name in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
