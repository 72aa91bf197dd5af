"""A chain around a real entry agent, for tests that need one."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.agents.entry.chain import Chain


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    """Namespaces, broker and keys; no agent and no client runs yet."""
    with ExitStack() as stack:
        yield Chain(tmp_path, stack)
