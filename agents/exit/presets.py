"""What an exit may offer to its server, from strong to weak: values only.

Each preset is tried alone and strictly: a server that refuses it says so at once, and
nobody is talked down to something weaker while the stronger would have done. Within a
preset the key exchange is named in the order of preference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Preset:
    """Proposals in strongSwan's words: for the key exchange (IKE), for traffic (ESP).

    Attributes:
        groups: Diffie-Hellman groups for ESP, where forward secrecy is asked for.
    """

    name: str
    ike: tuple[str, ...]
    esp: tuple[str, ...]
    groups: tuple[str, ...]

    def esp_proposals(self, *, pfs: bool) -> tuple[str, ...]:
        """What to offer for ESP, with or without perfect forward secrecy."""
        if not pfs:
            return self.esp
        return tuple(f"{esp}-{group}" for esp in self.esp for group in self.groups)


_MODERN: Final = Preset(
    "modern",
    ike=("aes256-sha256-modp2048", "aes128-sha256-modp2048", "aes256-sha256-ecp256"),
    esp=("aes256-sha256", "aes128-sha256"),
    groups=("modp2048", "ecp256"),
)
# Some servers take SHA-2 for the one part and know only SHA-1 for the other.
_COMPAT: Final = Preset(
    "compat",
    ike=("aes256-sha1-modp2048", "aes128-sha1-modp2048", "aes256-sha256-modp2048"),
    esp=("aes256-sha1", "aes128-sha1"),
    groups=("modp2048",),
)
_LEGACY: Final = Preset(
    "legacy",
    ike=("aes256-sha1-modp1024", "aes128-sha1-modp1024", "aes256-sha256-modp1024"),
    esp=("aes256-sha1", "aes128-sha1"),
    groups=("modp1024",),
)
_ANCIENT: Final = Preset(
    "ancient",
    ike=("3des-sha1-modp1024", "3des-sha1-modp2048"),
    esp=("3des-sha1",),
    groups=("modp1024", "modp2048"),
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {preset.name: preset for preset in (_MODERN, _COMPAT, _LEGACY, _ANCIENT)}
)
