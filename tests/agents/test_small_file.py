"""Secrets and settings as files: nothing hangs, and nothing is repeated."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.settings import check, load, read_exit_secrets, read_secret
from agents.settings_model import SettingsError
from agents.small_file import LIMIT_BYTES, read_text

NAMES = ("vpn_server_ip", "vpn_ipsec_psk", "vpn_username", "vpn_password")


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def refusal(reading: Callable[[], object]) -> str:
    """Why it does not fit; empty if it does."""
    try:
        reading()
    except SettingsError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, socket_at, lambda path: path.symlink_to("/dev/zero")],
    ids=["pipe", "socket", "device"],
)
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "vpn_password"
    make(path)

    with pytest.raises(SettingsError, match="got a pipe, socket or device"):
        read_secret(path)


def test_a_link_to_a_mounted_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data/vpn_password").write_text("hush\n")
    (tmp_path / "vpn_password").symlink_to("..data/vpn_password")

    assert read_secret(tmp_path / "vpn_password").reveal() == "hush"


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    with path.open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(SettingsError, match="a huge file"):
        read_text(path, "file")
    path.write_text("x" * LIMIT_BYTES)
    assert len(read_text(path, "file")) == LIMIT_BYTES


@pytest.mark.parametrize(
    ("name", "most"),
    [("vpn_username", 255), ("vpn_password", 255), ("vpn_ipsec_psk", 1_024)],
)
def test_what_a_daemon_would_cut_off_is_refused(
    tmp_path: Path, name: str, most: int
) -> None:
    for one in NAMES:
        (tmp_path / one).write_text("192.0.2.1" if one == NAMES[0] else "hush")
    (tmp_path / name).write_text("ü" * (most // 2) + "x\n" * (most % 2))
    read_exit_secrets(tmp_path)

    (tmp_path / name).write_text("ü" * (most // 2 + 1))
    with pytest.raises(SettingsError) as caught:
        read_exit_secrets(tmp_path)
    assert f"{name}: got {most // 2 * 2 + 2} bytes, wanted at most {most}" in str(
        caught.value
    )
    assert "ü" not in str(caught.value)


@settings(deadline=None)
@given(raw=st.binary(max_size=300))
def test_no_bytes_do_more_than_not_fit(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for name in (*NAMES, "vpnchain.toml"):
        (folder / name).write_bytes(raw)
    for reading in (
        lambda: read_exit_secrets(folder),
        lambda: load(folder / "vpnchain.toml", {}),
    ):
        assert "\n" not in refusal(reading)


@pytest.mark.parametrize(
    "text",
    ["a=" + "9" * 5_000, "a=" + "[" * 5_000, "a=" + "{a=" * 5_000, "\0", "a='\\ud800'"],
    ids=["digits", "lists", "tables", "null", "surrogate"],
)
def test_no_settings_file_does_more_than_not_fit(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vpnchain.toml"
    path.write_text(text)

    with pytest.raises(SettingsError):
        load(path, {})


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
SECTIONS = ("broker", "network", "coordinator", "entry", "exit", "exits")
KEYS = ("host", "port", "bridge", "clients", "exits", "settle_s", "run_dir", "presets")


@given(
    st.dictionaries(
        st.sampled_from(SECTIONS),
        VALUES | st.dictionaries(st.sampled_from(KEYS) | st.text(), VALUES),
    )
)
def test_no_settings_do_more_than_not_fit(data: dict[str, object]) -> None:
    assert len(refusal(lambda: check(data, {}, file="test"))) < 2_000
