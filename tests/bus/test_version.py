"""The version that an agent tells is the package's."""

import tomllib
from pathlib import Path

from bus.link import VERSION

ROOT = Path(__file__).parents[2]


def test_the_version_that_is_told_is_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
