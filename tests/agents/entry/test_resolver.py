"""Whom clients' DNS is led to."""

from ipaddress import IPv4Address

import pytest

from agents.entry.resolver import choose, leading, own_addresses
from agents.resolvers import is_resolver
from agents.settings_model import EntrySettings, NetworkSettings
from bus.messages.orders import Hop

NETWORK = NetworkSettings()
HOP = Hop(exit="exit-a", address="172.20.0.11", dns=("10.201.0.1", "10.201.0.2"))
BARE = Hop(exit="exit-b", address="172.20.0.12")
NINE = (IPv4Address("9.9.9.9"),)


@pytest.mark.parametrize(
    ("entry", "hop", "resolver"),
    [
        pytest.param(EntrySettings(), HOP, "10.201.0.1", id="the provider's first"),
        pytest.param(EntrySettings(), BARE, "", id="nobody is known"),
        pytest.param(EntrySettings(dns_servers=NINE), BARE, "9.9.9.9", id="one is set"),
        pytest.param(EntrySettings(dns_servers=NINE), None, "", id="blocked"),
        pytest.param(
            EntrySettings(dns_servers=NINE), HOP, "10.201.0.1", id="set, but not fixed"
        ),
        pytest.param(
            EntrySettings(dns="fixed", dns_servers=NINE), HOP, "9.9.9.9", id="fixed"
        ),
        pytest.param(EntrySettings(dns="off", dns_servers=NINE), HOP, "", id="off"),
    ],
)
def test_the_resolver_follows_the_exit_as_the_settings_say(
    entry: EntrySettings, hop: Hop | None, resolver: str
) -> None:
    assert choose(hop, entry, NETWORK) == resolver


@pytest.mark.parametrize(
    "address",
    [
        *("172.20.0.1", "10.13.13.2", "127.0.0.11", "0.0.0.0", "255.255.255.255"),  # noqa: S104
        *("224.0.0.251", "169.254.1.1", "::1", "1.1.1.1/32", "1.1.1.1 -j ACCEPT", ""),
    ],
)
def test_what_cannot_be_beyond_an_exit_is_passed_over(address: str) -> None:
    hop = Hop(exit="exit-a", address="172.20.0.11", dns=(address, "10.201.0.2"))

    assert not is_resolver(address, NETWORK)
    assert choose(hop, EntrySettings(), NETWORK) == "10.201.0.2"


def test_only_what_is_asked_of_wg0_itself_is_led_away() -> None:
    own = own_addresses(("10.13.13.1/24", "fd13::1/64"))

    rules = [line for line in leading(own, "9.9.9.9").splitlines() if "-i wg0" in line]

    assert rules == [
        f"-A VPNCHAIN-PREROUTING -i wg0 -d 10.13.13.1 -p {protocol} --dport 53"
        " -j DNAT --to-destination 9.9.9.9"
        for protocol in ("udp", "tcp")
    ]
    assert "DNAT" not in leading(own, "")
