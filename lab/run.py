"""Run a command in a kernel that can do all that the chain needs."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from lab import capability, guest
from lab.kernel import choose
from lab.outlet import Outlet
from lab.talk import LabError

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S: Final = 20.0  # how long a command may take to end after a signal


def run(argv: Sequence[str], *, or_here: bool = False) -> int:
    """Its exit status; in this kernel if that can, else in a guest.

    `or_here`: in this kernel also where it cannot, if there is no guest to be had.

    Raises:
        LabError: There is no such kernel.
    """
    missing = capability.missing()
    if not missing:
        _here(argv)
    try:
        return asyncio.run(_in_guest(argv, missing))
    except LabError as error:
        if not or_here:
            raise
        print(f"lab: {error}; going on without", file=sys.stderr, flush=True)
        _here(argv)


def _here(argv: Sequence[str]) -> NoReturn:
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise LabError(f"running {argv[0]}: {error.strerror}") from error


async def _in_guest(argv: Sequence[str], missing: Sequence[str]) -> int:
    lacking = ", ".join(one.partition(":")[0] for one in missing)
    if os.environ.get(guest.INSIDE):
        raise LabError(f"running in a guest: even this lacks {lacking}")
    if os.geteuid() != 0:
        raise LabError("booting a guest: needs root")
    kernel = choose()
    interrupted = Interrupted()
    words = f"lab: this kernel lacks {lacking}: booting {kernel.about}"
    print(words, file=sys.stderr, flush=True)
    try:
        async with guest.boot(kernel) as machine:
            running = machine.start(command_for(kernel.about, argv))
            _on_signals(lambda signum: _pass_on(running, signum))
            status = await running.wait()
    except asyncio.CancelledError:
        return interrupted.status
    return status if status >= 0 else 128 - status


def command_for(
    about: str, argv: Sequence[str], streams: tuple[int, int, int] = (0, 1, 2)
) -> guest.Command:
    """A command for a guest, as if it ran right here, with these standard streams."""
    return guest.Command(
        argv,
        {**os.environ, guest.INSIDE: about},
        Path.cwd(),
        Outlet(streams[1]),
        Outlet(streams[2]),
    )


class Interrupted:
    """Cancels the present task at the first signal; a second one changes nothing.

    Attributes:
        status: The exit status of who was cancelled, as a shell tells it.
    """

    def __init__(self) -> None:
        self.status = 128 + signal.SIGINT  # asyncio's own handler may have been faster
        self._task = asyncio.current_task()
        _on_signals(self._interrupt)

    def _interrupt(self, signum: int) -> None:
        if self._task is not None:
            self.status = 128 + signum
            self._task.cancel()
            self._task = None


def _on_signals(act: Callable[[int], object]) -> None:
    loop = asyncio.get_running_loop()
    for signum in SIGNALS:
        loop.add_signal_handler(signum, act, signum)


def _pass_on(running: guest.Running, signum: int) -> None:
    """To the command, which may end in order, but not take for ever over it."""
    running.signal(signum)
    asyncio.get_running_loop().call_later(PATIENCE_S, running.give_up)
