"""Fixtures for everybody: a real broker, and markers that know what they need."""

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from bus.wire import Broker
from tests.mosquitto import Mosquitto
from tests.needs import MISSING, need

_numbers: Final = itertools.count()


def pytest_configure() -> None:
    """What the machine and who started us must not change."""
    # A job in the background is started deaf to Ctrl-C; what we start must not be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # An example takes long on a busy machine: only who is about time has a deadline.
    settings.register_profile("patient", settings.default, deadline=None)
    settings.load_profile("patient")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marked test runs only where the machine has what the marker says."""
    for mark in item.iter_markers():
        missing = MISSING.get(mark.name)
        if missing is not None and (reason := missing()):
            need(reason)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker of this test alone; for tests marked `broker`."""
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def broker(mosquitto: Mosquitto) -> Broker:
    """How an agent finds the test's broker; the base is of this test alone."""
    base = f"test-{os.getpid()}-{next(_numbers)}"
    return Broker(mosquitto.host, mosquitto.port, base=base, keepalive_s=10)
