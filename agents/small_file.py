"""Small text files that people wrote: settings, secrets. Regular files only.

The one rule: opening never waits and does nothing else. A pipe that nobody writes into
would hang an agent at its start, and a device may act on being opened.
"""

import os
import stat
from pathlib import Path
from typing import Final

from agents.settings_model import SettingsError

LIMIT_BYTES: Final = 1_000_000
# Should it become a pipe between looking and opening.
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def read_text(path: Path, key: str) -> str:
    """The file's text; symbolic links, as of mounted secrets, are followed.

    Raises:
        SettingsError: It cannot be read, is no regular file, too large, or no UTF-8;
            `key` says what it is for.
    """
    raw = _read(path, key)
    if len(raw) > LIMIT_BYTES:
        raise SettingsError(str(path), key, "a huge file", "a small one")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        wanted = "UTF-8 text"  # not chained: the error would hold the bytes
        raise SettingsError(str(path), key, "other bytes", wanted) from None


def _read(path: Path, key: str) -> bytes:
    """What is in the file, up to one byte more than the limit."""
    try:
        _check_kind(path, os.stat(path).st_mode, key)  # noqa: PTH116 - as fstat below
        with open(os.open(path, _FLAGS), "rb") as file:  # noqa: PTH123 - by number
            _check_kind(path, os.fstat(file.fileno()).st_mode, key)
            return file.read(LIMIT_BYTES + 1)
    except OSError as error:
        got = (error.strerror or type(error).__name__).lower()
        raise SettingsError(str(path), key, got, "a readable file") from error
    except ValueError as error:  # a null byte in the path
        raise SettingsError(str(path), key, "no path", "a path") from error


def _check_kind(path: Path, mode: int, key: str) -> None:
    if not stat.S_ISREG(mode):
        kind = "is a directory" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise SettingsError(str(path), key, kind, "a readable file")
