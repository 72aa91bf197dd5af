"""What the coordinator's order is to one exit."""

import pytest

from agents.exit.model import Ordered
from agents.exit.order import read
from agents.neighbours import Neighbours
from agents.settings_model import BRIDGE
from bus.epochs import EPOCH_LIMIT
from bus.messages.orders import Gate, Hop, Order

A, B, C = (Hop(exit=f"exit-{x}", address=f"172.20.0.1{n}") for n, x in enumerate("abc"))
NEIGHBOURS = Neighbours(BRIDGE, frozenset({"172.20.0.1"}))
GATEWAY = Hop(exit="exit-b", address="172.20.0.1")
FAR = Hop(exit="exit-b", address="1.1.1.1")
B_UNUSABLE = Hop(exit="exit-b", address=B.address, usable=False)


@pytest.mark.parametrize(
    ("hops", "detour"),
    [
        pytest.param([A, B, C], B.address, id="the best of the others"),
        pytest.param([C, A, B], C.address, id="the active one first"),
        pytest.param([A, B_UNUSABLE, C], C.address, id="only one that is usable"),
        pytest.param([A, B_UNUSABLE], "", id="none is usable"),
        pytest.param([A], "", id="there is no other"),
        pytest.param([], "", id="there is none at all"),
        pytest.param([A, GATEWAY, C], C.address, id="never a gateway"),
        pytest.param([A, FAR, C], C.address, id="never one outside the bridge"),
    ],
)
def test_the_detour_is(hops: list[Hop], detour: str) -> None:
    order = Order(epoch=1, gate=Gate.OPEN, active="exit-a", exits=tuple(hops))

    wanted = Ordered(5, ours=True, detour=detour)
    assert read(order, "exit-a", NEIGHBOURS, at_s=5) == wanted


@pytest.mark.parametrize("active", ["exit-b", None])
def test_clients_of_another_are_not_ours(active: str | None) -> None:
    order = Order(epoch=1, gate=Gate.OPEN, active=active, exits=(A, B))

    event = read(order, "exit-a", NEIGHBOURS, at_s=5)
    assert event is not None
    assert not event.ours


@pytest.mark.parametrize("epoch", [-1, 0, EPOCH_LIMIT + 1])
def test_an_order_that_cannot_be_is_none(epoch: int) -> None:
    order = Order(epoch=epoch, gate=Gate.OPEN, active="exit-a", exits=(A, B))

    assert read(order, "exit-a", NEIGHBOURS, at_s=5) is None
