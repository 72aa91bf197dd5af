"""The envelope of a backup: whole or refused, and secret if a passphrase is given.

    vpnchain-backup 1 LF  header as JSON LF  body

Without a passphrase the body is a SHA-256 and the content; with one it is a nonce and
the content under AES-256-GCM, the key by scrypt; the lines before it are authenticated.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bus.secret import Secret

MAGIC: Final = b"vpnchain-backup 1\n"
HEADER_LIMIT_BYTES: Final = 1000
KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
DIGEST_BYTES: Final = 32

COST: Final = 2**16  # 64 MB and 0.2 s: more would not fit where there is little memory
COST_MOST: Final = 2**18  # what a header may make us spend
BLOCK: Final = 8
LANES: Final = 1


class SealError(Exception):
    """It is no envelope of ours, is damaged, or the passphrase is another."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """How the key comes from the passphrase. Source: RFC 7914."""

    salt: str
    cost: int = COST
    block: int = BLOCK
    lanes: int = LANES

    def key(self, passphrase: Secret) -> bytes:
        salt = bytes.fromhex(self.salt)
        kdf = Scrypt(salt, KEY_BYTES, n=self.cost, r=self.block, p=self.lanes)
        return kdf.derive(passphrase.reveal().encode())


def sealed(content: bytes, passphrase: Secret | None) -> bytes:
    """The content in an envelope; None: everybody can read it."""
    if passphrase is None:
        head = _head(None)
        return head + hashlib.sha256(content).digest() + content
    stretch = _Stretch(secrets.token_hex(SALT_BYTES))
    head, nonce = _head(stretch), secrets.token_bytes(NONCE_BYTES)
    cipher = AESGCM(stretch.key(passphrase))
    return head + nonce + cipher.encrypt(nonce, content, head)


def is_secret(envelope: bytes) -> bool:
    """Whether it takes a passphrase to open it.

    Raises:
        SealError: It is no envelope of ours.
    """
    return _opened(envelope)[0] is not None


def unsealed(envelope: bytes, passphrase: Secret | None) -> bytes:
    """The content, exactly as it was sealed.

    Raises:
        SealError: See there.
    """
    stretch, head, body = _opened(envelope)
    if stretch is None:
        content = body[DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != body[:DIGEST_BYTES]:
            raise SealError("reading the backup: it is damaged")
        return content
    if passphrase is None:
        raise SealError("reading the backup: it needs a passphrase")
    nonce, rest = body[:NONCE_BYTES], body[NONCE_BYTES:]
    try:
        return AESGCM(stretch.key(passphrase)).decrypt(nonce, rest, head)
    except (InvalidTag, ValueError) as error:
        why = "another passphrase, or it is damaged"
        raise SealError(f"reading the backup: {why}") from error


def _head(stretch: _Stretch | None) -> bytes:
    header = {"scrypt": asdict(stretch) if stretch else None}
    return MAGIC + json.dumps(header).encode() + b"\n"


def _opened(envelope: bytes) -> tuple[_Stretch | None, bytes, bytes]:
    """How the key is made, None for no key; the lines before the body; the body."""
    if not envelope.startswith(MAGIC):
        raise SealError("reading the backup: it is none of vpnchain's")
    end = envelope.find(b"\n", len(MAGIC), len(MAGIC) + HEADER_LIMIT_BYTES)
    head, body = envelope[: end + 1], envelope[end + 1 :]
    try:
        said: dict[str, Any] | None = json.loads(head[len(MAGIC) :])["scrypt"]
        stretch = None if said is None else _Stretch(**said)
        fits = stretch is None or _affordable(stretch)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SealError("reading the backup: it is damaged") from error
    if end < 0 or not fits:
        raise SealError("reading the backup: it is damaged")
    return stretch, head, body


def _affordable(stretch: _Stretch) -> bool:
    """Whether the key can be made without more than a backup of ours takes."""
    powers = {2**power for power in range(14, COST_MOST.bit_length())}
    same = (stretch.block, stretch.lanes) == (BLOCK, LANES)
    return stretch.cost in powers and same and bool(bytes.fromhex(stretch.salt))
