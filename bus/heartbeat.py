"""How often a state is said again, changed or not: values only.

That of exits, paths and containers, and the order. An entry says itself and its clients
less often, every 10 to 12 s.
"""

from typing import Final

HEARTBEAT_S: Final = 5.0
