import subprocess
from pathlib import Path

import pytest

from agents.exit import kernel_support
from tests.needs import tool

pytestmark = [pytest.mark.kernel]


def test_what_is_missing_is_named_and_permanent() -> None:
    cause = kernel_support.lacks()

    if cause is not None:
        assert cause.text.startswith("kernel: ")
        assert cause.permanent


def test_without_its_device_there_is_no_ppp() -> None:
    cause = kernel_support.lacks_ppp()

    if not Path(kernel_support.PPP_DEVICE).exists():
        assert cause is not None
        assert cause.text == "kernel: no /dev/ppp"


def test_the_trial_says_what_the_ip_tool_says_and_leaves_nothing() -> None:
    keys = ("auth", "sha1", "0x" + "00" * 20, "enc", "aes", "0x" + "00" * 16)
    ends = ("src", "192.0.2.1", "dst", "192.0.2.3", "proto", "esp", "spi", "0x1001")
    added = _xfrm("state", "add", *ends, "mode", "transport", *keys)
    if added.returncode == 0:
        _xfrm("state", "delete", *ends)

    cause = kernel_support.lacks_esp()

    assert (cause is None) == (added.returncode == 0), added.stderr
    assert "192.0.2.2" not in _xfrm("state").stdout


def _xfrm(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [tool("ip") or "ip", "xfrm", *words]
    return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=10)
