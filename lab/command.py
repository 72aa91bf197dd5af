"""What `python -m lab ...` can be told to do."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from lab import capability, demo, door, kernelbuild
from lab.run import run
from lab.serve import COMMANDS, READY
from lab.talk import LabError

USAGE: Final = f"""\
python -m lab demo                the chain at work: what happens, and how fast
python -m lab run [--or-here] -- COMMAND...
                                  run it in a kernel that can do all the chain needs;
                                  --or-here: in this one if there is no other
python -m lab check               what this machine's own kernel lacks
python -m lab kernel              build a guest kernel of our own, once
python -m lab up [--exits N] [--clients M]
                                  a lab that stays up, to look around in
python -m lab down                take it down; while it is up, also:
{COMMANDS}
"""

VERBS: Final = (
    *("status", "log", "exec", "connect"),
    *("kill", "restart", "silence", "heal"),
)
MISUSED: Final = 2
HERE: Final = "--here"  # in this kernel


def obey(words: list[str]) -> int:
    """The exit status."""
    try:
        return _obey(words)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _obey(words: list[str]) -> int:
    match words:
        case ["demo", "--here"]:
            return demo.main()
        case ["run", "--", *argv] | ["run", "--or-here", "--", *argv] if argv:
            return run(argv, or_here=words[1] == "--or-here")
        case ["up", *options]:
            return up(options)
        case [verb, *_] if verb in VERBS:
            return door.knock(words)
        case [verb] if verb in PLAIN:
            return PLAIN[verb]()
    print(USAGE, file=sys.stderr)
    return MISUSED


def play() -> int:
    """The demo, in a kernel that can do all that it needs."""
    return run([sys.executable, "-m", "lab", "demo", HERE])


def check() -> int:
    """Print what this kernel lacks; 1 if that is anything."""
    missing = capability.missing()
    print("\n".join(missing) or "nothing is missing")
    return 1 if missing else 0


def kernel() -> int:
    """Build a guest kernel, once."""
    kernelbuild.build()
    return 0


def down() -> int:
    """Take the lab down that is up."""
    door.close()
    return 0


def up(options: Sequence[str]) -> int:
    """Start a process that holds a lab; return once that is up, or has failed."""
    if door.is_open():
        raise LabError("a lab is up already: python -m lab down")
    holder = subprocess.Popen(
        [sys.executable, "-m", "lab.serve", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert holder.stdout is not None  # noqa: S101 - for the type checker
    try:
        for line in holder.stdout:
            print(line, end="", flush=True)
            if line.strip() == f"lab: {READY}":
                holder.returncode = 0  # it is on its own from now on
                return 0
    except BaseException:
        holder.terminate()
        holder.wait()
        raise
    return holder.wait()


PLAIN: Final = {"demo": play, "check": check, "kernel": kernel, "down": down}
