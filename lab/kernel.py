"""Which kernel a guest gets: one built for the lab if there is one, else Debian's."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.process import PROJECT
from lab.talk import LabError

SETTING: Final = "VPNCHAIN_LAB_KERNEL"  # a path, or "stock"
STOCK: Final = "stock"
STOCK_KERNEL: Final = Path("/usr/bin/linux.uml")
OPTIONS: Final = PROJECT / "lab/kernel.config"
STOCK_MODULES: Final = Path("/usr/lib/uml/modules")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A User-mode Linux kernel.

    Attributes:
        modules: Folder with one folder of modules a release; None: all is built in.
        about: For a person.
    """

    path: Path
    modules: Path | None
    about: str


def cache() -> Path:
    """Where what was built or fetched once is kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "vpnchain"


def options_digest() -> str:
    """Stands for the options of today: a kernel built with others is not ours."""
    return hashlib.sha256(OPTIONS.read_bytes()).hexdigest()[:8]


def built() -> Path | None:
    """The kernel that `make lab-kernel` built with the options of today, if it did."""
    return max(cache().glob(f"linux-*-{options_digest()}"), default=None)


def choose() -> Kernel:
    """The kernel to boot, as `VPNCHAIN_LAB_KERNEL` says or the best that is there.

    Raises:
        LabError: It is not there.
    """
    wanted = os.environ.get(SETTING, "")
    if wanted and wanted != STOCK:
        return _own(Path(wanted))
    own = built()
    if own is not None and not wanted:
        return _own(own)
    if not STOCK_KERNEL.exists():
        raise LabError("booting a guest: user-mode-linux is not installed: make setup")
    return Kernel(STOCK_KERNEL, STOCK_MODULES, "Debian's User-mode Linux")


def _own(path: Path) -> Kernel:
    if not os.access(path, os.X_OK):
        raise LabError(f"booting a guest: {path}: no such kernel")
    return Kernel(path, None, f"User-mode Linux {path.name}")
