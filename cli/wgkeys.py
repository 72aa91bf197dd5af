"""WireGuard's keys, made as `wg genkey`, `wg pubkey` and `wg genpsk` make them."""

import base64
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bus.secret import Secret


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the public one that belongs to it."""

    private: Secret
    public: str


def new_pair() -> KeyPair:
    """A new pair.

    Source: curve25519_clamp_secret of WireGuard; wg(8) prints keys in this form.
    """
    raw = bytearray(secrets.token_bytes(32))
    raw[0] &= 248
    raw[31] = (raw[31] & 127) | 64
    private = Secret(base64.b64encode(raw).decode())
    return KeyPair(private, public_of(private))


def public_of(private: Secret) -> str:
    """The public key of a private one, which is 32 bytes in base64."""
    raw = base64.b64decode(private.reveal(), validate=True)
    key = X25519PrivateKey.from_private_bytes(raw).public_key()
    return base64.b64encode(key.public_bytes_raw()).decode()


def new_shared() -> Secret:
    """A key that a peer and the entry share besides their pairs."""
    return Secret(base64.b64encode(secrets.token_bytes(32)).decode())
