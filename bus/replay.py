"""Which requests were heard already: a wish that comes twice is granted once. Pure.

QoS 1 may deliver a message twice, and whoever hears a request can say it again.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

REMEMBERED_S: Final = 60.0
REMEMBERED_MOST: Final = 1_000


class Transactions:
    """Those of the last minute; when there are too many, the oldest are forgotten."""

    def __init__(self) -> None:
        self._heard_s: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def again(self, levels: Mapping[str, str], transaction: str, at_s: float) -> bool:
        """Whether the same was asked of the same agent less than a minute ago."""
        key = (*levels.values(), transaction)
        heard_s = self._heard_s.get(key)
        if heard_s is not None and at_s < heard_s + REMEMBERED_S:
            return True
        self._heard_s[key] = at_s
        self._heard_s.move_to_end(key)
        if len(self._heard_s) > REMEMBERED_MOST:
            self._heard_s.popitem(last=False)
        return False
