"""compose.lab.yaml with real tunnels, in a guest whose kernel has PPP, L2TP and ESP."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from lab import capability
from lab.kernel import choose
from lab.talk import LabError
from tests.containers.dockerd import run
from tests.containers.images import ROOT
from tests.needs import need

pytestmark = pytest.mark.container

MOST_S: Final = 360.0
REHEARSAL: Final = (sys.executable, "-m", "tests.containers.guest.rehearsal")


@pytest.fixture
def copy(disk: Path) -> Iterator[Path]:
    """A disk with the images, that may be left as the guest leaves it."""
    with TemporaryDirectory(dir=disk.parent) as made:
        run(["cp", "--sparse=always", str(disk), made], os.environ)
        yield Path(made) / disk.name


def test_a_client_leaves_by_the_next_exit_when_a_container_is_killed(
    copy: Path,
) -> None:
    if capability.missing():
        try:
            choose()
        except LabError as error:
            need(str(error))
    done = subprocess.run(
        [sys.executable, "-m", "lab", "run", "--", *REHEARSAL, str(copy)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=MOST_S,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["healthy"] == ["l2tp-ipsec-exit", "wireguard-entry"]
