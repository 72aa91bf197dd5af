"""Files that are written whole or not at all, and never over what nobody named.

And notes, which are written if there is room.
"""

import fcntl
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
log = logging.getLogger(__name__)


def create(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """The file is there with this content, or was there before.

    Raises:
        FileExistsError: There is something of this name; it is left alone.
        OSError: It cannot be written.
    """
    with _beside(path, data, mode) as new:
        os.link(new, path)  # unlike a rename, this replaces nothing
    _settle(path.parent)


def replace(path: Path, data: bytes) -> None:
    """The file has this content instead, and its owner and rights as before.

    Who reads it at any time reads the old content or the new. A link is followed.

    Raises:
        OSError: It cannot be written; it is as it was.
    """
    path = path.resolve()
    old = path.stat()
    with _beside(path, data, old.st_mode & 0o7777) as new:
        if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(new, old.st_uid, old.st_gid)
        new.rename(path)
    _settle(path.parent)


def note(path: Path, text: str) -> None:
    """What a later life may make use of; a full tmpfs is told of and is no reason."""
    try:
        path.write_text(text)
    except OSError as error:
        log.warning("noting %s: %s", path.name, error.strerror)


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Nobody else who asks changes what is in the folder; waits for its turn.

    Raises:
        BlockingIOError: It is another's turn, and `wait` says not to wait.
    """
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)


@contextmanager
def _beside(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A file of another name in the same folder; gone at the end if it still is one."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(number, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask takes away
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield new
    finally:
        new.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """The names in the folder are on the disk as well."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
