"""How orders are counted, and which of two is the newer one. Pure.

Epochs are 1..`EPOCH_LIMIT`, then 1 again. Which of two is newer is decided by the
shorter way round, as RFC 1982 does for serial numbers: of two different epochs one is
always newer, for whoever compares them. So no epoch can be the last one: an entry that
obeyed a huge one by accident obeys the coordinator's next order all the same, or the
coordinator takes the huge one over and counts on from there.
"""

from typing import Final

# Readers of JSON agree on integers up to 2 ** 53. Source: RFC 8259, section 6.
EPOCH_LIMIT: Final = 2**52
NO_EPOCH: Final = 0  # before the first order
_HALF: Final = EPOCH_LIMIT // 2


def is_epoch(number: int) -> bool:
    """Whether an order may bear it."""
    return NO_EPOCH < number <= EPOCH_LIMIT


def newer(epoch: int, than: int) -> bool:
    """Whether `epoch` comes after `than`; after `NO_EPOCH` all epochs do."""
    if not is_epoch(epoch) or than == NO_EPOCH:
        return is_epoch(epoch)
    ahead = (epoch - than) % EPOCH_LIMIT
    return 0 < ahead < _HALF or (ahead == _HALF and epoch > than)


def following(epoch: int) -> int:
    """The epoch of the next order."""
    return epoch % EPOCH_LIMIT + 1
