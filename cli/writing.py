"""Files of a chain onto the disk: all of them, or none."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents import files
from cli import chainfiles
from cli.chainfiles import Made

FOLDERS: Final = (
    (Path("config"), 0o755),
    (chainfiles.BROKER, 0o755),
    (chainfiles.SECRETS, 0o700),
    (chainfiles.BACKUP, 0o700),
)


def written(folder: Path, made: Sequence[Made], renewed: Sequence[Made]) -> list[Path]:
    """Creates what is not there yet, and replaces what is to be; what it wrote.

    Raises:
        OSError: Something cannot be written; what was created is gone again.
    """
    for name, mode in FOLDERS:
        (folder / name).mkdir(mode=mode, parents=True, exist_ok=True)
    created: list[Path] = []
    try:
        for one in made:
            if one.data and not (folder / one.path).exists():
                files.create(folder / one.path, one.data, one.mode)
                created.append(one.path)
                _give(folder / one.path, one.owner)
    except OSError:
        for path in created:
            (folder / path).unlink()
        raise
    for one in renewed:
        files.replace(folder / one.path, one.data)
        created.append(one.path)
    return created


def _give(path: Path, owner: int) -> None:
    """The file belongs to whoever reads it in a container; only root can do that."""
    if os.geteuid() == 0:
        os.chown(path, owner, owner)
