"""What `wg` is told, and how its answer is read."""

import base64
from contextlib import suppress
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.entry.peer_model import PeerSeen
from agents.entry.wgconf import WgConf, parse
from agents.entry.wgdump import Dump, DumpError, agrees, read_dump, setconf

PRIVATE = base64.b64encode(b"@" * 32).decode()  # as WireGuard keeps it: clamped
PUBLIC = base64.b64encode(b"A" * 32).decode()
ALICE = base64.b64encode(b"a" * 32).decode()
SHARED = base64.b64encode(b"s" * 32).decode()
TEXT = f"""[Interface]
Address = 10.13.13.1/24
PrivateKey = {PRIVATE}
[Peer]
PublicKey = {ALICE}
PresharedKey = {SHARED}
AllowedIPs = 10.13.13.2/32, fd00::2/128
Endpoint = 192.0.2.1:7
PersistentKeepalive = 25
"""
ANSWER = (
    f"{PRIVATE}\t{PUBLIC}\t51820\toff\n"
    f"{ALICE}\t{SHARED}\t198.51.100.3:1000\tfd00::2/128,10.13.13.2/32"
    "\t1700000000\t100\t200\t25\n"
)


def conf(text: str = TEXT) -> WgConf:
    return parse(text, "wg0.conf", IPv4Network("10.13.13.0/24"))


def test_a_device_and_its_peers_are_read() -> None:
    dump = read_dump(ANSWER)

    assert (dump.public_key, dump.listen_port) == (PUBLIC, 51820)
    (peer,) = dump.peers
    endpoint = "198.51.100.3:1000"
    assert peer.seen == PeerSeen(ALICE, 1700000000.0, 100, 200, endpoint)


def test_what_is_not_set_is_read_as_such() -> None:
    line = f"{ALICE}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n"

    (peer,) = read_dump(f"(none)\t(none)\t0\toff\n{line}").peers

    assert (peer.preshared_key, peer.allowed_ips, peer.keepalive_s) == (
        None,
        frozenset(),
        0,
    )
    assert peer.seen == PeerSeen(ALICE)


@pytest.mark.parametrize("text", ["", "a\tb\tc\n", f"{ANSWER}more\n", f"x{ANSWER}\t"])
def test_any_other_answer_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(DumpError) as caught:
        read_dump(text)

    assert str(caught.value) == "reading wg show dump: not its format"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(st.text(alphabet="ab1\t\n0.", max_size=80))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(DumpError):
        assert isinstance(read_dump(text), Dump)


def test_a_device_that_is_set_already_agrees() -> None:
    assert agrees(read_dump(ANSWER), conf())


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace(PRIVATE, SHARED, 1),
        TEXT.replace("[Peer]", "ListenPort = 51821\n[Peer]"),
        TEXT.replace(SHARED, ALICE),
        TEXT.replace("10.13.13.2", "10.13.13.3"),
        TEXT.replace("25", "26"),
        TEXT[: TEXT.index("[Peer]")],
    ],
    ids=["key", "port", "preshared_key", "addresses", "keepalive", "peer_gone"],
)
def test_a_device_that_is_set_otherwise_does_not(other: str) -> None:
    assert not agrees(read_dump(ANSWER), conf(other))


def test_where_a_peer_comes_from_is_not_compared() -> None:
    assert agrees(read_dump(ANSWER), conf(TEXT.replace("192.0.2.1:7", "192.0.2.2:7")))


def test_a_private_key_is_compared_as_wireguard_keeps_it() -> None:
    raw = bytearray(base64.b64decode(PRIVATE))
    raw[0] |= 7
    same = base64.b64encode(raw).decode()

    assert agrees(read_dump(ANSWER), conf(TEXT.replace(PRIVATE, same, 1)))


def test_wg_is_told_everything_of_the_file_that_is_its_own() -> None:
    assert setconf(conf()) == (
        f"[Interface]\nPrivateKey = {PRIVATE}\nListenPort = 51820\n"
        f"[Peer]\nPublicKey = {ALICE}\nPresharedKey = {SHARED}\n"
        "AllowedIPs = 10.13.13.2/32, fd00::2/128\nEndpoint = 192.0.2.1:7\n"
        "PersistentKeepalive = 25\n"
    )
