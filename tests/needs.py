"""What a test needs of the machine, and what happens where that is missing."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NoReturn

import pytest

CHARON: Final = ("/usr/lib/ipsec/charon", "/usr/libexec/ipsec/charon")
ROOT: Final = Path(__file__).parents[1]
CACHE: Final = Path(
    os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "vpnchain"
)
COMPOSE: Final = CACHE / "compose" / "docker-compose"
HASS: Final = CACHE / "home" / "home-assistant" / "bin" / "python"
NODE_RED: Final = CACHE / "home" / "node_modules" / "node-red" / "red.js"
SYSTEM_FOLDERS: Final = "/usr/sbin:/sbin:/usr/local/sbin"


def need(reason: str) -> NoReturn:
    """Skips the running test with this reason; in CI a skip would hide, so it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI nothing is skipped: {reason}")
    pytest.skip(reason)


def tool(name: str) -> str | None:
    """Where a program is, also if the user's PATH lacks the system's folders."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}")


def _tools(*names: str) -> str:
    missing = [name for name in names if tool(name) is None]
    return f"needs {', '.join(missing)}" if missing else ""


def _broker() -> str:
    return _tools("mosquitto")


@cache
def _kernel() -> str:
    """Tried, not guessed: a root without CAP_NET_ADMIN is common in containers."""
    if os.geteuid() != 0:
        return "needs root"
    if missing := _tools("ip", "unshare"):
        return missing
    trial = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    done = subprocess.run(trial, check=False, capture_output=True, timeout=10)
    return "needs CAP_NET_ADMIN and network namespaces" if done.returncode else ""


def _daemon() -> str:
    if os.geteuid() != 0:
        return "needs root"
    if not any(Path(path).exists() for path in CHARON):
        return "needs charon"
    return _tools("xl2tpd", "pppd", "wg", "wireguard-go")


def _browser() -> str:
    return _tools("chromium", "mosquitto")


def _home() -> str:
    if not HASS.exists() or not NODE_RED.exists():
        return "needs Home Assistant and Node-RED: lab/setup.sh home brings them"
    return _tools("mosquitto")


def _container() -> str:
    if os.geteuid() != 0:
        return "needs root"
    if not COMPOSE.exists():
        return f"needs {COMPOSE}: lab/setup.sh brings it"
    tools = _tools("dockerd", "docker", "containerd", "runc", "debootstrap", "haproxy")
    return tools or _kernel()


# Marker: what is missing, empty if nothing is. What `chain` needs the lab knows itself.
MISSING: Final[Mapping[str, Callable[[], str]]] = {
    "broker": _broker,
    "browser": _browser,
    "kernel": _kernel,
    "container": _container,
    "promtool": lambda: _tools("promtool"),
    "daemon": _daemon,
    "home": _home,
}
