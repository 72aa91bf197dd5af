"""`vpnchain backup` and `restore`: all back as it was, or nothing changed."""

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from bus.secret import Secret
from cli.__main__ import main
from cli.archive import ArchiveError, Packed, packed, unpacked
from cli.seal import MAGIC, SealError, is_secret, sealed, unsealed

FILES: Final = {
    "config/wg0.conf": b"[Interface]\n",
    "config/broker/mosquitto.conf": b"listener 1883\n",
    "config/laptop_private.key": b"key\n",
    "config/ca.example.org.crt": b"certificate\n",
    "secrets/vpn_password.txt": b"hunter2\n",
}
LEFT_OUT: Final = {
    "config/wg0.conf.example": b"",
    "config/vpnchain.example.toml": b"",
    "secrets/vpn_password.txt.before-restore": b"older\n",
    "README.md": b"",
}
PACKED: Final = Packed("config/wg0.conf", b"[Interface]\n", 0o600, 0, 0)
PASSPHRASE: Final = Secret("correct horse")


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o600)


def read(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run(folder: Path, *arguments: str, given: str = "") -> Result:
    words = [*arguments, "--folder", str(folder)]
    return CliRunner().invoke(main, words, input=given)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    folder = tmp_path / "chain"
    write(folder, {**FILES, **LEFT_OUT})
    return folder


@pytest.fixture
def file(tmp_path: Path, chain: Path) -> Path:
    """A backup of the chain."""
    path = tmp_path / "chain.backup"
    assert run(chain, "backup", str(path)).exit_code == 0
    return path


def test_all_is_back_on_a_machine_that_has_nothing(file: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "new", "restore", str(file))

    assert result.exit_code == 0, result.output
    assert read(tmp_path / "new") == FILES
    wg_conf = (tmp_path / "new/config/wg0.conf").stat()
    assert stat.S_IMODE(wg_conf.st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new/secrets").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_belong_to_whom_they_did(chain: Path, tmp_path: Path) -> None:
    os.chown(chain / "config/broker/mosquitto.conf", 10001, 10001)
    run(chain, "backup", str(tmp_path / "b"))

    run(tmp_path / "new", "restore", str(tmp_path / "b"))

    restored = (tmp_path / "new/config/broker/mosquitto.conf").stat()
    assert (restored.st_uid, restored.st_gid) == (10001, 10001)


def test_rights_are_those_of_the_backup_though_the_content_is_the_same(
    file: Path, chain: Path
) -> None:
    (chain / "secrets/vpn_password.txt").chmod(0o644)

    told = run(chain, "restore", str(file), "--json")
    again = run(chain, "restore", str(file), "--json")

    mode = (chain / "secrets/vpn_password.txt").stat().st_mode
    assert json.loads(told.output)["changed"] == ["secrets/vpn_password.txt"]
    assert json.loads(again.output)["changed"] == []
    assert stat.S_IMODE(mode) == 0o600
    assert read(chain) == {**FILES, **LEFT_OUT}  # nothing with the old rights is left


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_who_owned_a_file_owns_it_again_though_the_content_is_the_same(
    chain: Path, tmp_path: Path
) -> None:
    conf = chain / "config/broker/mosquitto.conf"
    os.chown(conf, 10001, 10001)
    conf.chmod(0o640)
    run(chain, "backup", str(tmp_path / "b"))
    os.chown(conf, 0, 0)

    told = run(chain, "restore", str(tmp_path / "b"))

    about = conf.stat()
    assert (about.st_uid, about.st_gid) == (10001, 10001)
    assert stat.S_IMODE(about.st_mode) == 0o640
    assert "back   config/broker/mosquitto.conf\n" in told.output


def test_rights_stay_as_they_were_if_a_file_cannot_be_placed(
    file: Path, chain: Path
) -> None:
    (chain / "config/wg0.conf").chmod(0o640)
    (chain / "secrets/vpn_password.txt").unlink()
    (chain / "secrets/vpn_password.txt").mkdir()

    result = run(chain, "restore", str(file))

    assert result.exit_code == 1
    assert stat.S_IMODE((chain / "config/wg0.conf").stat().st_mode) == 0o640


def test_a_backup_is_for_its_owner_alone_and_never_over_another(
    file: Path, chain: Path
) -> None:
    before = file.read_bytes()

    again = run(chain, "backup", str(file))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert again.exit_code == 1
    assert file.read_bytes() == before


def test_what_is_replaced_stays_beside(file: Path, chain: Path) -> None:
    (chain / "config/wg0.conf").write_bytes(b"newer\n")
    (chain / "secrets/vpn_password.txt").unlink()
    (chain / "secrets/exit-b_vpn_password.txt").write_bytes(b"of a new exit\n")

    result = run(chain, "restore", str(file), "--json")

    changed = ["config/wg0.conf", "secrets/vpn_password.txt"]
    assert json.loads(result.output)["changed"] == changed
    assert read(chain) == {
        **FILES,
        **LEFT_OUT,
        "config/wg0.conf.before-restore": b"newer\n",
        "secrets/exit-b_vpn_password.txt": b"of a new exit\n",
    }


def test_what_stood_beside_is_kept_as_well(file: Path, chain: Path) -> None:
    for text in (b"one\n", b"two\n"):
        (chain / "config/wg0.conf").write_bytes(text)
        run(chain, "restore", str(file))

    found = read(chain)
    assert found["config/wg0.conf"] == FILES["config/wg0.conf"]
    assert found["config/wg0.conf.before-restore"] == b"one\n"
    assert found["config/wg0.conf.before-restore-2"] == b"two\n"


def test_a_link_is_put_aside_not_followed(file: Path, chain: Path) -> None:
    elsewhere = chain.parent / "elsewhere"
    elsewhere.write_bytes(b"others'\n")
    (chain / "config/wg0.conf").unlink()
    (chain / "config/wg0.conf").symlink_to(elsewhere)

    run(chain, "restore", str(file))

    assert elsewhere.read_bytes() == b"others'\n"
    assert (chain / "config/wg0.conf.before-restore").is_symlink()
    assert not (chain / "config/wg0.conf").is_symlink()


def test_if_one_file_cannot_be_placed_none_is(file: Path, chain: Path) -> None:
    write(chain, {"config/wg0.conf": b"newer\n"})
    (chain / "config/broker/mosquitto.conf").unlink()
    (chain / "secrets/vpn_password.txt").unlink()
    (chain / "secrets/vpn_password.txt").mkdir()
    before = read(chain)

    result = run(chain, "restore", str(file))

    assert result.exit_code == 1
    assert "is a folder" in result.output
    assert read(chain) == before


def test_a_check_changes_nothing(file: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "new", "restore", str(file), "--check")

    assert result.exit_code == 0
    assert not (tmp_path / "new").exists()


def test_a_sealed_backup_tells_nothing_and_opens_by_its_passphrase_only(
    chain: Path, tmp_path: Path
) -> None:
    file, new, words = tmp_path / "sealed", tmp_path / "new", tmp_path / "words"
    run(chain, "backup", str(file), "--seal", given="correct horse\ncorrect horse\n")
    words.write_text("correct horse\n")

    wrong = run(new, "restore", str(file), given="wrong horse\n")
    right = run(new, "restore", str(file), "--passphrase-file", str(words))

    assert b"wg0" not in file.read_bytes()
    assert (wrong.exit_code, right.exit_code) == (1, 0)
    assert "another passphrase, or it is damaged; nothing is changed" in wrong.output
    assert read(new) == FILES


def test_a_backup_keeps_no_backups(chain: Path, tmp_path: Path) -> None:
    run(chain, "backup", str(chain / "config/first"))

    run(chain, "backup", str(tmp_path / "second"))

    second = unpacked(unsealed((tmp_path / "second").read_bytes(), None))
    assert {one.name for one in second} == set(FILES)


def test_nothing_to_keep_is_no_backup(tmp_path: Path) -> None:
    result = run(tmp_path, "backup", str(tmp_path / "b"))

    assert result.exit_code == 1
    assert not (tmp_path / "b").exists()


# --- damaged and foreign --------------------------------------------------------------


@given(data=st.data())
def test_no_damage_goes_unnoticed(data: st.DataObject) -> None:
    whole = sealed(packed([PACKED], "0.1.0", 1.0), None)
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        broken = whole[:at]
    else:
        bit = 1 << data.draw(st.integers(0, 7))
        broken = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]

    with pytest.raises((SealError, ArchiveError)):
        unpacked(unsealed(broken, None))


def test_no_damage_of_a_sealed_one_goes_unnoticed() -> None:
    whole = sealed(b"content", PASSPHRASE)
    head = whole.index(b"\n", len(MAGIC))

    assert unsealed(whole, PASSPHRASE) == b"content"
    for at in (head - 30, head + 2, head + 14, len(whole) - 1):
        broken = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(SealError):
            unsealed(broken, PASSPHRASE)
    with pytest.raises(SealError, match="another passphrase"):
        unsealed(whole[:-5], PASSPHRASE)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null\n",
        b"{}\n",
        b'{"scrypt": 1}\n',
        b'{"scrypt": {"salt": "zz"}}\n',
        b'{"scrypt": {"salt": "00", "cost": 1073741824}}\n',
        b'{"scrypt": {"salt": "00", "block": 4096}}\n',
        b"[" * 900 + b"\n",
    ],
)
def test_a_header_that_is_none_of_ours_is_refused(header: bytes) -> None:
    with pytest.raises(SealError):
        is_secret(MAGIC + header + b"x" * 100)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b nothing", b"PK\x03\x04" * 9])
