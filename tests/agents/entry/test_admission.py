"""Who is let in on request, as what, and what he is told: rules over a text."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Final

import pytest

from agents.entry.admission import PEERS, House, admit
from agents.entry.peerfile import PeerError
from agents.entry.wgconf import parse
from bus.codec import as_data, decode, encode
from bus.commands import Response
from bus.errors import PayloadError
from bus.examples import example_of
from bus.messages.peers import PeerTerms
from cli.wgkeys import new_pair

OWN: Final = new_pair()
PHONE: Final = new_pair().public
KEY: Final = new_pair().public
TEXT: Final = f"""\
# the entry of the house
[Interface]
Address = 10.13.13.1/24
ListenPort = 4500
PrivateKey = {OWN.private.reveal()}

# phone
[Peer]
PublicKey = {PHONE}
AllowedIPs = 10.13.13.2/32
"""
HOUSE: Final = House(
    Path("wg0.conf"), TEXT, IPv4Network("10.13.13.0/24"), OWN.public, "vpn.example.org"
)


def test_the_next_address_and_what_it_takes_to_come_in() -> None:
    admitted = admit(HOUSE, "tablet", KEY)

    assert admitted.terms == PeerTerms(
        address="10.13.13.3",
        dns="10.13.13.1",
        mtu_bytes=1400,
        entry_key=OWN.public,
        endpoint="vpn.example.org:4500",
        allowed_ips=("0.0.0.0/0", "::/0"),
        keepalive_s=25,
    )


def test_wg0_conf_is_the_old_one_with_one_peer_more() -> None:
    admitted = admit(HOUSE, "tablet", KEY)

    before = parse(TEXT, "wg0.conf", HOUSE.clients).peers
    assert admitted.text.startswith(TEXT)
    assert admitted.conf == parse(admitted.text, "wg0.conf", HOUSE.clients)
    *others, new = admitted.conf.peers
    assert tuple(others) == before
    assert (new.name, new.public_key) == ("tablet", KEY)
    assert new.preshared_key is None


def test_nothing_that_is_told_is_secret() -> None:
    told = encode(admit(HOUSE, "tablet", KEY).terms)
    assert OWN.private.reveal().encode() not in told


def test_who_asks_again_is_not_added_again() -> None:
    once = admit(HOUSE, "tablet", KEY)
    with pytest.raises(PeerError, match="one of this name"):
        admit(replace(HOUSE, text=once.text), "tablet", KEY)


@pytest.mark.parametrize("key", [PHONE, OWN.public, "", "x" * 44, f"{KEY}\n", "Ä" * 44])
def test_a_key_that_is_anothers_or_none_is_refused(key: str) -> None:
    with pytest.raises(PeerError, match="public key") as caught:
        admit(HOUSE, "tablet", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "phone", "Phone", "x" * 65, "a\n[Peer]", "a=b", "#", "x" * 10_000]
)
def test_a_name_that_is_anothers_or_none_is_refused(name: str) -> None:
    with pytest.raises(PeerError, match="naming the peer") as caught:
        admit(HOUSE, name, KEY)
    assert len(str(caught.value)) < 200


def test_a_full_network_lets_nobody_in() -> None:
    small = replace(
        HOUSE, text=TEXT.replace("/24", "/30"), clients=IPv4Network("10.13.13.0/30")
    )
    with pytest.raises(PeerError, match="all are taken"):
        admit(small, "tablet", KEY)


def test_a_large_network_is_not_filled_either() -> None:
    first = IPv4Address("10.13.0.2")
    peers = "".join(
        f"[Peer]\nPublicKey = {new_pair().public}\nAllowedIPs = {first + number}/32\n"
        for number in range(PEERS)
    )
    head = TEXT.split("# phone")[0].replace("10.13.13.1/24", "10.13.0.1/16")
    large = replace(HOUSE, text=head + peers, clients=IPv4Network("10.13.0.0/16"))
    with pytest.raises(PeerError, match=f"{PEERS} already"):
        admit(large, "tablet", KEY)


LINE: Final = "\nPostUp = reboot"


@pytest.mark.parametrize(
    "lie",
    [
        {"address": f"10.13.13.3{LINE}"},
        {"address": "10.13.13.0/24"},
        {"dns": f"10.13.13.1{LINE}"},
        {"entry_key": f"{KEY}{LINE}"},
        {"endpoint": f"vpn.example.org:1{LINE}"},
        {"endpoint": ""},
        {"allowed_ips": [f"0.0.0.0/0{LINE}"]},
        {"allowed_ips": [f"fe80::%{LINE}/64"]},
        {"allowed_ips": ["10.0.0.0/8"] * 9},
        {"mtu_bytes": f"1400{LINE}"},
    ],
)
def test_terms_that_would_be_another_line_of_a_file_are_not_heard(
    lie: dict[str, Any],
) -> None:
    terms = example_of(Response).peer
    said = {"transaction": "1", "ok": True, "peer": as_data(terms)}
    assert decode(Response, encode(said)).peer == terms

    with pytest.raises(PayloadError):
        decode(Response, encode({**said, "peer": {**said["peer"], **lie}}))
