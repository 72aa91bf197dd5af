"""The kernel: what it can do, what it was told not to load, whether it forwards."""

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from agents.exit import kernel_support
from agents.exit.model import Cause
from cli.doctor.finding import Finding, State, in_doubt, ok, unknown, wrong

TUN: Final = Path("/dev/net/tun")
FORWARD: Final = Path("/proc/sys/net/ipv4/ip_forward")
LOADED: Final = Path("/sys/module")
CONTAINED: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))

# In the order of modprobe.d(5).
MODPROBE: Final = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
MODULES: Final = (
    *("ppp_generic", "ppp_async", "pppox", "l2tp_core", "l2tp_netlink", "l2tp_ppp"),
    *("esp4", "xfrm_user", "tun", "wireguard"),
)
# How each part is had: modules, and the device where there is one.
_TO_HAVE: Final = {
    "ppp": "modprobe ppp_generic; in a container: devices: [/dev/ppp]",
    "l2tp": "modprobe l2tp_ppp (Debian, Ubuntu: linux-modules-extra-$(uname -r))",
    "esp": "modprobe esp4 xfrm_user",
}
_BLACKLIST: Final = re.compile(r"\s*blacklist\s+(\S+)\s*")
_INSTALL: Final = re.compile(r"\s*install\s+(\S+)\s+\S*/(?:true|false)\b.*")


def checks() -> Iterator[Finding]:
    """All of them; modules may be loaded by it, as the agents would.

    A container has the devices and the forwarding that it was given, which says nothing
    about the others'.
    """
    contained = is_contained()
    tun = _opening(TUN)
    loaded = {name for name in MODULES if (LOADED / name).exists()}
    forwarding = of_forwarding(_forwarding(), os.access(FORWARD, os.W_OK))
    for finding, is_of_container in (
        (of_cause("ppp", kernel_support.lacks_ppp()), contained),
        (of_cause("l2tp", kernel_support.lacks_l2tp()), False),
        (of_cause("esp", kernel_support.lacks_esp()), False),
        (of_tun(tun), contained),
        (of_wireguard((LOADED / "wireguard").exists(), tun), False),
        (of_blacklists(forbidden(_modprobe()), loaded), contained),
        (forwarding, contained),
    ):
        yield no_witness(finding) if is_of_container else finding


# --- judgement ------------------------------------------------------------------------


def no_witness(finding: Finding) -> Finding:
    """What this container lacks others may have; what it has, the kernel has."""
    return finding if finding.state is State.OK else in_doubt(finding)


def of_cause(check: str, cause: Cause | None) -> Finding:
    """What an exit's own trial says."""
    if cause is None:
        return ok(check, "the kernel can do it")
    what = cause.text.removeprefix("kernel: ")
    if "not permitted" in what:
        return unknown(check, what, "run this as root")
    return wrong(check, what, _TO_HAVE[check])


def of_tun(error: int) -> Finding:
    """`error`: errno of opening the device, 0 for none."""
    if error == 0:
        return ok("tun", f"{TUN} opens")
    if error in (errno.EACCES, errno.EPERM):
        return unknown("tun", f"{TUN} is not permitted", "run this as root")
    todo = "modprobe tun; in a container: devices: [/dev/net/tun]"
    return wrong("tun", f"{TUN}: {os.strerror(error).lower()}", todo)


def of_wireguard(in_kernel: bool, tun: int) -> Finding:
    """Either the kernel's or, over a tun device, wireguard-go's."""
    if in_kernel:
        return ok("wireguard", "the kernel's is loaded")
    if tun == 0:
        return ok("wireguard", "the kernel's, if it loads, else wireguard-go over tun")
    return unknown("wireguard", "neither loaded, nor a tun device to be seen")


def forbidden(texts: Iterable[str]) -> Mapping[str, str]:
    """Modules that files of modprobe.d keep from loading, and by which word.

    Source: modprobe.d(5).
    """
    found: dict[str, str] = {}
    for text in texts:
        for line in text.replace("\\\n", " ").splitlines():
            for word, pattern in (("blacklist", _BLACKLIST), ("install", _INSTALL)):
                match = pattern.fullmatch(line.partition("#")[0])
                if match:
                    found[match[1].replace("-", "_")] = word
    return found


def of_blacklists(words: Mapping[str, str], loaded: Iterable[str]) -> Finding:
    """`words`: see `forbidden`. What is loaded already does not mind."""
    kept = [name for name in MODULES if name in words and name not in set(loaded)]
    if not kept:
        return ok("module blacklists", "none of ours is kept from loading")
    what = ", ".join(f"{words[name]} {name}" for name in kept)
    todo = "remove these lines below /etc/modprobe.d, or modprobe them at boot"
    return wrong("module blacklists", what, todo)


def of_forwarding(value: str | None, writable: bool) -> Finding:
    """`value`: of net.ipv4.ip_forward; None: it cannot be read."""
    if value is None:
        return unknown("forwarding", f"{FORWARD} cannot be read")
    if value == "1":
        return ok("forwarding", "is on")
    if writable:
        return ok("forwarding", "is off; the agents turn it on")
    todo = "sysctl net.ipv4.ip_forward=1; in a container: sysctls"
    return wrong("forwarding", "is off, and cannot be turned on from here", todo)


# --- probing --------------------------------------------------------------------------


def is_contained() -> bool:
    """Whether this runs in a container."""
    return any(mark.exists() for mark in CONTAINED)


def _opening(path: Path) -> int:
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _modprobe() -> Sequence[str]:
    texts, seen = [], set()
    for root in MODPROBE:
        for path in sorted(Path(root, "modprobe.d").glob("*.conf")):
            if path.name not in seen:  # the first of a name wins
                seen.add(path.name)
                try:
                    texts.append(path.read_text(errors="replace"))
                except OSError:
                    continue  # removed in this instant, or not for us
    return texts


def _forwarding() -> str | None:
    try:
        return FORWARD.read_text().strip()
    except OSError:
        return None
