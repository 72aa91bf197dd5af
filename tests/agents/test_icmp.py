"""Echo requests: what goes onto the wire, and how long it took."""

from agents.icmp import Echo, checksum, round_trip_s


def test_the_checksum_of_a_message_with_its_checksum_is_zero() -> None:
    header = bytes.fromhex("08000000123400015678")
    total = checksum(header)

    assert checksum(header[:2] + total.to_bytes(2) + header[4:]) == 0


def test_a_request_has_a_right_checksum_and_its_sender_s_marks() -> None:
    raw = Echo(id=7, token=b"12345678").request(0x10002)

    assert checksum(raw) == 0
    assert raw[4:8] == bytes.fromhex("00070002")
    assert raw[8:] == b"12345678" + bytes.fromhex("00010002")


def test_a_clock_that_was_set_meanwhile_is_not_believed() -> None:
    assert round_trip_s(1_000_000_000, 1_002_000_000, 0.5) == 0.002
    assert round_trip_s(1_000_000_000, 999_000_000, 0.5) == 0.5
    assert round_trip_s(1_000_000_000, 9_000_000_000, 0.5) == 0.5
