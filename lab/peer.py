"""A client as a container: `python -m lab.peer FILE` brings WireGuard up, and stays.

FILE is what `vpnchain peer add` wrote. All that this container sends goes into the
tunnel, as it has no other way out.
"""

import argparse
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

DEVICE: Final = "wg0"
# What wg-quick knows beyond wg.
QUICK: Final = ("address", "dns", "mtu")


def main() -> int:
    """Brings the device up and waits for the end; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    text = parser.parse_args().file.read_text()
    kernel = ("ip", "link", "add", DEVICE, "type", "wireguard")
    if subprocess.run(kernel, check=False, capture_output=True).returncode != 0:
        _do("wireguard-go", DEVICE)
    _do("wg", "setconf", DEVICE, "/dev/stdin", given=for_wg(text))
    for address in values(text, "address"):
        _do("ip", "address", "add", address, "dev", DEVICE)
    mtu = values(text, "mtu") or ["1400"]
    _do("ip", "link", "set", DEVICE, "mtu", mtu[0], "up")
    _do("ip", "route", "replace", "default", "dev", DEVICE)
    print("the tunnel is set up", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


def for_wg(text: str) -> str:
    """The configuration without what only wg-quick knows."""
    lines = (line for line in text.splitlines() if _key(line) not in QUICK)
    return "\n".join((*lines, ""))


def values(text: str, key: str) -> list[str]:
    """What is set under a key, IPv4 only; commas separate."""
    found = (line.partition("=")[2] for line in text.splitlines() if _key(line) == key)
    parts = (part.strip() for value in found for part in value.split(","))
    return [part for part in parts if ":" not in part]


def _key(line: str) -> str:
    return line.partition("=")[0].strip().lower()


def _do(*argv: str, given: str = "") -> None:
    subprocess.run(argv, input=given, text=True, check=True)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    sys.exit(main())
