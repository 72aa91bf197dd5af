"""What a client's container makes of what `vpnchain peer add` wrote."""

from lab.peer import for_wg, values

WRITTEN = """\
# lab
[Interface]
PrivateKey = key
Address = 10.13.13.2/32, fd13::2/128
DNS = 10.13.13.1
MTU = 1360

[Peer]
PublicKey = other
Endpoint = 192.168.213.2:51820
AllowedIPs = 0.0.0.0/0, ::/0
"""


def test_wg_gets_what_it_knows_and_no_more() -> None:
    left = for_wg(WRITTEN)
    assert "Address" not in left
    assert "DNS" not in left
    assert "MTU" not in left
    assert [line for line in WRITTEN.splitlines() if "Key" in line] == [
        line for line in left.splitlines() if "Key" in line
    ]


def test_addresses_are_found_those_of_ipv4() -> None:
    assert values(WRITTEN, "address") == ["10.13.13.2/32"]
    assert values(WRITTEN, "mtu") == ["1360"]
    assert values("[Interface]\n", "mtu") == []
