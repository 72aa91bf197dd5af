"""`vpnchain backup` and `restore`: all that a chain cannot be rebuilt without.

The one rule: a backup that is not exactly as it was made changes nothing.
"""

import time
from pathlib import Path
from typing import Any, Final

import click

from agents import files
from agents.settings import read_secret
from agents.settings_model import SettingsError
from bus.link import VERSION
from bus.secret import Secret
from cli.archive import TOPS, ArchiveError, Packed, packed, unpacked
from cli.options import MISUSED, NO, fail, json_option, tell
from cli.restoring import BEFORE, STAGING, restored
from cli.seal import MAGIC, SealError, is_secret, sealed, unsealed

EXAMPLES: Final = (".example", ".example.toml")
LIMIT_BYTES: Final = 70_000_000

folder_option = click.option(
    "--folder", default=".", type=click.Path(path_type=Path, file_okay=False)
)
passphrase_option = click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="A line of text."
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@folder_option
@click.option("--seal", is_flag=True, help="Encrypt it; asks for the passphrase.")
@passphrase_option
@json_option
def backup(file: Path, folder: Path, *, as_json: bool, **how: Any) -> None:
    """Write config/ and secrets/ to FILE, which must be new.

    Without --seal or --passphrase-file whoever reads FILE reads the secrets.
    """
    kept = [_packed(folder, name) for name in names(folder)]
    if not kept:
        fail(f"backing up {folder}: there is nothing in {' and '.join(TOPS)}", NO)
    passphrase = _passphrase(how["passphrase_file"], ask=how["seal"], twice=True)
    envelope = sealed(packed(kept, VERSION, time.time()), passphrase)
    try:
        files.create(file, envelope)
    except OSError as error:
        fail(f"writing {file}: {(error.strerror or '').lower()}", NO)
    if as_json:
        tell({"files": [one.name for one in kept], "sealed": passphrase is not None})
        return
    click.echo(f"{len(kept)} files are in {file}")
    if passphrase is None:
        click.echo("It is not sealed: keep it as you keep the secrets.", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@folder_option
@click.option("--check", is_flag=True, help="Only say whether it is whole.")
@passphrase_option
@json_option
def restore(
    file: Path,
    folder: Path,
    passphrase_file: Path | None,
    *,
    check: bool,
    as_json: bool,
) -> None:
    """Bring config/ and secrets/ back from FILE, a backup that is whole.

    What it replaces stays beside, as NAME.before-restore; what it does not know stays.
    """
    contents = _read(file, passphrase_file)
    try:
        changed = [] if check else restored(folder, contents)
    except OSError as error:
        fail(f"writing {error.filename}: {(error.strerror or '').lower()}", NO)
    listed = [one.name for one in contents]
    if as_json:
        tell({"files": listed, "changed": changed})
        return
    for name in listed:
        click.echo(f"{'back  ' if name in changed else 'same  '} {name}")
    if changed:
        click.echo("\nNext: docker compose up -d --force-recreate")


# --- from the disk --------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    """The files to keep: no examples, no backups, nothing a restore left beside."""
    found = []
    for top in TOPS:
        for path in sorted((folder / top).rglob("*")):
            name = path.relative_to(folder).as_posix()
            left = BEFORE in name or f"/{STAGING}" in name or _is_example(path)
            if path.is_file() and not left and not _is_backup(path):
                found.append(name)
    return found


def _is_example(path: Path) -> bool:
    """Whether it came with the program; `ca.example.org.crt` did not."""
    return path.name.endswith(EXAMPLES)


def _is_backup(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False  # whoever packs it will say so


def _packed(folder: Path, name: str) -> Packed:
    path = folder / name
    try:
        about, data = path.stat(), path.read_bytes()
    except OSError as error:
        fail(f"reading {path}: {(error.strerror or '').lower()}", NO)
    return Packed(name, data, about.st_mode & 0o777, about.st_uid, about.st_gid)


def _read(file: Path, passphrase_file: Path | None) -> tuple[Packed, ...]:
    try:
        with file.open("rb") as opened:
            envelope = opened.read(LIMIT_BYTES)
        ask = is_secret(envelope) and passphrase_file is None
        passphrase = _passphrase(passphrase_file, ask=ask, twice=False)
        return unpacked(unsealed(envelope, passphrase))
    except OSError as error:
        fail(f"reading {file}: {(error.strerror or '').lower()}", MISUSED)
    except (SealError, ArchiveError) as error:
        fail(f"{error}; nothing is changed", NO)


def _passphrase(file: Path | None, *, ask: bool, twice: bool) -> Secret | None:
    if file is not None:
        try:
            return read_secret(file)
        except SettingsError as error:
            fail(str(error), MISUSED)
    if not ask:
        return None
    said = click.prompt(
        "passphrase", hide_input=True, confirmation_prompt=twice, err=True
    )
    return Secret(said)
