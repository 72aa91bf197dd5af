"""Where on the bridge an exit can be."""

from ipaddress import IPv4Network

import pytest

from agents.neighbours import Neighbours

NEIGHBOURS = Neighbours(IPv4Network("10.0.4.0/22"), frozenset({"10.0.4.9"}))


@pytest.mark.parametrize("address", ["10.0.4.2", "10.0.5.0", "10.0.7.254"])
def test_an_exit_can_be_anywhere_on_the_bridge(address: str) -> None:
    assert NEIGHBOURS.has(address)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("10.0.4.9", id="somebody else's"),
        pytest.param("10.0.4.1", id="the gateway's"),
        pytest.param("10.0.4.0", id="the network's"),
        pytest.param("10.0.7.255", id="everybody's"),
        pytest.param("10.0.3.255", id="just below"),
        pytest.param("10.0.8.0", id="just above"),
        pytest.param("0.0.0.0", id="any"),  # noqa: S104
        pytest.param("127.0.0.1", id="our own"),
        pytest.param("10.0.4.02", id="octal, or not"),
        pytest.param(" 10.0.4.2", id="with a blank"),
        pytest.param("10.0.1026", id="short"),
        pytest.param("::ffff:10.0.4.2", id="mapped"),
        pytest.param("", id="empty"),
        pytest.param("exit-a", id="a name"),
    ],
)
def test_it_can_be_nowhere_else(address: str) -> None:
    assert not NEIGHBOURS.has(address)
