"""Which route to the server is pinned."""

import pytest

from agents.exit import forwarding
from agents.network import Route

SERVER = "203.0.113.2"
DEFAULT = Route(254, via="172.20.0.1", dev="eth0")
BRIDGE = Route(254, to="172.20.0.0/16", dev="eth0")
PEER = Route(254, to=f"{SERVER}/32", dev="ppp0")
WAN = Route(254, to="203.0.113.0/24", dev="eth2")


@pytest.mark.parametrize(
    ("main", "via", "dev"),
    [
        pytest.param([DEFAULT, BRIDGE], "172.20.0.1", "eth0", id="by the default"),
        pytest.param([DEFAULT, WAN], None, "eth2", id="the most exact wins"),
        pytest.param([PEER, DEFAULT], "172.20.0.1", "eth0", id="never by ppp0"),
        pytest.param(
            [Route(254, via="10.0.0.1", dev="eth9", metric=200), DEFAULT],
            "172.20.0.1",
            "eth0",
            id="the least metric wins",
        ),
        pytest.param(
            [Route(254, to=f"{SERVER}/32", kind="unreachable"), DEFAULT],
            "172.20.0.1",
            "eth0",
            id="only what leads somewhere",
        ),
    ],
)
def test_the_server_is_pinned_as_the_main_table_leads(
    main: list[Route], via: str | None, dev: str
) -> None:
    pinned = forwarding.pin(SERVER, main)

    assert pinned is not None
    route, rule = pinned
    assert (route.table, route.to) == (99, f"{SERVER}/32")
    assert (route.via, route.dev) == (via, dev)
    assert (rule.priority, rule.table, rule.to) == (900, 99, f"{SERVER}/32")


def test_without_a_way_nothing_is_pinned() -> None:
    assert forwarding.pin(SERVER, [BRIDGE, PEER]) is None


def test_the_floor_is_worse_than_any_other_route() -> None:
    assert {route.family for route in forwarding.floor()} == {4, 6}
    assert all(
        route.metric > forwarding.through_link().metric for route in forwarding.floor()
    )
