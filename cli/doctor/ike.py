"""One question to an IKE server: would it take these proposals? Pure.

It is the first message of IKEv1's main mode, which is what L2TP/IPsec begins with; it
holds no secret, and the server needs to know nobody to answer it. IKEv2 would say less:
many of these servers do not speak it.

Source: RFC 2408 (messages), RFC 2409 (attributes), RFC 3602 (AES), RFC 4868 (SHA-2).
"""

import struct
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

PORT: Final = 500
COOKIE_BYTES: Final = 8

_HEADER: Final = struct.Struct("!8s8sBBBBII")
_GENERIC: Final = struct.Struct("!BxH")  # next payload, length
_VERSION: Final = 0x10
_MAIN_MODE: Final = 2
_SA: Final = 1
_NOTIFY: Final = 11
_TRANSFORM: Final = 3
_KEY_IKE: Final = 1
_NO_PROPOSAL_CHOSEN: Final = 14
_PRE_SHARED_KEY: Final = 1
_LIFE_S: Final = 3600

# Attribute and value, of what strongSwan's words mean.
_CIPHERS: Final = {
    "aes128": ((1, 7), (14, 128)),
    "aes256": ((1, 7), (14, 256)),
    "3des": ((1, 5),),
}
_HASHES: Final = {"sha1": 2, "sha256": 4}
_GROUPS: Final = {"modp1024": 2, "modp2048": 14, "ecp256": 19}


class Answer(StrEnum):
    """What a server says to proposals."""

    TAKEN = "taken"
    REFUSED = "refused"
    OTHER = "other"  # something else, but it is there
    NONE = "none"


def question(cookie: bytes, proposals: Sequence[str]) -> bytes:
    """The message; `proposals` as in `agents.exit.presets`, in order of preference."""
    transforms = b""
    for number, words in enumerate(proposals, start=1):
        body = struct.pack("!BBxx", number, _KEY_IKE) + _attributes(words)
        last = number == len(proposals)
        transforms += _payload(0 if last else _TRANSFORM, body)
    # Number 1, of ISAKMP itself, without an SPI.
    proposal = _payload(0, struct.pack("!BBBB", 1, 1, 0, len(proposals)) + transforms)
    # The domain of IPsec, identity only.
    sa = _payload(0, struct.pack("!II", 1, 1) + proposal)
    length = _HEADER.size + len(sa)
    none = bytes(COOKIE_BYTES)
    header = _HEADER.pack(cookie, none, _SA, _VERSION, _MAIN_MODE, 0, 0, length)
    return header + sa


def answer(cookie: bytes, raw: bytes) -> Answer:
    """What a datagram says to the question with this cookie."""
    if len(raw) < _HEADER.size or raw[:COOKIE_BYTES] != cookie:
        return Answer.NONE
    first = _HEADER.unpack_from(raw)[2]
    if first == _SA:
        return Answer.TAKEN
    # Of a notification: generic header, domain, protocol, size of SPI, kind.
    kind_at = _HEADER.size + _GENERIC.size + 6
    if first == _NOTIFY and len(raw) >= kind_at + 2:
        (kind,) = struct.unpack_from("!H", raw, kind_at)
        return Answer.REFUSED if kind == _NO_PROPOSAL_CHOSEN else Answer.OTHER
    return Answer.OTHER


def _attributes(words: str) -> bytes:
    cipher, hash_, group = words.split("-")
    pairs = (
        *_CIPHERS[cipher],
        (2, _HASHES[hash_]),
        (3, _PRE_SHARED_KEY),
        (4, _GROUPS[group]),
        (11, 1),  # the life in seconds
        (12, _LIFE_S),
    )
    return b"".join(struct.pack("!HH", 0x8000 | kind, value) for kind, value in pairs)


def _payload(follows: int, body: bytes) -> bytes:
    return _GENERIC.pack(follows, _GENERIC.size + len(body)) + body
