"""Whatever daemons say, over sockets or in logs, raises nothing but their errors."""

import asyncio
import struct
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vici.protocol import Message, Packet

from agents.exit.ikecause import Attempt
from agents.exit.ikectl import Ikectl, IkectlError
from agents.exit.ipsec import Associations, IpsecTunnel
from agents.exit.l2tp import Call
from agents.exit.presets import PRESETS
from agents.process import cut, printable
from bus.secret import Secret
from bus.topics import USUAL_BYTES

EVENT = bytes((Packet.EVENT,)) + b"\x07ike-upd"
TUNNEL = IpsecTunnel(
    local="172.20.0.10",
    server="192.0.2.1",
    psk=Secret("the-psk"),
    proposals=PRESETS["modern"],
    remote_id="%any",
    pfs=False,
)
TEXT = st.text(max_size=40)
SECTION = st.recursive(
    TEXT | st.lists(TEXT, max_size=3),
    lambda inner: st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def packed(message: Mapping[str, object]) -> bytes:
    return cast("bytes", Message.serialize(message))


async def received(raw: bytes, length: int | None = None) -> object:
    """What the socket's reader makes of one packet; the error if it makes none."""
    reader = asyncio.StreamReader()
    reader.feed_data(struct.pack("!I", len(raw) if length is None else length) + raw)
    reader.feed_eof()
    link = Ikectl(reader, cast("asyncio.StreamWriter", None))
    try:
        return await link._receive()
    except IkectlError as error:
        return error


@settings(max_examples=300)
@given(st.binary(max_size=60))
@example(b"")
@example(EVENT)
@example(EVENT + b"\x01")
@example(EVENT + b"\x03\x01a\xff\xff")
@example(EVENT + b"\x04\x01a\x05\x00\x00")
@example(EVENT + b"\x02")
@example(EVENT + b"\x05\x00\x00")
@example(EVENT + b"\x03\x02\xc3\x28\x00\x01x")
@example(bytes((Packet.EVENT, 200)) + b"short")
@example(bytes((77,)))
def test_no_packet_does_more_than_make_no_sense(raw: bytes) -> None:
    for said in (raw, bytes((Packet.CMD_RESPONSE,)) + raw, EVENT + raw):
        asyncio.run(received(said))


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(TEXT.filter(lambda one: len(one.encode()) < 256), SECTION))
def test_a_packet_that_is_cut_off_anywhere_makes_no_sense(
    message: dict[str, Any],
) -> None:
    whole = EVENT + packed(message) if _fits(message) else EVENT
    for end in range(len(whole)):
        asyncio.run(received(whole[:end]))
        assert isinstance(asyncio.run(received(whole[:end], len(whole))), IkectlError)


def _fits(message: object) -> bool:
    try:
        packed(cast("dict[str, object]", message))
    except (struct.error, UnicodeEncodeError):
        return False
    return True


def test_a_packet_of_sections_within_sections_makes_no_sense() -> None:
    raw = EVENT + b"\x01\x01a" * 50_000
    assert isinstance(asyncio.run(received(raw)), IkectlError)


@pytest.mark.parametrize("length", [512 * 1024 + 1, 2**32 - 1])
def test_a_huge_packet_is_not_waited_for(length: int) -> None:
    error = asyncio.run(received(b"x", length))
    assert "at once" in str(error)


@given(st.lists(st.tuples(st.sampled_from(["ike-updown", "child-updown"]), SECTION)))
def test_no_event_of_charon_raises(events: list[tuple[str, Any]]) -> None:
    known = Associations()
    for name, message in events:
        for wrapped in (message, {"provider": message, "up": "yes"}):
            if isinstance(wrapped, dict):
                list(known.fold(name, wrapped))


LINES = st.one_of(
    st.binary(max_size=80).map(printable),
    st.just("IDir '" + "x" * 60_000 + "' does not match to 'y'"),
    st.sampled_from(
        [
            "received NO_PROPOSAL_CHOSEN error notify",
            "IDir '' does not match to ''",
            "xl2tpd[1]: Connection closed to 1.2.3.4, serial 9 ((((",
            "xl2tpd[1]: pppd exited for call 1 with code " + "9" * 5_000,
            "xl2tpd[1]: " * 50,
            "MS-CHAP authentication failed: E=691 " + "x" * 60_000,
            "primary   DNS address " + "not-an-address",
            "LCP terminated by peer (" + "(" * 10_000,
        ]
    ),
)


@settings(deadline=1_000)
@given(st.lists(LINES, max_size=6))
def test_no_line_of_a_daemon_raises_or_takes_long(lines: list[str]) -> None:
    attempt, call = Attempt(TUNNEL), Call()
    for line in lines:
        attempt.note(line)  # of any length, by the socket
        for piece in cut(line.encode()):
            call.take(printable(piece))
    cause = call.cause.text if call.cause else ""
    assert len(cause) < USUAL_BYTES // 2  # it is told on the bus
    assert len(str(attempt.verdict())) < USUAL_BYTES // 2
    assert "the-psk" not in str(attempt.verdict())
