"""What more exits cost: the pretended exits, the table, and one real measurement."""

import asyncio
from ipaddress import IPv4Address

import pytest

from agents.settings_model import BRIDGE, ENTRY
from bench.decisions import Decisions, Span, address, measure, names
from bench.probing import Probing
from bench.scale import table


def test_every_exit_has_an_address_of_its_own_on_the_bridge() -> None:
    addresses = {IPv4Address(address(name)) for name in names(1000)}

    assert len(addresses) == 1000
    assert all(one in BRIDGE for one in addresses)
    assert ENTRY not in addresses


def test_the_table_has_a_line_for_each_measurement() -> None:
    decided = Decisions(1000, 100, Span(7.1, 50.0), Span(7.2, 38.0), Span(2.0, 15.0))
    probed = Probing(32, "fast", 3205.5, 32.6, 0.6, 0.2, 6.5)

    lines = table([decided], [probed]).splitlines()

    assert " ".join(lines[2].split()) == "1000 7.10 50.00 7.20 38.00 2.00 15.00"
    assert " ".join(lines[-1].split()) == "32 fast 3205.5 32.6 0.6 0.2 6.5"


@pytest.mark.broker
def test_an_order_follows_each_change_of_a_path() -> None:
    measured = asyncio.run(measure(exits=3, rounds=2))

    assert (measured.exits, measured.rounds) == (3, 2)
    assert 0 < measured.pure.median_ms < measured.failover.median_ms
