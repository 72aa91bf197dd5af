"""Clocks: whether somebody keeps ours, and whether agents have the same time."""

import ctypes
from collections.abc import Mapping
from typing import Final

from bus.messages.stamp import Stamp
from cli.doctor.finding import Finding, ok, unknown, warning, wrong
from cli.snapshot import Snapshot
from cli.words import span

FUTURE_S: Final = 2.0  # what a report may be ahead of us by
TIMEX_BYTES: Final = 1024  # more than any kernel's struct timex
UNSYNCHRONISED: Final = 5  # TIME_ERROR of adjtimex(2)


def of_kernel(state: int) -> Finding:
    """`state`: what adjtimex(2) returned; -1: it was not allowed to."""
    if state < 0:
        return unknown("clock", "the kernel does not say whether it is kept")
    if state == UNSYNCHRONISED:
        what = "nobody keeps it right: times of events drift"
        return warning("clock", what, "install chrony, or turn on systemd-timesyncd")
    return ok("clock", "is kept right")


def of_agents(present: Snapshot, now: float) -> Finding:
    """Reports that come from the future are from a clock other than ours."""
    ahead = {
        name: report.at - now
        for name, report in _reports(present).items()
        if report.at > now + FUTURE_S
    }
    if not ahead:
        return ok("clocks of agents", "none is ahead of ours")
    name = max(ahead, key=lambda one: ahead[one])
    what = f"{name} is {span(ahead[name])} ahead of us"
    return wrong("clocks of agents", what, "let every host keep its clock (chrony)")


def kernel_state() -> int:
    """What adjtimex(2) returns when it is only asked; -1 if it may not be."""
    timex = ctypes.create_string_buffer(TIMEX_BYTES)  # modes 0: change nothing
    return int(ctypes.CDLL(None, use_errno=True).adjtimex(timex))


def _reports(present: Snapshot) -> Mapping[str, Stamp]:
    said: dict[str, Stamp] = {**present.exits, **present.entries}
    if present.order is not None:
        said["coordinator"] = present.order
    return said
