"""wg0.conf: what is understood, what is refused and how, what is never told."""

import base64
from ipaddress import IPv4Network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.entry.wgconf import WgConf, parse, shown
from agents.settings_model import SettingsError

CLIENTS = IPv4Network("10.13.13.0/24")
PRIVATE = base64.b64encode(b"p" * 32).decode()
SHARED = base64.b64encode(b"s" * 32).decode()
ALICE = base64.b64encode(b"a" * 32).decode()
BOB = base64.b64encode(b"b" * 32).decode()

HEAD = f"[Interface]\nAddress = 10.13.13.1/24\nPrivateKey = {PRIVATE}\n"
PEER = f"[Peer]\nPublicKey = {ALICE}\nAllowedIPs = 10.13.13.2/32\n"


def read(text: str) -> WgConf:
    return parse(text, "wg0.conf", CLIENTS)


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(text)
    return str(caught.value)


def test_a_whole_file_is_understood() -> None:
    conf = read(
        f"""# made by hand
[Interface]
Address = 10.13.13.1/24, fd00::1/64   # two at once
Address = 10.13.13.254
ListenPort = 51821
PrivateKey = {PRIVATE}
MTU = 1380

# Alice's phone
[Peer]
PublicKey = {ALICE}
PresharedKey = {SHARED}
AllowedIPs = 10.13.13.2, fd00::2/128
AllowedIPs = 10.13.13.16/28
Endpoint = [2001:db8::1]:4500
PersistentKeepalive = 25

[Peer]
# Name = Bob's laptop
PublicKey = {BOB}
AllowedIPs = 10.13.13.3/32
PersistentKeepalive = off
"""
    )

    assert conf.addresses == ("10.13.13.1/24", "fd00::1/64", "10.13.13.254/32")
    assert (conf.listen_port, conf.mtu_bytes) == (51821, 1380)
    assert conf.private_key.reveal() == PRIVATE
    alice, bob = conf.peers
    assert (alice.id, alice.name) == ("alice-s-phone", "Alice's phone")
    assert alice.preshared_key is not None
    assert alice.preshared_key.reveal() == SHARED
    assert alice.allowed_ips == ("10.13.13.2/32", "fd00::2/128", "10.13.13.16/28")
    assert (alice.endpoint, alice.keepalive_s) == ("[2001:db8::1]:4500", 25)
    assert (bob.id, bob.name) == ("bob-s-laptop", "Bob's laptop")
    assert (bob.preshared_key, bob.endpoint, bob.keepalive_s) == (None, "", 0)


def test_what_is_left_out_has_its_usual_value() -> None:
    conf = read(HEAD)

    assert (conf.listen_port, conf.mtu_bytes, conf.peers) == (51820, None, ())


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("\n", "\r\n") + PEER,
        "\ufeff" + HEAD + PEER,
        HEAD.replace("[Interface]", "[interface]").replace("Address", "ADDRESS") + PEER,
        HEAD.replace(" = ", "=") + PEER,
        PEER + HEAD,
    ],
    ids=["crlf", "byte_order_mark", "any_case", "no_blanks", "peer_first"],
)
def test_other_habits_are_understood(text: str) -> None:
    assert read(text).peers[0].public_key == ALICE


