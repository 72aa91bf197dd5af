"""A provider as a container: an L2TP/IPsec server that serves the account it is given.

`python -m lab.server`; the account is in the four files that an exit has too, and what
is not secret in the environment:

- `LAB_POOL`: first three numbers of the callers' network;
- `LAB_DNS`: the resolver that callers are told.

It ends when one of its daemons does.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from agents.exit.ikeconf import daemon
from agents.exit.ikectl import Ikectl, IkectlError
from lab.provider import charon
from lab.provider_files import Account, chap_secrets, connection, pppd, xl2tpd
from lab.talk import LabError

RUN: Final = Path("/run")
PPP: Final = Path("/etc/ppp")
SECRETS: Final = Path("/run/secrets")
START_S: Final = 20.0
LOOK_S: Final = 0.05

_MASQUERADE: Final = "*nat\n-A POSTROUTING -s {pool}.0/24 -j MASQUERADE\nCOMMIT\n"


def main() -> int:
    """Serves until told to end; the exit status."""
    status = 0
    try:
        asyncio.run(_serve(os.environ))
    except* LabError as group:
        for error in group.exceptions:
            sys.stderr.write(f"{error}\n")
        status = 1
    return status


async def _serve(environment: Mapping[str, str]) -> None:
    name, pool = socket.gethostname(), environment["LAB_POOL"]
    address, account = _read("vpn_server_ip"), _account()
    _write(RUN / "strongswan.conf", daemon(RUN / "charon.vici", fresh_ports=False))
    _write(RUN / "xl2tpd.conf", xl2tpd(name, address, pool))
    log = str(RUN / "pppd.log")
    _write(RUN / "ppp-options", pppd(name, environment["LAB_DNS"], log))
    _write(PPP / "chap-secrets", chap_secrets(name, account))
    await _masquerade(pool)
    files = ("-c", "/run/xl2tpd.conf", "-s", "/dev/null", "-p", "/run/xl2tpd.pid")
    daemons = (
        (charon(),),
        ("xl2tpd", "-D", *files, "-C", "/run/xl2tpd.control"),
    )
    os.environ["STRONGSWAN_CONF"] = str(RUN / "strongswan.conf")
    async with asyncio.TaskGroup() as tasks:
        serving = [tasks.create_task(_run(argv)) for argv in daemons]
        try:
            async with asyncio.timeout(START_S):
                await _offer(account, address)
        except TimeoutError as error:
            raise LabError(f"starting {name}: charon does not answer") from error
        print(f"{name} serves at {address}", flush=True)
        loop = asyncio.get_running_loop()
        for task in serving:
            loop.add_signal_handler(signal.SIGTERM, task.cancel)


async def _run(argv: tuple[str, ...]) -> None:
    child = await asyncio.create_subprocess_exec(*argv)
    try:
        status = await child.wait()
        raise LabError(f"running {argv[0]}: it ended with status {status}")
    finally:
        with suppress(ProcessLookupError):
            child.terminate()


async def _offer(account: Account, address: str) -> None:
    """Tells charon what we serve, as soon as it listens."""
    while True:
        with suppress(IkectlError):  # it is not there yet
            async with await Ikectl.open(RUN / "charon.vici") as link:
                key = {"id": "any", "type": "ike", "data": account.psk}
                await link.request("load-shared", key)
                await link.request("load-conn", {"any": connection(address)})
                return
        await asyncio.sleep(LOOK_S)


async def _masquerade(pool: str) -> None:
    """What callers send on has our address."""
    rules = _MASQUERADE.format(pool=pool).encode()
    for kind in ("iptables-nft", "iptables-legacy", "iptables"):
        tool = shutil.which(f"{kind}-restore")
        if tool is None:
            continue
        child = await asyncio.create_subprocess_exec(
            tool, "--noflush", stdin=asyncio.subprocess.PIPE
        )
        await child.communicate(rules)
        if child.returncode == 0:
            return
    raise LabError("setting the firewall: no iptables takes the rule")


def _account() -> Account:
    return Account(_read("vpn_ipsec_psk"), _read("vpn_username"), _read("vpn_password"))


def _read(secret: str) -> str:
    return (SECRETS / secret).read_text().strip()


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
