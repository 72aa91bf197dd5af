"""Whether an order is obeyed. Pure."""

from dataclasses import replace
from enum import Enum

from bus.epochs import is_epoch, newer
from bus.messages.orders import Order


class Verdict(Enum):
    """What an order is to an entry that obeys another."""

    NEWER = "newer"  # it is to be obeyed from now on
    AGAIN = "again"  # it is the one obeyed, said once more
    OLDER = "older"
    OTHER = "other"  # the epoch of the one obeyed, but another content
    RUBBISH = "rubbish"  # no order can have this epoch

    @property
    def obeyed(self) -> bool:
        """Whether the order is worth listening to."""
        return self in (Verdict.NEWER, Verdict.AGAIN)


def verdict(obeyed: Order | None, order: Order) -> Verdict:
    """What to make of an order; `obeyed` None: none was heard in this life."""
    if not is_epoch(order.epoch):
        return Verdict.RUBBISH
    if obeyed is None or newer(order.epoch, obeyed.epoch):
        return Verdict.NEWER
    if order.epoch != obeyed.epoch:
        return Verdict.OLDER
    same = replace(order, at=obeyed.at, boot=obeyed.boot, seq=obeyed.seq) == obeyed
    return Verdict.AGAIN if same else Verdict.OTHER


def refusal(why: Verdict, obeyed: Order | None, order: Order) -> str:
    """Why the order is not obeyed, for people."""
    present = obeyed.epoch if obeyed else 0
    match why:
        case Verdict.OLDER:
            return f"order {order.epoch} is older than order {present}"
        case Verdict.OTHER:
            return f"order {order.epoch} differs from the one obeyed"
        case _:
            return f"order {order.epoch} is beyond all counting"
