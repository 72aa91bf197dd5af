"""wg0.conf with a peer more or less: all else stays."""

from ipaddress import IPv4Address, IPv4Network
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.entry.peerfile import (
    NewPeer,
    PeerError,
    added,
    check_address,
    check_name,
    next_free,
    removed,
)
from agents.entry.wgconf import WgConf, parse
from cli.wgkeys import new_pair, new_shared

CLIENTS: Final = IPv4Network("10.13.13.0/24")
ENTRY: Final = new_pair().private.reveal()
KEYS: Final = [new_pair().public for _ in range(6)]

TEXT: Final = f"""\
# the entry of the house

[Interface]
Address = 10.13.13.1/24
PrivateKey = {ENTRY}

# --- family ---

# phone
# (bought in 2024)
[Peer]
PublicKey = {KEYS[0]}
AllowedIPs = 10.13.13.2/32

[Peer] # laptop
PublicKey = {KEYS[1]}   # new key
# it travels
AllowedIPs = 10.13.13.3/32, 10.13.13.8/31

# --- guests ---

[Peer]
# tv
PublicKey = {KEYS[2]}
AllowedIPs = 10.13.13.4/32
"""

PHONE: Final = NewPeer("tablet", KEYS[3], IPv4Address("10.13.13.5"), new_shared())


def read(text: str, clients: IPv4Network = CLIENTS) -> WgConf:
    return parse(text, "wg0.conf", clients)


def names(text: str) -> list[str]:
    return [peer.name for peer in read(text).peers]


def test_a_peer_is_added_at_the_end_and_nothing_else_changes() -> None:
    text = added(TEXT, PHONE)

    assert text.startswith(TEXT)
    new = read(text).peers[-1]
    assert (new.name, new.public_key) == ("tablet", KEYS[3])
    assert new.allowed_ips == ("10.13.13.5/32",)
    assert new.preshared_key == PHONE.shared


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_gap_of_one_line_is_before_the_new_peer(end: str) -> None:
    text = added(TEXT.rstrip("\n") + end, PHONE)

    assert text.startswith(TEXT + "\n# tablet\n[Peer]\n")


@pytest.mark.parametrize(
    ("place", "gone", "kept"),
    [
        (
            0,
            ("phone", "bought"),
            ("--- family ---", "laptop", "--- guests ---", "# tv"),
        ),
        (1, ("laptop", "travels"), ("family", "phone", "--- guests ---", "# tv")),
        (2, ("# tv",), ("phone", "laptop", "--- guests ---", "the entry")),
    ],
)
def test_a_peer_goes_with_its_own_comments(
    place: int, gone: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    text = removed(TEXT, place)

    assert [peer for n, peer in enumerate(read(TEXT).peers) if n != place] == list(
        read(text).peers
    )
    assert not any(word in text for word in gone)
    assert all(word in text for word in kept)


def test_what_was_added_and_removed_leaves_no_trace() -> None:
    assert removed(added(TEXT, PHONE), 3).rstrip("\n") == TEXT.rstrip("\n")


sections = st.sampled_from(
    [
        "# {name}\n[Peer]\n{key}{ips}",
        "[Peer]\n# {name}\n{key}{ips}",
        "[Peer] # {name}\n{ips}{key}",
        "# {name}\n\n# x = y\n[ peer ]\n{key}{ips}",
    ]
)
gaps = st.sampled_from(["", "\n", "\n\n", "\n# a remark\n\n", "# right below\n"])


@given(st.lists(st.tuples(sections, gaps), min_size=1, max_size=5), st.data())
def test_whatever_is_removed_the_other_peers_stay_as_they_are(
    parts: list[tuple[str, str]], data: st.DataObject
) -> None:
    text = f"[Interface]\nAddress = 10.13.13.1/24\nPrivateKey = {ENTRY}\n"
    for number, (section, gap) in enumerate(parts):
        text += gap + section.format(
            name=f"peer {number}",
            key=f"PublicKey = {KEYS[number]}\n",
            ips=f"AllowedIPs = 10.13.13.{number + 2}/32\n",
        )
    before = read(text).peers
    place = data.draw(st.integers(0, len(parts) - 1))

    after = read(removed(text, place)).peers

    others = [peer for number, peer in enumerate(before) if number != place]
    assert [peer.public_key for peer in after] == [peer.public_key for peer in others]
    assert [peer.allowed_ips for peer in after] == [peer.allowed_ips for peer in others]


def test_the_next_free_address_is_the_lowest_that_nobody_has() -> None:
    assert next_free(read(TEXT), CLIENTS) == IPv4Address("10.13.13.5")
    assert next_free(read(removed(TEXT, 0)), CLIENTS) == IPv4Address("10.13.13.2")


def test_a_full_network_has_none() -> None:
    clients = IPv4Network("10.13.13.0/30")
    text = TEXT.split("# --- family")[0].replace("/24", "/30")
    text = added(text, NewPeer("a", KEYS[0], IPv4Address("10.13.13.2")))

    with pytest.raises(PeerError, match=r"10\.13\.13\.0/30: all are taken"):
        next_free(read(text, clients), clients)


@pytest.mark.parametrize("address", ["10.13.13.1", "10.13.13.9", "192.0.2.1"])
def test_an_address_that_is_taken_or_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(PeerError):
        check_address(IPv4Address(address), read(TEXT), CLIENTS)


@pytest.mark.parametrize(
    "name", ["tablet", "Alice's phone", "büro 2", "x y " * 15 + "z"]
)
def test_a_name_that_is_read_back_as_it_is_is_taken(name: str) -> None:
    check_name(name, read(TEXT))

    text = added(TEXT, NewPeer(name, KEYS[3], IPv4Address("10.13.13.5")))
    assert names(text)[-1] == name


BAD: Final = (
    *("", " ", " x", "-", "#x", "a=b", "a\nb", "a\x1b[0m", "x" * 65, ENTRY, "Name = x"),
    *("phone", "PHONE"),
)


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_would_not_be_or_is_taken_is_refused(name: str) -> None:
    with pytest.raises(PeerError) as caught:
        check_name(name, read(TEXT))

    assert ENTRY not in str(caught.value)
