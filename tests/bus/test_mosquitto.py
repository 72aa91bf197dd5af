"""What is written for mosquitto, read by the real one."""

import base64
import subprocess
from pathlib import Path

import pytest

from bus.mosquitto import hashed, password_file
from bus.secret import Secret
from tests.needs import need, tool


@pytest.mark.parametrize("password", ["hush-hush", "p ä$\\\"'#:%", "x" * 5000])
def test_a_hash_is_the_one_that_mosquittos_own_tool_makes(
    tmp_path: Path, password: str
) -> None:
    program = tool("mosquitto_passwd") or need("needs mosquitto_passwd")
    file = tmp_path / "passwords"
    command = [program, "-b", "-c", str(file), "exit-a", password]
    subprocess.run(command, check=True, timeout=10)

    user, _, theirs = file.read_text().strip().partition(":")

    _, kind, rounds, salt, _ = theirs.split("$")
    assert (user, kind) == ("exit-a", "7")
    assert hashed(Secret(password), base64.b64decode(salt), int(rounds)) == theirs


def test_a_password_is_nowhere_in_the_clear() -> None:
    text = password_file([("exit-a", Secret("hush")), ("exit-b", Secret("hush"))])

    assert "hush" not in text
    first, second = (line.split(":", 1)[1] for line in text.splitlines())
    assert first != second  # each has a salt of its own


def test_a_name_cannot_smuggle_in_a_second_user() -> None:
    with pytest.raises(ValueError, match="is not"):
        password_file([("exit-a:x\noperator", Secret("hush"))])
