"""How peers get their names and ids from comments."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.entry.wgconf import WgConf, name_of, parse, slug

PRIVATE = "cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA="
SHARED = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
ALICE = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
BOB = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
HEAD = f"[Interface]\nAddress = 10.13.13.1/24\nPrivateKey = {PRIVATE}\n"
PEER = f"[Peer]\nPublicKey = {ALICE}\nAllowedIPs = 10.13.13.2/32\n"


def read(text: str) -> WgConf:
    return parse(text, "wg0.conf", IPv4Network("10.13.13.0/24"))


@pytest.mark.parametrize(
    ("before", "inside", "name"),
    [
        ("# phone\n", "", "phone"),
        ("", "# phone\n", "phone"),
        ("# above\n", "# inside\n", "above"),
        ("# an essay\n# Name = phone\n", "", "phone"),
        ("# a note\n", "# friendly_name = phone\n", "phone"),
        ("# about something else\n\n", "", ""),
        (f"# {SHARED}\n", "", ""),
        (f"# PresharedKey = {SHARED}\n# phone\n", "", "phone"),
        ("# Endpoint = home:1\n", "", ""),
        ("#\n# phone\n", "", "phone"),
        ("", "", ""),
    ],
)
def test_a_comment_names_its_peer(before: str, inside: str, name: str) -> None:
    (peer,) = read(HEAD + before + PEER.replace("]\n", f"]\n{inside}")).peers

    assert peer.name == (name or peer.id)


def test_a_comment_behind_the_head_names_its_peer() -> None:
    (peer,) = read(HEAD + PEER.replace("[Peer]", "[Peer]  # phone")).peers

    assert peer.name == "phone"


def test_a_comment_above_the_next_peer_is_not_this_ones() -> None:
    second = PEER.replace(ALICE, BOB).replace(".2/", ".3/")

    alice, bob = read(f"{HEAD}{PEER}# bob\n{second}").peers

    assert alice.name == alice.id
    assert bob.name == "bob"


def test_a_peer_without_a_name_is_called_by_a_short_hash_of_its_key() -> None:
    (peer,) = read(HEAD + PEER).peers

    assert len(peer.id) == 8
    assert peer.name == peer.id
    assert ALICE[:8] not in peer.id


def test_a_name_of_other_letters_keeps_them_and_gets_a_hash_as_id() -> None:
    (peer,) = read(HEAD + "# 电话\n" + PEER).peers

    assert peer.name == "电话"
    assert len(peer.id) == 8


def test_a_name_given_twice_makes_two_ids() -> None:
    second = PEER.replace(ALICE, BOB).replace(".2/", ".3/")

    peers = read(f"{HEAD}# phone\n{PEER}# phone\n{second}").peers

    assert len({peer.id for peer in peers}) == 2
    assert all(peer.id.startswith("phone-") for peer in peers)


@pytest.mark.parametrize(
    ("name", "level"),
    [("Alice's phone", "alice-s-phone"), ("--x--", "x"), ("", ""), ("ÄÖ", "")],
)
def test_an_id_is_a_level_of_a_topic(name: str, level: str) -> None:
    assert slug(name) == level


def test_long_names_are_cut() -> None:
    assert len(name_of(["phone " * 100])) <= 64


@given(st.lists(st.text(max_size=30), max_size=5))
def test_any_comments_give_a_printable_name_and_an_id_that_fits(
    comments: list[str],
) -> None:
    name = name_of(comments)

    assert name.isprintable()
    assert len(name) <= 64
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
