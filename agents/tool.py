"""One run of a command-line tool: input in, output out, bounded in time."""

import asyncio
import asyncio.subprocess
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

SBIN: Final = ":/usr/local/sbin:/usr/sbin:/sbin"


class ToolError(Exception):
    """The tool is not there, or did not end in time; the message says which tool."""


@dataclass(frozen=True, slots=True)
class Output:
    """How the tool ended; `error` is what it said on stderr."""

    status: int
    text: str
    error: str


async def run(argv: Sequence[str], *, given: str = "", within_s: float) -> Output:
    """Runs the tool with `given` on its stdin; secrets go there, never into `argv`.

    Raises:
        ToolError: It could not be started, or had to be killed after `within_s`.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={"PATH": os.environ.get("PATH", "") + SBIN, "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C is for the agent alone
        )
    except OSError as error:
        raise ToolError(f"starting {argv[0]}: {error.strerror}") from error
    try:
        async with asyncio.timeout(within_s):
            text, said = await child.communicate(given.encode())
    except TimeoutError as error:
        raise ToolError(f"waiting for {argv[0]}: no end in {within_s} s") from error
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):  # it ended in this instant
                child.kill()
            await child.wait()
    status = child.returncode if child.returncode is not None else -1
    return Output(status, text.decode(errors="replace"), said.decode(errors="replace"))