def test_a_foreign_file_is_refused_and_nothing_changes(
    content: bytes, chain: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(content)
    before = read(chain)

    result = run(chain, "restore", str(foreign))

    assert result.exit_code == 1
    assert result.output == (
        "reading the backup: it is none of vpnchain's; nothing is changed\n"
    )
    assert read(chain) == before


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar as an attacker would make it, with an honest list of its files."""
    listed = {
        info.name: {
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "mode": 0o600,
            "owner": 0,
            "group": 0,
        }
        for info, data in members
    }
    about = json.dumps({"format": 1, "files": listed}).encode()
    manifest = tarfile.TarInfo("manifest.json")
    manifest.size = len(about)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.addfile(manifest, io.BytesIO(about))
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../config/wg0.conf",
        "config/../../etc/passwd",
        "config/../secrets/x",
        "config",
        "config//wg0.conf",
        "./config/wg0.conf",
        "other/wg0.conf",
        "config/x\n",
    ],
)
def test_no_path_leads_elsewhere(name: str) -> None:
    with pytest.raises(ArchiveError, match="leads elsewhere"):
        unpacked(tar_of((member(name), b"")))


@pytest.mark.parametrize(
    "kind",
    [
        *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE),
        *(tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE),
    ],
)
def test_only_plain_files_are_taken(kind: bytes) -> None:
    with pytest.raises(ArchiveError, match="no plain file"):
        unpacked(tar_of((member("config/wg0.conf", kind, "/etc/passwd"), b"")))


def test_an_honest_tar_is_taken() -> None:
    (one,) = unpacked(tar_of((member("config/wg0.conf"), b"")))

    assert one.name == "config/wg0.conf"


def test_a_name_that_is_there_twice_is_refused() -> None:
    twice = (member("config/a"), b"")

    with pytest.raises(ArchiveError, match="twice"):
        unpacked(tar_of(twice, twice))


def test_a_file_that_the_list_does_not_know_is_refused() -> None:
    archive = gzip.decompress(packed([PACKED], "0.1.0", 1.0))
    renamed = archive.replace(b"config/wg0.conf", b"config/wg1.conf", 1)

    with pytest.raises(ArchiveError, match="its list and its files differ"):
        unpacked(gzip.compress(renamed))


def test_a_file_that_is_not_as_it_was_packed_is_refused() -> None:
    archive = gzip.decompress(packed([PACKED], "0.1.0", 1.0))
    changed = archive.replace(b"[Interface]", b"[interface]", 1)

    with pytest.raises(ArchiveError, match="not as it was packed"):
        unpacked(gzip.compress(changed))


def test_a_bomb_does_not_fill_the_memory() -> None:
    with pytest.raises(ArchiveError, match="too large"):
        unpacked(gzip.compress(bytes(65_000_000), 1))


def test_a_later_format_is_told() -> None:
    archive = gzip.decompress(packed([PACKED], "0.1.0", 1.0))
    later = archive.replace(b'"format": 1', b'"format": 2', 1)

    with pytest.raises(ArchiveError, match="format 2"):
        unpacked(gzip.compress(later))


def test_a_backup_of_a_restored_chain_is_the_same(file: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    run(new, "restore", str(file))
    shutil.rmtree(tmp_path / "chain")
    run(new, "backup", str(tmp_path / "again"))

    first, again = (
        unpacked(unsealed(path.read_bytes(), None))
        for path in (file, tmp_path / "again")
    )
    assert first == again
