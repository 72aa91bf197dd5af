"""CAP_NET_BIND_SERVICE: without it charon has no socket, and hears no server.

An exit then sees just a server that does not answer. That everybody may bind low ports
(ip_unprivileged_port_start) does not help: charon asks for the capability itself.
Source: strongSwan 5.9.8, socket-default; tried.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cli.doctor.finding import Finding, ok, unknown, wrong
from cli.doctor.kernel import is_contained

CHECK: Final = "charon capability"
NAME: Final = "NET_BIND_SERVICE"
BIT: Final = 10  # linux/capability.h
TODO: Final = (
    f"in a container: cap_add: [{NAME}]; in a unit: CapabilityBoundingSet=CAP_{NAME}"
)


def checks() -> Iterator[Finding]:
    """Of every charon to be seen, also in containers; of none: of one started here."""
    if charons := tuple(running("charon")):
        yield of_running(charons)
        return
    yield of_starting(own(), root=os.geteuid() == 0, contained=is_contained())


# --- judgement ------------------------------------------------------------------------


def of_running(statuses: Sequence[str]) -> Finding:
    """`statuses`: /proc/PID/status of each charon.

    What is in effect says nothing: with its sockets open charon gives it up. But what
    root's process may have at all, it had when it began.
    """
    lacking = [value(one, "Pid") for one in statuses if not holds(one, "CapBnd")]
    if not lacking:
        return ok(CHECK, f"charon was given {NAME}")
    who = ", ".join(lacking)
    return wrong(CHECK, f"charon (process {who}) has no {NAME}, so no socket", TODO)


def of_starting(status: str, *, root: bool, contained: bool) -> Finding:
    """`status`: our own /proc/PID/status.

    Agents run as root, and each container has the capabilities that it was given.
    """
    if holds(status, "CapEff"):
        return ok(CHECK, f"a charon started here would have {NAME}")
    if contained:
        return unknown(CHECK, f"this container has no {NAME}; an exit needs it", TODO)
    if not root:
        return unknown(CHECK, f"no {NAME} without being root", "run this as root")
    return wrong(CHECK, f"root has no {NAME} here, so charon no socket", TODO)


def holds(status: str, capabilities: str) -> bool:
    """Whether it is among them: CapEff or CapBnd. Source: proc_pid_status(5)."""
    return bool(int(value(status, capabilities) or "0", 16) & 1 << BIT)


def value(status: str, key: str) -> str:
    """What a status says of this; empty: nothing."""
    for line in status.splitlines():
        name, _, said = line.partition(":")
        if name == key:
            return said.strip()
    return ""


# --- probing --------------------------------------------------------------------------


def own() -> str:
    """This process's status."""
    return Path("/proc/self/status").read_text(errors="replace")


def running(name: str) -> Iterator[str]:
    """The status of every process of this name."""
    for file in Path("/proc").glob("[0-9]*/status"):
        try:
            status = file.read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile, or is not for us to see
        if value(status, "Name") == name:
            yield status
