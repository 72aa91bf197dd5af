"""What a lab could leave behind on a machine, seen before and after it."""

import os
import socket
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

# Where something of a lab or of its daemons might stay.
FILES: Final = (
    *("/run/netns/*", "/run/vpnchain*", "/run/wireguard/*", "/tmp/vpnchain*"),  # noqa: S108
    *("/run/charon.*", "/run/xl2tpd*", "/run/ppp*", "/etc/ppp/*"),
)
# Told apart from the machine's other business by what they are called.
DAEMONS: Final = ("charon", "xl2tpd", "pppd", "wireguard-go", "mosquitto", "tcpdump")


@dataclass(frozen=True, slots=True)
class Traces:
    """What there is; two of them differ by what was left.

    Attributes:
        processes: Numbers and names of daemons like the lab's, and our own children.
    """

    interfaces: frozenset[str]
    processes: frozenset[str]
    files: frozenset[str]
    mounts: frozenset[str]

    @classmethod
    def here(cls) -> Self:
        """What there is now."""
        return cls(
            interfaces=frozenset(name for _, name in socket.if_nameindex()),
            processes=frozenset(_processes()),
            files=frozenset(_files()),
            mounts=frozenset(_mounts()),
        )

    def left_since(self, before: Self) -> list[str]:
        """What was not there before."""
        return [
            f"{field.name}: {one}"
            for field in fields(self)
            for one in sorted(getattr(self, field.name) - getattr(before, field.name))
        ]


def _processes() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "comm").read_text().strip()
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue  # it ended meanwhile
            if name in DAEMONS or parent == str(os.getpid()):
                found.append(f"{name} {entry.name}")
    return found


def _files() -> list[str]:
    return [str(path) for form in FILES for path in Path("/").glob(form[1:])]


def _mounts() -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [" ".join(line.split()[:2]) for line in lines]
