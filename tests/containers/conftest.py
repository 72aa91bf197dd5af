"""Images are built once; each module has a Docker, and a chain, of its own."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.containers.dockerd import Docker, docker, new_disk
from tests.containers.images import ROOT, build
from tests.containers.project import Project, prepare
from tests.needs import MISSING, need

SCRATCH: Final = ROOT / ".pytest_cache"


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Docker's disk, with every image on it, for one daemon at a time.

    Within the project: a guest can write there and nowhere else.
    """
    if reason := MISSING["container"]():
        need(reason)
    SCRATCH.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=SCRATCH) as made:
        new, folder = new_disk(Path(made)), tmp_path_factory.mktemp("builder")
        with docker(new, folder, builds=True) as builder:
            build(builder, folder)
        yield new


@pytest.fixture(scope="module")
def engine(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    """A running Docker, in a network of its own, that has every image."""
    with docker(disk, tmp_path_factory.mktemp("docker"), builds=False) as running:
        yield running


@pytest.fixture(scope="module")
def chain(
    engine: Docker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """The chain of compose.yaml, started; without providers, as none is reachable."""
    project = prepare(tmp_path_factory.mktemp("project"), engine)
    project.up()
    try:
        yield project
    finally:
        project.compose("down", "-t", "2")