def test_what_has_no_effect_is_told_without_its_value() -> None:
    conf = read(f"{HEAD}DNS = 9.9.9.9\nPostUp = iptables --secret\nTable = off\n")

    assert conf.passed_over == ("line 4: DNS", "line 5: PostUp", "line 6: Table")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "wg0.conf: [Interface]: got 0 sections, wanted exactly one"),
        (HEAD + HEAD, "wg0.conf: [Interface]: got 2 sections, wanted exactly one"),
        (
            "Address = 10.13.13.1/24\n",
            "wg0.conf:1: Address: got it before any section, wanted [Interface] first",
        ),
        (
            HEAD + "[Wrong]\n",
            "wg0.conf:4: section: got another, wanted [Interface] or [Peer]",
        ),
        (
            HEAD + "[Peer\n",
            "wg0.conf:4: section: got another, wanted [Interface] or [Peer]",
        ),
        (
            HEAD + "ListenProt = 1\n",
            "wg0.conf:4: line: got something unknown, wanted ListenPort",
        ),
        (
            HEAD + "Colour = 1\n",
            "wg0.conf:4: line: got something unknown,"
            " wanted one of Address, ListenPort, PrivateKey, MTU",
        ),
        (
            HEAD + "MTU\n",
            "wg0.conf:4: MTU: got no value, wanted KEY = VALUE",
        ),
        (
            HEAD + PEER + "DNS = 1.1.1.1\n",
            "wg0.conf:7: DNS: got something unknown, wanted one of PublicKey,"
            " PresharedKey, AllowedIPs, Endpoint, PersistentKeepalive",
        ),
        (
            HEAD + "PrivateKey = x\n",
            "wg0.conf:4: PrivateKey: got a second one, wanted one in its section",
        ),
        (
            "[Interface]\nAddress = 10.13.13.1/24\n",
            "wg0.conf:1: PrivateKey: got nothing, wanted one",
        ),
        (
            "[Interface]\nAddress = 10.13.13.1/24\nPrivateKey = short\n",
            "wg0.conf:3: PrivateKey: got 5 other characters,"
            " wanted a key of 44 characters (base64)",
        ),
        (
            f"[Interface]\nPrivateKey = {PRIVATE}\n",
            "wg0.conf:1: Address: got nothing, wanted one",
        ),
        (
            HEAD.replace("10.13.13.1/24", "10.13.13.1/33"),
            "wg0.conf:2: Address: got something else,"
            " wanted an address such as 10.13.13.1/24",
        ),
        (
            HEAD.replace("10.13.13.1/24", "fe80::1%eth0/64"),
            "wg0.conf:2: Address: got something else,"
            " wanted an address such as 10.13.13.1/24",
        ),
        (
            HEAD.replace("10.13.13.1/24", "10.0.0.1/24"),
            "wg0.conf:2: Address: got 10.0.0.1/24,"
            " wanted one in network.clients (10.13.13.0/24)",
        ),
        (
            HEAD + "ListenPort = 0\n",
            "wg0.conf:4: ListenPort: got something else, wanted 1..65535",
        ),
        (
            HEAD + "ListenPort = 65536\n",
            "wg0.conf:4: ListenPort: got something else, wanted 1..65535",
        ),
        (
            HEAD + "MTU = 575\n",
            "wg0.conf:4: MTU: got something else, wanted 576..65535",
        ),
        (HEAD + "MTU =\n", "wg0.conf:4: MTU: got nothing, wanted 576..65535"),
        (HEAD + "[Peer]\n", "wg0.conf:4: PublicKey: got nothing, wanted one"),
        (
            HEAD + f"[Peer]\nPublicKey = {ALICE}\n",
            "wg0.conf:4: AllowedIPs: got nothing, wanted one",
        ),
        (
            HEAD + PEER + PEER.replace(".2/", ".3/"),
            "wg0.conf:8: PublicKey: got the key of an earlier peer, wanted another",
        ),
        (
            HEAD + PEER + PEER.replace(ALICE, BOB),
            "wg0.conf:9: AllowedIPs: got 10.13.13.2/32,"
            " wanted addresses that no other peer has",
        ),
        (
            HEAD + PEER.replace("10.13.13.2/32", "10.13.14.2/32"),
            "wg0.conf:6: AllowedIPs: got 10.13.14.2/32,"
            " wanted within network.clients (10.13.13.0/24)",
        ),
        (
            HEAD + PEER.replace("10.13.13.2/32", "::/0"),
            "wg0.conf:6: AllowedIPs: got ::/0, wanted the peer's own addresses",
        ),
        (
            HEAD + PEER.replace("10.13.13.2/32", "phone"),
            "wg0.conf:6: AllowedIPs: got something else,"
            " wanted an address such as 10.13.13.2/32",
        ),
        (
            HEAD + PEER + "Endpoint = example.net\n",
            "wg0.conf:7: Endpoint: got something else, wanted host:port",
        ),
        (
            HEAD + PEER + "Endpoint = example.net:70000\n",
            "wg0.conf:7: Endpoint: got something else, wanted host:port",
        ),
        (
            HEAD + PEER + "PersistentKeepalive = often\n",
            "wg0.conf:7: PersistentKeepalive: got something else, wanted 0..65535",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_key_got_and_wanted(
    text: str, message: str
) -> None:
    assert refusal(text) == message


def test_a_key_that_slipped_into_another_place_is_not_told() -> None:
    slipped = (
        HEAD + f"{PRIVATE}\n",
        HEAD + f"ListenPort = {PRIVATE}\n",
        HEAD.replace("10.13.13.1/24", PRIVATE),
        HEAD.replace("PrivateKey = ", "PrivateKey "),
        HEAD + PEER + f"Endpoint = {PRIVATE}\n",
        HEAD + PEER.replace("10.13.13.2/32", PRIVATE),
        HEAD + f"{PRIVATE}",
    )

    for text in slipped:
        assert PRIVATE[:12] not in refusal(text)


@pytest.mark.parametrize(
    "part", [PRIVATE[:5], PRIVATE[:24], PRIVATE[20:], f"PrivateKey{PRIVATE[:9]}"]
)
def test_parts_of_a_key_are_not_told_either(part: str) -> None:
    slipped = (
        *(HEAD + part, HEAD + f"{part} = 1\n", HEAD + f"ListenPort = {part}\n"),
        *(HEAD + f"[{part}]\n", HEAD + f"MTU{part}\n", f"{part} = 1\n"),
        *(HEAD + f"MTU = {part}\n", HEAD.replace("10.13.13.1/24", part)),
        HEAD + PEER + f"Endpoint = {part}\n",
        HEAD + PEER + f"PersistentKeepalive = {part}\n",
        HEAD + PEER.replace("10.13.13.2/32", part),
    )

    for text in slipped:
        assert part[-5:] not in refusal(text)


def test_keys_are_not_in_what_is_printed() -> None:
    assert PRIVATE not in repr(read(HEAD + PEER + f"PresharedKey = {SHARED}\n"))
    assert SHARED not in repr(read(HEAD + PEER + f"PresharedKey = {SHARED}\n"))


def outcome(text: str) -> str:
    """What a person may see of it."""
    try:
        return repr(read(text))
    except SettingsError as error:
        return str(error)


WORDS = st.sampled_from(
    [
        "[Interface]",
        "[Peer]",
        "PrivateKey",
        "PublicKey",
        "Address",
        "AllowedIPs",
        "ListenPort",
        "MTU",
        "Endpoint",
        "PersistentKeepalive",
        "PostUp",
        "=",
        "\n",
        "\n",
        "#",
        ",",
        PRIVATE,
        ALICE,
        "10.13.13.1/24",
        "10.13.13.2",
        "fd00::2",
        "51820",
        "off",
        "host:1",
    ]
)


def test_long_values_are_cut() -> None:
    assert len(shown("long-" * 100)) < 70


@given(st.one_of(st.text(), st.lists(WORDS, max_size=60).map(" ".join)))
@example(HEAD + PEER)
def test_any_text_is_read_or_refused_without_telling_a_key(text: str) -> None:
    assert PRIVATE[:12] not in outcome(text)
