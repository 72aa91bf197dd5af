"""What the coordinator's order is to one exit: values only."""

from agents.exit.model import Ordered
from agents.neighbours import Neighbours
from bus.epochs import is_epoch
from bus.messages.orders import Order


def read(
    order: Order, name: str, neighbours: Neighbours, *, at_s: float
) -> Ordered | None:
    """The order in the words of the exit of that name; None: it is rubbish.

    The best of the others is next, as the order ranks them with the active one at the
    head; whoever is where no exit can be is none of them. An older order counts as well
    as a newer one: an exit moves nobody by it, and who has lost all orders begins anew.
    """
    if not is_epoch(order.epoch):
        return None
    others = (
        hop.address
        for hop in order.exits
        if hop.exit != name and hop.usable and neighbours.has(hop.address)
    )
    return Ordered(at_s, ours=order.active == name, detour=next(others, ""))
