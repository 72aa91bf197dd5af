"""FRR: each exit announces a default route by BGP while it has one; BFD watches exits.

The entry prefers the first exit's. Nobody beyond the provider speaks BGP or BFD to us,
so what happens there FRR cannot see.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.failover.field import START_S, Field
from bench.failover.system import Pace, System
from lab.topology import ENTRY_ADDRESS, exit_address, place

_DAEMONS: Final = Path("/usr/lib/frr")
_TICK_MS: Final = 50
_BFD: Final = f"""\
hostname {{name}}
bfd
 profile watch
  transmit-interval {_TICK_MS}
  receive-interval {_TICK_MS}
  detect-multiplier 3
 !
!
"""
_ROUTER: Final = """\
hostname {name}
router bgp {number}
 bgp router-id {address}
 no bgp ebgp-requires-policy
 timers bgp 1 3
 coalesce-time 0
"""
_NEIGHBOR: Final = """\
 neighbor {address} remote-as {number}
 neighbor {address} bfd profile watch
 neighbor {address} timers connect 1
 neighbor {address} advertisement-interval 0
"""
_OF_EXIT: Final = f"""\
 address-family ipv4 unicast
  redistribute kernel route-map DEFAULT
  neighbor {ENTRY_ADDRESS} route-map DEFAULT out
 exit-address-family
!
ip prefix-list ANY seq 5 permit 0.0.0.0/0
route-map DEFAULT permit 10
 match ip address prefix-list ANY
!
"""
_ENTRY_NUMBER: Final = 65000


@dataclass(frozen=True)
class Frr(System):
    """eBGP between entry and exits, BFD at 50 ms x 3."""

    @property
    def programs(self) -> tuple[Path, ...]:
        """See System."""
        return tuple(_DAEMONS / one for one in ("zebra", "bfdd", "bgpd"))

    @property
    def blind(self) -> tuple[str, ...]:
        """See System."""
        return ("F2", "F4")

    async def start(self, field: Field) -> None:
        """See System."""
        text = _ROUTER.format(name="entry", number=_ENTRY_NUMBER, address=ENTRY_ADDRESS)
        for name in field.exits:
            text += _neighbor(exit_address(name), _number(name))
        text += " address-family ipv4 unicast\n"
        for name in field.exits:
            address = exit_address(name)
            text += f"  neighbor {address} route-map FROM-{name} in\n"
            text += f"  neighbor {address} route-map NONE out\n"
        text += " exit-address-family\n!\nroute-map NONE deny 10\n!\n"
        for name in field.exits:
            preference = 300 - 10 * place(name)
            text += f"route-map FROM-{name} permit 10\n"
            text += f" set local-preference {preference}\n!\n"
        await _start(field, "entry", text)
        for name in field.exits:
            await self.start_exit(field, name)

    async def start_exit(self, field: Field, name: str) -> None:
        """See System."""
        address = exit_address(name)
        text = _ROUTER.format(name=name, number=_number(name), address=address)
        text += _neighbor(ENTRY_ADDRESS, _ENTRY_NUMBER) + _OF_EXIT
        await _start(field, name, text)


def _number(exit_name: str) -> int:
    """The autonomous system of an exit."""
    return 65010 + place(exit_name)


def _neighbor(address: str, number: int) -> str:
    return _NEIGHBOR.format(address=address, number=number)


async def _start(field: Field, node: str, bgp: str) -> None:
    """zebra, then bfdd and bgpd, all their files in a folder of their own."""
    folder = field.folder(f"frr-{node}")
    for left in folder.iterdir():
        left.unlink()
    texts = {
        "zebra": f"hostname {node}\n",
        "bfdd": _BFD.format(name=node),
        "bgpd": bgp,
    }
    for daemon, text in texts.items():
        (folder / f"{daemon}.conf").write_text(text)
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, "frr", "frr")
    for daemon in texts:
        await _spawn(field, node, daemon, folder)


async def _spawn(field: Field, node: str, daemon: str, folder: Path) -> None:
    here = field.inside(folder)
    socket = folder / "zebra.sock"
    own = {
        "zebra": ["-s", "90000000"],  # netlink buffer
        "bfdd": ["--bfdctl", str(here / "bfd.sock")],
        "bgpd": [],
    }
    argv = [str(_DAEMONS / daemon), "-f", str(here / f"{daemon}.conf")]
    argv += ["-i", str(here / f"{daemon}.pid"), "-z", str(field.inside(socket))]
    argv += ["--vty_socket", str(here), "-A", "127.0.0.1", "-P", "0"]
    argv += ["--log", "stdout", *own[daemon]]
    await field.spawn(node, argv, log=f"{daemon}-{node}")
    if daemon == "zebra":
        await field.until(socket.exists, f"zebra of {node}", START_S)


FRR: Final = Frr(
    "frr:BgpBfd50",
    "eBGP, neighbor bfd 50 ms x 3, coalesce-time 0",
    Pace(ready_s=40, settle_s=1.5, phase_s=0.5, back_s=30),
)
