"""Whoever keeps a lab goes quietly when the lab is left, in whatever moment."""

import asyncio
import json
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from lab.process import PROJECT
from lab.talk import LabError, Talk

WITHIN_S: Final = 20.0
SERVE: Final = """
import socket, sys
from lab.keeper import Keeper
Keeper(socket.socket(fileno=int(sys.argv[1]))).run()
"""


@contextmanager
def conversation() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a lab's control socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_a_keeper_whose_last_words_nobody_reads_ends_in_order() -> None:
    with conversation() as (ours, theirs):
        keeper = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=PROJECT,
            stderr=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        request = {"id": 1, "do": "signal", "pid": 0, "signum": 0, "alone": True}
        ours.send(json.dumps(request).encode())
        answered, _, _ = select.select([ours], [], [], WITHIN_S)
        assert answered
        ours.close()

        _, said = keeper.communicate(timeout=WITHIN_S)
    assert (keeper.returncode, said) == (0, "")


async def test_who_asks_a_keeper_that_ended_without_reading_is_told() -> None:
    troubles: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, trouble: troubles.append(trouble))
    with conversation() as (ours, theirs):
        talk = Talk(ours)
        ours.send(b"never read")
        theirs.close()

        with pytest.raises(LabError, match="it ended"):
            await talk.hello()
    assert troubles == []
