"""What the entry reads: wg0.conf, whoever wrote it and whatever it is."""

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from agents.entry.configuration import read_conf
from agents.settings_model import EntrySettings, Settings, SettingsError

KEY: Final = "A" * 42 + "E="
TEXT: Final = f"[Interface]\nPrivateKey = {KEY}\nAddress = 10.13.13.1/24\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an entry whose wg0.conf is yet to be written."""
    return replace(Settings(), entry=EntrySettings(wg_conf=tmp_path / "wg0.conf"))


def test_a_pipe_that_nobody_writes_into_is_refused_at_once(settings: Settings) -> None:
    os.mkfifo(settings.entry.wg_conf)

    with pytest.raises(SettingsError, match=r"wg0\.conf: file: got a pipe"):
        read_conf(settings)


def test_bytes_that_are_no_text_are_not_repeated(settings: Settings) -> None:
    settings.entry.wg_conf.write_bytes(TEXT.encode() + b"\xff")

    with pytest.raises(SettingsError, match="other bytes") as caught:
        read_conf(settings)

    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o644, True)])
def test_keys_that_everybody_can_read_are_warned_of(
    settings: Settings, caplog: pytest.LogCaptureFixture, *, mode: int, warned: bool
) -> None:
    settings.entry.wg_conf.write_text(TEXT)
    settings.entry.wg_conf.chmod(mode)

    with caplog.at_level(logging.WARNING):
        read_conf(settings)

    assert ("chmod 600" in caplog.text) is warned
