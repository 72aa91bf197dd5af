"""Files of a backup onto the disk: all of them as they were, or nothing changed."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from agents import files
from cli.archive import MODES, Packed

BEFORE: Final = ".before-restore"
STAGING: Final = ".restore-"


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose a file is, and what they and others may."""

    mode: int
    owner: int
    group: int


class _Step(Protocol):
    """One file made as it was; all of it can be taken back."""

    def do(self) -> None:
        """Does it, or raises OSError and has done nothing."""

    def undo(self) -> None:
        """All is as it was before."""


@dataclass(frozen=True, slots=True)
class _Swap:
    """A file that takes the place of another; `aside`: where that one goes."""

    new: Path
    place: Path
    aside: Path

    def do(self) -> None:
        """Old aside, new in place; the old is never missing from both names."""
        if os.path.lexists(self.place):
            if self.place.is_dir() and not self.place.is_symlink():
                raise IsADirectoryError(21, "is a folder", str(self.place))
            os.link(self.place, self.aside, follow_symlinks=False)
        try:
            self.new.rename(self.place)
        except OSError:
            self.aside.unlink(missing_ok=True)
            raise

    def undo(self) -> None:
        """The old one is back."""
        if os.path.lexists(self.aside):
            self.aside.rename(self.place)
        else:
            self.place.unlink()


@dataclass(frozen=True, slots=True)
class _Rights:
    """A file whose content is right; nothing of it stays aside, with the old rights."""

    place: Path
    new: Owned
    old: Owned

    def do(self) -> None:
        """Owner and rights are those of the backup."""
        try:
            _own(self.place, self.new)
        except OSError:
            self.undo()
            raise

    def undo(self) -> None:
        """They are the old ones."""
        _own(self.place, self.old)


def restored(folder: Path, contents: Sequence[Packed]) -> list[str]:
    """Puts the files in place, those that are there aside; which ones were other.

    Raises:
        OSError: It could not be done; all is as it was.
    """
    other = [one for one in contents if not _has_data(folder / one.name, one)]
    same = [one for one in contents if one not in other]
    rights = list(_other_rights(folder, same))
    with _staged(folder, other) as swaps:
        steps: list[_Step] = [*swaps, *rights]
        done: list[_Step] = []
        try:
            for step in steps:
                step.do()
                done.append(step)
        except OSError:
            for step in reversed(done):
                step.undo()
            raise
    changed = {one.place for one in rights} | {one.place for one in swaps}
    return [one.name for one in contents if folder / one.name in changed]


def _has_data(path: Path, one: Packed) -> bool:
    try:
        return not path.is_symlink() and path.read_bytes() == one.data
    except OSError:
        return False


def _other_rights(folder: Path, contents: Sequence[Packed]) -> Iterator[_Rights]:
    """Of these files those that belong to others, or are open to others, than they did.

    Only root can give a file away: to anybody else it is right as his own.
    """
    for one in contents:
        place = folder / one.name
        about = place.stat()
        old = Owned(about.st_mode & MODES, about.st_uid, about.st_gid)
        new = Owned(one.mode, one.owner, one.group)
        if os.geteuid() != 0:
            new = replace(old, mode=one.mode)
        if new != old:
            yield _Rights(place, new, old)


def _own(path: Path, rights: Owned) -> None:
    """Sets them; the owner first, as a change of that may take rights away."""
    if os.geteuid() == 0:
        os.chown(path, rights.owner, rights.group)
    path.chmod(rights.mode)


@contextmanager
def _staged(folder: Path, contents: Sequence[Packed]) -> Iterator[list[_Swap]]:
    """The files, complete, on the disk beside where they belong; gone at the end."""
    mark = f"{STAGING}{secrets.token_hex(6)}"
    swaps: list[_Swap] = []
    try:
        for one in contents:
            place = folder / one.name
            private = one.name.startswith("secrets/")
            mode = 0o700 if private else 0o755
            place.parent.mkdir(mode=mode, parents=True, exist_ok=True)
            new = place.with_name(f"{mark}-{place.name}")
            swaps.append(_Swap(new, place, _aside(place)))
            files.create(new, one.data, one.mode)
            if os.geteuid() == 0:
                os.chown(new, one.owner, one.group)
        yield swaps
    finally:
        for swap in swaps:
            swap.new.unlink(missing_ok=True)


def _aside(place: Path) -> Path:
    """The first name that is free for what was there before."""
    number, aside = 1, place.with_name(f"{place.name}{BEFORE}")
    while os.path.lexists(aside):
        number += 1
        aside = place.with_name(f"{place.name}{BEFORE}-{number}")
    return aside
