"""A provider: the real daemons of an L2TP/IPsec server, and ways to make them fail.

Its node serves one account. What it carries leaves towards `internet` with an address
of the provider's own, see `lab/topology.py`.
"""

import asyncio
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from agents.exit.charon import PATHS
from agents.exit.ikeconf import daemon
from agents.exit.ikectl import Ikectl, IkectlError
from lab.nodes import Lab
from lab.provider_files import (
    USUAL,
    Account,
    Terms,
    chap_secrets,
    connection,
    pap_secrets,
    pppd,
    xl2tpd,
)
from lab.talk import LabError
from lab.topology import INTERNET_ADDRESS, pool, public_address, wan_port

START_S: Final = 20.0
LOOK_S: Final = 0.02


class Provider:
    """The daemons in a provider's node."""

    def __init__(self, lab: Lab, name: str, account: Account) -> None:
        self.name = name
        self.account = account
        self.running = False
        self.silent = False
        self._lab = lab
        self._run = lab.run_of(name)

    async def start(self) -> None:
        """Serve: return once it can be dialled.

        Raises:
            LabError: A daemon does not come up.
        """
        self._write_settings()
        env = {"STRONGSWAN_CONF": "/run/strongswan.conf"}
        await self._spawn("charon", [charon()], env)
        files = ("-c", "/run/xl2tpd.conf", "-s", "/dev/null", "-p", "/run/xl2tpd.pid")
        await self._spawn(
            "xl2tpd", ["xl2tpd", "-D", *files, "-C", "/run/xl2tpd.control"], {}
        )
        try:
            async with asyncio.timeout(START_S):
                await self._offer()
                await self._listening()
        except TimeoutError as error:
            logs = (f"{self.name}-{tool}" for tool in ("charon", "xl2tpd"))
            words = "".join(self._lab.last_words(log) for log in logs)
            cause = f"not up after {START_S:g} s{words}"
            raise LabError(f"starting {self.name}: {cause}") from error
        self.running = True

    def ask(self, terms: Terms) -> None:
        """From the next call on these terms count."""
        log = f"/run/lab/{self.name}-pppd.log"
        text = pppd(self.name, INTERNET_ADDRESS, log, terms)
        self._write("ppp-options", text)

    async def kill(self) -> None:
        """End all its daemons by SIGKILL; its kernel keeps what they set up.

        All at one moment: none lives to tell the other side of another's end.
        """
        await self._lab.sweep(self.name, signal.SIGSTOP)
        await self._lab.sweep(self.name)
        self.running = False

    async def restart(self) -> None:
        """Serve again, from a clean state."""
        await self.kill()
        for what in ("state", "policy"):
            await self._lab.exec(self.name, ["ip", "xfrm", what, "flush"])
        for left in ("charon.pid", "charon.vici", "xl2tpd.pid", "xl2tpd.control"):
            (self._run / left).unlink(missing_ok=True)
        await self.start()

    async def silence(self) -> None:
        """From now on its packets vanish on the way, both ways, and nobody is told."""
        if not self.silent:
            await self._cut("-I")
            self.silent = True

    async def heal(self) -> None:
        """Packets pass again."""
        if self.silent:
            await self._cut("-D")
            self.silent = False

    async def _cut(self, how: str) -> None:
        port = wan_port(self.name)
        rules = [f"{how} FORWARD {way} {port} -j DROP" for way in ("-i", "-o")]
        await self._lab.restore("router", "\n".join(["*filter", *rules, "COMMIT", ""]))

    async def _spawn(self, tool: str, argv: list[str], env: dict[str, str]) -> None:
        await self._lab.spawn(self.name, argv, log=f"{self.name}-{tool}", env=env)

    def _write_settings(self) -> None:
        name = self.name
        address = public_address(name)
        texts = {
            "strongswan.conf": daemon(Path("/run/charon.vici"), fresh_ports=False),
            "xl2tpd.conf": xl2tpd(name, address, pool(name)),
            "etc-ppp/chap-secrets": chap_secrets(name, self.account),
            "etc-ppp/pap-secrets": pap_secrets(name, self.account),
        }
        for file, text in texts.items():
            self._write(file, text)
        self.ask(USUAL)

    def _write(self, file: str, text: str) -> None:
        (self._run / file).touch(mode=0o600)
        (self._run / file).write_text(f"{text}\n")

    async def _listening(self) -> None:
        """Wait for xl2tpd, which says nothing: its control pipe comes last."""
        while True:
            if (self._run / "xl2tpd.control").exists():
                return
            await asyncio.sleep(LOOK_S)

    async def _offer(self) -> None:
        """Tell charon what we serve, as soon as it listens."""
        while True:
            with suppress(IkectlError):  # it is not there yet
                async with await Ikectl.open(self._run / "charon.vici") as link:
                    key = {"id": "any", "type": "ike", "data": self.account.psk}
                    await link.request("load-shared", key)
                    served = connection(public_address(self.name))
                    await link.request("load-conn", {"any": served})
                    return
            await asyncio.sleep(LOOK_S)


def charon() -> str:
    """Where charon is; LabError if it is not."""
    for path in (*PATHS, Path(shutil.which("charon") or "/")):
        if path.is_file():
            return str(path)
    raise LabError("starting a provider: charon is not installed")
