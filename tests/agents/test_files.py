"""Files written whole or not at all."""

import threading
from pathlib import Path

import pytest

from agents.files import create, locked, note, replace


def test_a_note_for_which_there_is_no_room_is_told_of_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    note(Path("/dev/full"), "1234\n")

    assert caplog.messages == ["noting full: No space left on device"]


def test_a_note_is_what_a_later_life_reads(tmp_path: Path) -> None:
    note(tmp_path / "preset", "modern")

    assert (tmp_path / "preset").read_text() == "modern"


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new"

    create(file, b"words")

    assert file.read_bytes() == b"words"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("there", ["file", "link", "dangling link", "folder"])
def test_nothing_is_ever_overwritten(tmp_path: Path, there: str) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    other.write_bytes(b"old")
    match there:
        case "file":
            file.write_bytes(b"old")
        case "link":
            file.symlink_to(other)
        case "dangling link":
            file.symlink_to(tmp_path / "nowhere")
        case _:
            file.mkdir()
    before = sorted(tmp_path.iterdir())

    with pytest.raises(FileExistsError):
        create(file, b"new")

    assert sorted(tmp_path.iterdir()) == before
    assert other.read_bytes() == b"old"


def test_what_is_replaced_keeps_its_rights_and_its_name(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o640)
    link.symlink_to(file)

    replace(link, b"new")

    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [file, link]


def test_what_is_not_there_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace(tmp_path / "file", b"new")

    assert not list(tmp_path.iterdir())


def test_a_second_one_waits_until_the_first_is_done(tmp_path: Path) -> None:
    file = tmp_path / "count"
    file.write_text("0")

    def count() -> None:
        for _ in range(20):
            with locked(tmp_path):
                replace(file, str(int(file.read_text()) + 1).encode())

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert file.read_text() == "80"
