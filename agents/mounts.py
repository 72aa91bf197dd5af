"""Where a folder is, or will be: whether it can be made, and on what file system.

Secrets belong into memory.
"""

import os
from pathlib import Path
from typing import Final

from agents.settings_model import SettingsError

IN_MEMORY: Final = ("tmpfs", "ramfs")
UNKNOWN: Final = "an unknown file system"
_MOUNTS: Final = Path("/proc/self/mountinfo")
_DESCRIPTORS: Final = Path("/proc/self/fdinfo")


def check_in_memory(folder: Path, key: str) -> None:
    """Nothing, if what is written in the folder reaches no disk.

    The folder need not be there yet: then the one counts in which it will be made.

    Raises:
        SettingsError: It would; `key` is the setting that names the folder.
    """
    kind = file_system(folder)
    if kind not in IN_MEMORY:
        raise SettingsError(str(folder), key, kind, "a tmpfs")


def check_can_be_made(folder: Path, key: str) -> None:
    """Nothing, if the folder is there and can be written to, or can be made.

    Raises:
        SettingsError: Neither; `key` is the setting that names the folder.
    """
    wanted = "a folder that can be written to"
    for place in (folder.absolute(), *folder.absolute().parents):
        if place.is_dir():
            if not os.access(place, os.W_OK | os.X_OK):
                raise SettingsError(str(folder), key, f"no right at {place}", wanted)
            return
        if os.path.lexists(place):
            got = f"{place}, which is no folder"
            raise SettingsError(str(folder), key, got, wanted)


def file_system(path: Path) -> str:
    """The kind of file system, such as `ext4`, of the path or its nearest parent."""
    for place in (path.absolute(), *path.absolute().parents):
        try:
            number = os.open(place, os.O_PATH)
        except OSError:
            continue
        try:
            about = (_DESCRIPTORS / str(number)).read_text()
        finally:
            os.close(number)
        return kind_of(mount_of(about), _MOUNTS.read_text())
    return UNKNOWN


def mount_of(about: str) -> str:
    """The id of the mount that an open file is on; empty if it is not said.

    Not found by the longest mount point: that one may be hidden under another mount.

    Source:
        proc(5), /proc/PID/fdinfo.
    """
    for line in about.splitlines():
        key, _, value = line.partition(":")
        if key == "mnt_id":
            return value.strip()
    return ""


def kind_of(mount: str, mounts: str) -> str:
    """The file system of the mount of that id; `UNKNOWN` if there is none.

    Source:
        proc(5), /proc/PID/mountinfo: id first, the file system after ` - `.
    """
    for line in mounts.splitlines():
        head, _, tail = line.partition(" - ")
        if mount and head.split(" ")[0] == mount:
            return tail.split(" ")[0]
    return UNKNOWN
