"""Looking into nodes: what is there that the bus does not tell."""

import asyncio
import json
import re
import sys
from typing import Final

from lab.client import Client
from lab.nodes import Lab
from lab.talk import LabError
from lab.topology import wan_port

START_S: Final = 20.0
LOOK_S: Final = 0.02
# ESP in UDP: where IKE has four zero bytes, ESP has its number of the association.
ESP_IN_UDP: Final = "udp port 4500 and udp[8:4] != 0 or ip proto 50"
ENOUGH: Final = 10
_SPI: Final = re.compile(r"proto esp spi (0x[0-9a-f]+)")
NO_SPI: Final = "0x00000000"  # of an association that the kernel still asks for
# What one tunnel of an exit consists of; more of any is a leftover of an earlier one.
ONE_EACH: Final = ("charon", "xl2tpd", "pppd")


async def start_internet(lab: Lab) -> None:
    """Have echo and page serve in `internet`; return once they do.

    Raises:
        LabError: They do not come up.
    """
    command = [sys.executable, "-S", "-m", "lab.internet"]
    await lab.spawn("internet", command, log="internet")
    try:
        async with asyncio.timeout(START_S):
            # A file tells nobody that it grew.
            while "ready" not in lab.log("internet").read_text():  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
    except TimeoutError as error:
        raise LabError(f"starting internet: not up after {START_S:g} s") from error


async def has_wireguard(lab: Lab, node: str = "entry") -> bool:
    """Whether wg0 exists in a node."""
    said = await lab.exec(node, ["ip", "link", "show", "dev", "wg0"], check=False)
    return said.status == 0


async def station(lab: Lab, node: str) -> str:
    """The MAC address by which a node is on the bridge."""
    said = await lab.exec(node, ["ip", "-json", "link", "show", "dev", "eth0"])
    return str(json.loads(said.stdout)[0]["address"])


async def handshake_at(lab: Lab, client: str = "client") -> int:
    """When a client shook hands with the entry, Unix seconds; 0: never."""
    said = await lab.exec(client, ["wg", "show", "wg0", "latest-handshakes"])
    return int(said.stdout.split()[-1])


async def encrypted(lab: Lab, provider: str, client: Client, within_s: float) -> str:
    """The page that a client fetched while ESP was seen on the way to a provider.

    Raises:
        LabError: No page, or too little ESP.
    """
    look = ["tcpdump", "-i", wan_port(provider), "-nlq", "--immediate-mode"]
    count = ["-Z", "root", "-c", str(ENOUGH), ESP_IN_UDP]
    looking = await lab.spawn("router", [*look, *count], log="esp")
    try:
        async with asyncio.timeout(within_s):
            while "listening on" not in lab.log("esp").read_text():  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
            page = await client.fetch(within_s)
            for _ in range(ENOUGH):
                await client.ping(within_s)
            await looking.wait()
    except TimeoutError as error:
        what = f"looking at {provider}: less than {ENOUGH} packets of ESP"
        raise LabError(what) from error
    finally:
        await looking.end()
    return page


async def leftovers(lab: Lab, exit_name: str) -> list[str]:
    """What an exit has more of than one standing tunnel needs."""
    counted = {
        "ppp units": await _count(lab, exit_name, "ip -o link show type ppp", "ppp"),
        "IPsec states": len(await spis(lab, exit_name)),
    }
    wanted = {"ppp units": 1, "IPsec states": 2}
    names = [*(await _running(lab, exit_name)).values()]
    counted |= {name: names.count(name) for name in ONE_EACH}
    wanted |= dict.fromkeys(ONE_EACH, 1)
    return [
        f"{count} {what}, not {wanted[what]}"
        for what, count in counted.items()
        if count != wanted[what]
    ]


async def spis(lab: Lab, node: str) -> set[str]:
    """The numbers of the ESP associations in a node."""
    said = await lab.exec(node, ["ip", "xfrm", "state"])
    return set(_SPI.findall(said.stdout)) - {NO_SPI}


async def _count(lab: Lab, node: str, command: str, mark: str) -> int:
    said = await lab.exec(node, command.split())
    return sum(mark in line for line in said.stdout.splitlines())


async def pids(lab: Lab, node: str, name: str) -> list[str]:
    """The processes of this name in a node."""
    return [pid for pid, one in (await _running(lab, node)).items() if one == name]


async def _running(lab: Lab, node: str) -> dict[str, str]:
    """The processes in a node: numbers, names."""
    said = await lab.exec("", ["ip", "netns", "pids", node])
    names = {}
    for pid in said.stdout.split():
        try:
            names[pid] = (lab.proc / pid / "comm").read_text().strip()
        except OSError:
            continue  # it ended meanwhile
    return names


def last_words(lab: Lab, count: int = 12) -> list[tuple[str, list[str]]]:
    """The ends of all logs: names, last lines."""
    return [
        (path.stem, path.read_text(errors="replace").splitlines()[-count:])
        for path in sorted(lab.folder.glob("*.log"))
        if path.stat().st_size
    ]
