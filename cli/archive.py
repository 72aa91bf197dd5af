"""Files of a chain in one piece: a tar with a manifest, every file with its SHA-256.

Nothing is unpacked to the disk here: what is read is judged in memory first.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
TOPS: Final = ("config", "secrets")
LIMIT_BYTES: Final = 64_000_000  # unpacked; a chain's files are some kilobytes
MODES: Final = 0o777


class ArchiveError(Exception):
    """It is no archive of ours, or not as it was made."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A file; `name` is its path with slashes, below the chain's folder."""

    name: str
    data: bytes
    mode: int
    owner: int
    group: int


def packed(files: Sequence[Packed], version: str, made_at: float) -> bytes:
    """The archive; `version`: of the program, `made_at`: Unix seconds."""
    listed = {
        one.name: {
            "sha256": hashlib.sha256(one.data).hexdigest(),
            "size": len(one.data),
            "mode": one.mode,
            "owner": one.owner,
            "group": one.group,
        }
        for one in files
    }
    about = {"format": FORMAT, "version": version, "made_at": made_at, "files": listed}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        _put(archive, MANIFEST, json.dumps(about, indent=1).encode(), 0o600)
        for one in files:
            _put(archive, one.name, one.data, one.mode)
    return out.getvalue()


def unpacked(archive: bytes) -> tuple[Packed, ...]:
    """The files, each as the manifest says.

    Raises:
        ArchiveError: Anything is not as `packed` makes it.
    """
    members = _members(archive)
    try:
        about = json.loads(members.pop(MANIFEST))
        listed: Mapping[str, Any] = about["files"]
        if about["format"] != FORMAT:
            raise ArchiveError(f"reading the archive: format {about['format']}")
        if set(listed) != set(members):
            raise ArchiveError("reading the archive: its list and its files differ")
        return tuple(_checked(name, members[name], listed[name]) for name in listed)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ArchiveError("reading the archive: its list is damaged") from error


def _put(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    archive.addfile(info, io.BytesIO(data))


def _members(archive: bytes) -> dict[str, bytes]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(archive)) as stream:
            plain = stream.read(LIMIT_BYTES + 1)
        if len(plain) > LIMIT_BYTES:
            raise ArchiveError("reading the archive: it is too large")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
            return _contents(tar)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        raise ArchiveError("reading the archive: it is damaged") from error


def _contents(tar: tarfile.TarFile) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    for info in tar:
        if not info.isreg() or info.issparse():
            raise ArchiveError(f"reading the archive: {info.name!r} is no plain file")
        if info.name in members:
            raise ArchiveError(f"reading the archive: {info.name!r} is there twice")
        if info.name != MANIFEST and not _is_inside(info.name):
            raise ArchiveError(f"reading the archive: {info.name!r} leads elsewhere")
        file = tar.extractfile(info)
        members[info.name] = file.read() if file else b""
    return members


def _is_inside(name: str) -> bool:
    """Whether the name is of a file below one of the folders, in its plain form."""
    path = PurePosixPath(name)
    inside = len(path.parts) > 1 and path.parts[0] in TOPS and ".." not in path.parts
    return inside and path.as_posix() == name and name.isprintable()


def _checked(name: str, data: bytes, said: Mapping[str, Any]) -> Packed:
    same = hashlib.sha256(data).hexdigest() == said["sha256"]
    if not same or said["size"] != len(data):
        raise ArchiveError(f"reading the archive: {name!r} is not as it was packed")
    numbers = [said["mode"], said["owner"], said["group"]]
    if not all(type(one) is int and 0 <= one < 2**31 for one in numbers):
        raise ArchiveError(f"reading the archive: {name!r} has no sane owner")
    return Packed(name, data, numbers[0] & MODES, *numbers[1:])
