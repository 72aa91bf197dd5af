"""Which names a server goes by, as a browser says them."""

from typing import Final

import pytest

from agents.http_host import is_ours

NAMES: Final = frozenset({"vpn.example.net"})


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:8080", "192.168.1.7:8080", "[::1]", "[fd00::7]:8080"),
        *("localhost", "LOCALHOST:8080", "localhost.", "vpnchain-metrics:9273"),
        *("box.local", "Box.Local:8080", "nas.lan", "vpn.internal", "a.b.home.arpa"),
        *("chain.localhost", "vpn.example.net", "VPN.example.net:8443"),
        *("vpn.example.net.", "127.0.0.1."),
    ],
)
def test_names_that_nobody_on_the_internet_has_are_ours(host: str) -> None:
    assert is_ours(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8080", "evil.example.", "lan.evil.example"),
        *("127.0.0.1.evil.example", "127.0.0.1.nip.io:8080", "notlan.example"),
        *("evil-lan.example", "vpn.example.net.evil.example", "a.vpn.example.net"),
        *("", ":8080", ".", "[evil.example]", "[vpn.example.net", "[lan]", "0x7f.1"),
    ],
)
def test_others_are_not(host: str) -> None:
    assert not is_ours(host, NAMES)
