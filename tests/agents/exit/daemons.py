"""A provider of our own for tests: real daemons in a namespace beside the exit's."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.exit import kernel_support
from agents.exit.charon import PATHS
from agents.exit.ikeconf import daemon
from agents.exit.ikectl import Ikectl, IkectlError
from agents.process import Child
from tests.agents.netns import ip, namespace

EXIT: Final = "203.0.113.1"
PROVIDER: Final = "203.0.113.2"
PSK: Final = 'a "strange" psk \\ # ü'
USER: Final = "user-a"
PASSWORD: Final = "pw-a"  # noqa: S105 -- of the test's own provider
LIMIT_S: Final = 20.0
SBIN: Final = "/usr/sbin:/sbin:/usr/bin:/bin"

# Every charon writes /run/charon.pid, every pppd reads /etc/ppp: each has its own.
_MOUNTS: Final = 'mount -t tmpfs tmpfs /run && mount --bind "$0" /etc/ppp && exec "$@"'

_LNS: Final = """\
[global]
port = 1701
access control = no
force userspace = yes
[lns default]
ip range = 10.201.0.10-10.201.0.20
local ip = 10.201.0.1
require authentication = yes
require chap = no
require pap = no
name = provider
pppoptfile = {options}
length bit = yes
"""
_LNS_PPP: Final = """\
auth
name provider
require-mschap-v2
silent
noccp
novj
mtu 1400
mru 1400
logfd 2
"""


def launcher(name: str, ppp: Path) -> tuple[str, ...]:
    """What goes before a daemon's command line so that it runs in that namespace.

    `ppp` is the folder that it sees as /etc/ppp.
    """
    ppp.mkdir(exist_ok=True)
    ip_tool = shutil.which("ip", path=SBIN) or "ip"
    own = ("unshare", "--mount", "sh", "-c", _MOUNTS, str(ppp))
    return (ip_tool, "netns", "exec", name, *own)


@contextmanager
def two_nodes() -> Iterator[tuple[str, str]]:
    """Namespaces of an exit and a provider, one cable between them."""
    with namespace("exit") as exit_, namespace("provider") as provider:
        ip("link", "add", "eth0", "netns", exit_, "type", "veth",
           "peer", "name", "eth0", "netns", provider)  # fmt: skip
        for name, address in ((exit_, EXIT), (provider, PROVIDER)):
            ip("address", "add", f"{address}/24", "dev", "eth0", namespace=name)
            ip("link", "set", "eth0", "up", namespace=name)
        yield exit_, provider


class Log:
    """What a daemon says, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._grown = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._grown.set()

    def says(self, part: str) -> bool:
        """Whether a line contains this."""
        return any(part in line for line in self.lines)

    async def until(self, part: str) -> None:
        """Waits for such a line, if there is none yet."""
        async with asyncio.timeout(LIMIT_S):
            while not self.says(part):
                self._grown.clear()
                await self._grown.wait()


@dataclass
class Provider:
    """A running charon that answers."""

    socket: Path
    log: Log = field(default_factory=Log)

    async def offer(self, ike: Sequence[str], esp: Sequence[str], psk: str) -> None:
        """From now on these proposals and this key are right, and no others."""
        child = {
            "mode": "transport",
            "local_ts": ["dynamic[17/1701]"],
            "remote_ts": ["dynamic[17]"],
            "esp_proposals": list(esp),
        }
        connection = {
            "version": "1",
            "local_addrs": [PROVIDER],
            "remote_addrs": ["%any"],
            "proposals": list(ike),
            "local": {"auth": "psk"},
            "remote": {"auth": "psk", "id": "%any"},
            "children": {"l2tp": child},
        }
        async with await Ikectl.open(self.socket) as link:
            await link.request("load-shared", {"id": "x", "type": "ike", "data": psk})
            await link.request("load-conn", {"any": connection})


@asynccontextmanager
async def provider(name: str, folder: Path) -> AsyncIterator[Provider]:
    """A provider's charon in that namespace."""
    folder.mkdir()
    socket, file = folder / "vici", folder / "strongswan.conf"
    file.write_text(daemon(socket, fresh_ports=False).replace("net = 0", "net = 1"))
    known = Provider(socket)
    executable = next(path for path in PATHS if path.exists())
    child = await Child.start(
        [*launcher(name, folder / "ppp"), str(executable)],
        pid_file=folder / "pid",
        on_line=known.log,
        env={**os.environ, "STRONGSWAN_CONF": str(file)},
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            await _answers(socket)
        yield known
    finally:
        await child.terminate(5)


@asynccontextmanager
async def lns(name: str, folder: Path) -> AsyncIterator[Log]:
    """A provider's xl2tpd in that namespace; what it and its pppd say.

    Where the kernel has no PPP its pppd waits for ever for its options, lest it be the
    first of the two to give up.
    """
    ppp = folder / "ppp"
    ppp.mkdir(parents=True)
    (ppp / "chap-secrets").write_text(f'"{USER}" provider "{PASSWORD}" *\n')
    if kernel_support.lacks_ppp() is None:
        (folder / "options").write_text(_LNS_PPP)
    else:
        os.mkfifo(folder / "options")
    (folder / "conf").write_text(_LNS.format(options=folder / "options"))
    log = Log()
    files = ("-c", "conf", "-p", "own.pid", "-C", "control")
    argv = [str(folder / word) if "-" not in word else word for word in files]
    child = await Child.start(
        [*launcher(name, ppp), "xl2tpd", "-D", "-s", os.devnull, *argv],
        pid_file=folder / "pid",
        on_line=log,
        env={**os.environ, "PATH": SBIN},
    )
    try:
        await log.until("Listening on IP address")
        yield log
    finally:
        child.kill()
        await child.terminate(5)


async def _answers(socket: Path) -> None:
    while True:
        try:
            (await Ikectl.open(socket)).close()
        except IkectlError:
            await asyncio.sleep(0.02)  # nothing tells when a socket appears
        else:
            return
