"""The packet filter, through iptables-restore: rules of ours beside those of others.

Rules are given as iptables-restore tables. What may stand in them:

    *filter
    :FORWARD DROP [0:0]                 a policy of a chain of the kernel's
    :VPNCHAIN-FORWARD - [0:0]           a chain of ours: made, or emptied and refilled
    -A FORWARD -j VPNCHAIN-FORWARD      a jump into it: put in once, before other rules
    -A VPNCHAIN-FORWARD -i wg0 ...      its rules
    COMMIT

Each table changes in one step. Chains of others, Docker's for one, are never touched.
Old kernels know only the legacy backend, new ones prefer nft: the first that takes the
rules is used. Owner of the iptables tools.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from agents.kernel import has_ipv6
from agents.tool import Output, ToolError, run

Backend = Literal["nft", "legacy"]
Version = Literal["ip", "ip6"]

PREFIX: Final = "VPNCHAIN-"
BACKENDS: Final[tuple[Backend, ...]] = ("nft", "legacy")
WITHIN_S: Final = 15.0  # for one tool; the lock that legacy shares with others included
LOCK_S: Final = "5"
# From a chain of the kernel's into one of ours: jumps among ours are rules like others.
_JUMP: Final = re.compile(rf"-A ([A-Z]+) (?:.* )?-j ({PREFIX}[A-Z0-9-]+)")
log = logging.getLogger(__name__)


class FirewallError(Exception):
    """The rules were refused; with each backend's own words."""


class Firewall:
    """Our chains in the filter of this network namespace.

    Attributes:
        backend: The one in use; None before the first `apply`.
    """

    def __init__(self) -> None:
        self.backend: Backend | None = None
        self._ipv6 = has_ipv6()

    async def apply(self, v4: str, v6: str = "") -> None:
        """These rules stand, instead of what stood in the chains that they name.

        Where the kernel has no IPv6, `v6` is left out.

        Raises:
            FirewallError: No backend takes them. Each refused table is as it was.
            ValueError: A rule that is neither in a chain of ours nor a jump into one.
        """
        texts: dict[Version, str] = {"ip": v4}
        if self._ipv6 and v6:
            texts["ip6"] = v6
        for text in texts.values():
            _check(text)
        refused: dict[Backend, str] = {}
        for backend in (self.backend,) if self.backend else BACKENDS:
            try:
                await _fill(backend, texts)
            except (FirewallError, ToolError) as error:
                refused[backend] = f"{backend}: {error}"
            else:
                await self._settle(backend, tuple(refused))
                return
        raise FirewallError(f"applying rules: {'; '.join(refused.values())}")

    async def _settle(self, backend: Backend, refused: Sequence[Backend]) -> None:
        """Takes the backend into use, and out of the others what they took in part."""
        if self.backend is None:
            log.info("packet filter: %s backend", backend)
            for other in refused:
                await self._clear(other)
        self.backend = backend

    async def _clear(self, backend: Backend) -> None:
        """No chain of ours stands there; policies stay: what is closed stays closed."""
        versions: tuple[Version, ...] = ("ip", "ip6") if self._ipv6 else ("ip",)
        for version in versions:
            try:
                text = removal(await _saved(backend, version))
                if text:
                    await _restore(backend, version, text)
            except (FirewallError, ToolError) as error:
                log.warning("removing %s rules: %s", backend, error)


async def _fill(backend: Backend, texts: Mapping[Version, str]) -> None:
    for version, text in texts.items():
        wanted = _without_known_jumps(text, await _saved(backend, version))
        await _restore(backend, version, wanted)


async def _restore(backend: Backend, version: Version, text: str) -> None:
    tool = f"{version}tables-{backend}-restore"
    argv = [tool, "--noflush", "-w", LOCK_S]
    _succeed(tool, await run(argv, given=text, within_s=WITHIN_S))


async def _saved(backend: Backend, version: Version) -> str:
    tool = f"{version}tables-{backend}-save"
    return _succeed(tool, await run([tool], within_s=WITHIN_S))


def _succeed(tool: str, output: Output) -> str:
    if output.status != 0:
        said = " ".join(output.error.split()) or f"exit status {output.status}"
        raise FirewallError(f"{tool}: {said}")
    return output.text


def _check(text: str) -> None:
    for line in text.splitlines():
        ours = line.startswith(f"-A {PREFIX}")
        if line.startswith("-") and not ours and not _JUMP.fullmatch(line):
            raise ValueError(f"{line!r}: neither a rule in {PREFIX}* nor a jump there")


def _without_known_jumps(text: str, saved: str) -> str:
    """The text with jumps that stand already left out, others to be put in first."""
    known = _jumps(saved)
    lines, table = [], ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line
        jump = _JUMP.fullmatch(line)
        if jump is None:
            lines.append(line)
        elif (table, jump[1], jump[2]) not in known:
            lines.append(line.replace("-A ", "-I ", 1))
    return "\n".join((*lines, ""))


def _jumps(saved: str) -> frozenset[tuple[str, str, str]]:
    """Table, chain and target of each jump into a chain of ours."""
    found, table = set(), ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line
        elif jump := _JUMP.fullmatch(line):
            found.add((table, jump[1], jump[2]))
    return frozenset(found)


def removal(saved: str) -> str:
    """The text that takes our chains, and the jumps into them, out of what was saved.

    Empty if there are none.
    """
    tables: list[str] = []
    for block in re.findall(r"^\*\w+$.*?^COMMIT$", saved, re.DOTALL | re.MULTILINE):
        lines = block.splitlines()
        chains = [
            line.split()[0][1:] for line in lines if line.startswith(":" + PREFIX)
        ]
        if chains:
            jumps = [line.replace("-A", "-D", 1) for line in lines if _JUMP.match(line)]
            empty = [f":{chain} - [0:0]" for chain in chains]
            gone = [f"-X {chain}" for chain in chains]
            tables += [lines[0], *empty, *jumps, *gone, "COMMIT"]
    return "\n".join((*tables, "")) if tables else ""
