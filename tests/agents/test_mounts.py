"""What kind of file system a folder is on: told by the kernel's text, and for real."""

from pathlib import Path
from typing import Final

import pytest

from agents.mounts import (
    UNKNOWN,
    check_can_be_made,
    check_in_memory,
    file_system,
    kind_of,
    mount_of,
)
from agents.settings_model import SettingsError

ABOUT: Final = "pos:\t0\nflags:\t012000000\nmnt_id:\t30\nino:\t1\n"
MOUNTS: Final = r"""
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 27 0:26 / /run/a\040-\040b rw,nosuid shared:7 master:2 - tmpfs tmpfs rw,mode=755
130 30 0:27 / /run/a\040-\040b/disk rw - xfs /dev/sdb rw
31 27 0:28 / /mnt rw - ramfs none rw
"""


def test_an_open_file_tells_its_mount() -> None:
    assert mount_of(ABOUT) == "30"
    assert mount_of("pos:\t0\n") == ""


@pytest.mark.parametrize(
    ("mount", "kind"),
    [
        *(("27", "ext4"), ("30", "tmpfs"), ("130", "xfs"), ("31", "ramfs")),
        *(("3", UNKNOWN), ("", "an unknown file system")),
    ],
)
def test_a_mount_tells_its_kind(mount: str, kind: str) -> None:
    assert kind_of(mount, MOUNTS) == kind


def test_a_folder_that_is_not_there_yet_is_where_it_will_be_made() -> None:
    assert file_system(Path("/proc/none/of/these")) == "proc"


def test_memory_is_good_enough_for_secrets() -> None:
    check_in_memory(Path("/dev/shm/none/of/these"), "exit.run_dir")  # noqa: S108


def test_what_is_no_tmpfs_is_refused() -> None:
    said = "/proc/vpnchain: exit.run_dir: got proc, wanted a tmpfs"
    with pytest.raises(SettingsError, match=f"^{said}$"):
        check_in_memory(Path("/proc/vpnchain"), "exit.run_dir")


def test_a_folder_below_one_that_is_there_can_be_made(tmp_path: Path) -> None:
    check_can_be_made(tmp_path, "entry.run_dir")
    check_can_be_made(tmp_path / "new" / "entry", "entry.run_dir")


def test_below_a_file_no_folder_can_be_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError) as caught:
        check_can_be_made(file / "entry", "entry.run_dir")
    said = f"entry.run_dir: got {file}, which is no folder, wanted a folder that"
    assert said in str(caught.value)


def test_where_nobody_may_write_no_folder_can_be_made() -> None:
    with pytest.raises(SettingsError, match=r"entry\.run_dir: got no right at /proc"):
        check_can_be_made(Path("/proc/self/new"), "entry.run_dir")
