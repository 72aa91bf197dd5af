"""Which kernel a guest gets: one built for the lab if there is one, else Debian's.

Where the processor has AMX, neither runs without the library of `lab/registers.c`,
which `lab/setup.sh` has made.
"""

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
REGISTERS: Final = PROJECT / "lab/registers.c"
PROCESSOR: Final = Path("/proc/cpuinfo")
WIDE: Final = "amx_tile"  # the flag of those with more registers than the kernels know


@dataclass(frozen=True, slots=True)
class Kernel:
    """A User-mode Linux kernel.

    Attributes:
        modules: Folder with one folder of modules a release; None: all is built in.
        about: For a person.
        preload: A library that it needs on this processor; None: none.
    """

    path: Path
    modules: Path | None
    about: str
    preload: Path | None = None


def cache() -> Path:
    """Where what was built or fetched once is kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "vpnchain"


def options_digest() -> str:
    """Stands for the options of today: a kernel built with others is not ours."""
    return _digest(OPTIONS)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


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
    about = "Debian's User-mode Linux"
    return Kernel(STOCK_KERNEL, STOCK_MODULES, about, preload())


def _own(path: Path) -> Kernel:
    if not os.access(path, os.X_OK):
        raise LabError(f"booting a guest: {path}: no such kernel")
    return Kernel(path, None, f"User-mode Linux {path.name}", preload())


def preload(processor: Path = PROCESSOR) -> Path | None:
    """The library that a kernel needs on this processor; None: it needs none.

    `processor`: the file that tells of it, as proc(5) has it.

    Raises:
        LabError: It is not there.
    """
    if WIDE not in processor.read_text().split():
        return None
    library = cache() / f"registers-{_digest(REGISTERS)}.so"
    if not library.exists():
        raise LabError(f"booting a guest: with AMX it needs {library}: make setup")
    return library
