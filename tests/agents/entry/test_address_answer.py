"""What services answer that are asked for one's address."""

import contextlib
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.entry.address_answer import AddressError, address_in

TRACE = b"fl=1f1\nh=1.1.1.1\nip=192.0.2.1\nts=1.0\nvisit_scheme=https\n"


@pytest.mark.parametrize(
    "body",
    [
        b"192.0.2.1",
        b"192.0.2.1\n",
        b" 192.0.2.1\r\n",
        TRACE,
        TRACE.replace(b"\n", b"\r\n"),
        b'{"ip": "192.0.2.1"}',
        b'{"country": "NL", "ip": "192.0.2.1"}\n',
    ],
)
def test_an_address_is_found_in_what_is_common(body: bytes) -> None:
    assert address_in(body) == IPv4Address("192.0.2.1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"2001:db8::1",
        b"192.0.2.1 192.0.2.2",
        b"192.0.2.256",
        b"<html>192.0.2.1</html>",
        b"sip=192.0.2.1",
        b"ip=2001:db8::1\n",
        b'{"ip": 3221225985}',
        b'{"ip": null}',
        b'["192.0.2.1"]',
        b'{"ip": "192.0.2.1"',
        b"[" * 4096,
        b"\xff\xfe",
    ],
)
def test_nothing_else_is_taken_for_one(body: bytes) -> None:
    with pytest.raises(AddressError):
        address_in(body)


@given(st.binary(max_size=200))
def test_no_answer_does_harm(body: bytes) -> None:
    with contextlib.suppress(AddressError):
        address_in(body)
