"""`python -m tests.agents.stub PORT BASE HABIT`: an agent that does one thing.

It tells on standard output what becomes of it.
"""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence

from agents.lifecycle import Job, Limits, live
from bus.interface import Bus, Subscription
from bus.wire import Broker

HABITS = (
    "works",
    "opens for ever",
    "does not open",
    "does not close",
    "crashes",
    "returns",
    "is deaf",
    "has no jobs",
    "leaves a thread",
    "opens with a thread, and does not",
)
FOR_EVER_S = 60.0  # longer than anybody has patience


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


class Stub:
    role = "stub"
    subscriptions: Sequence[Subscription] = ()

    def __init__(self, habit: str) -> None:
        self.name = "stub"
        self._habit = habit

    async def open(self) -> None:
        say("open")
        if self._habit == "opens for ever":
            await asyncio.Event().wait()
        if self._habit == "opens with a thread, and does not":
            loop = asyncio.get_running_loop()
            self._left = loop.run_in_executor(None, time.sleep, FOR_EVER_S)
        if self._habit in ("does not open", "opens with a thread, and does not"):
            raise RuntimeError("no leg to stand on")

    def jobs(self, bus: Bus) -> Mapping[str, Job]:  # noqa: ARG002
        if self._habit == "has no jobs":
            return {}
        return {"work": self._work, "rest": self._rest}

    async def close(self) -> None:
        say("close")
        if self._habit == "does not close":
            await asyncio.Event().wait()

    async def _work(self) -> None:
        say("work")
        if self._habit == "crashes":
            raise RuntimeError("out of order")
        if self._habit == "leaves a thread":
            await asyncio.to_thread(time.sleep, FOR_EVER_S)
        if self._habit != "returns":
            await asyncio.Event().wait()

    async def _rest(self) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                say("cancelled")
                if self._habit != "is deaf":
                    raise


def main() -> None:
    port, base, habit = sys.argv[1:]
    assert habit in HABITS
    broker = Broker("127.0.0.1", int(port), base=base)
    limits = Limits(open_s=5.0, close_s=0.2, end_s=1.5)
    try:
        asyncio.run(live(Stub(habit), broker, limits))
    except BaseExceptionGroup as group:
        say("failed:", repr(group))
        sys.exit(1)


if __name__ == "__main__":
    main()
