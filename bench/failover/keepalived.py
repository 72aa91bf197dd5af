"""keepalived: exits agree by VRRP on one address, the clients' next hop."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.failover.field import Field
from bench.failover.ground import TARGETS, VIRTUAL_ADDRESS
from bench.failover.system import Pace, System
from lab.topology import place

_PROGRAM: Final = Path("/usr/sbin/keepalived")
_FPING: Final = Path("/usr/bin/fping")

_CONF: Final = """\
global_defs {{
  router_id {name}
  enable_script_security
  script_user root
  vrrp_version 3
  dynamic_interfaces
  vrrp_rt_priority 50
  vrrp_rlimit_rttime 2000000
  vrrp_garp_master_delay 1
}}
vrrp_script check {{
  script "{script}"
  interval 1
  timeout {timeout}
  fall 1
  rise {rise}
}}
vrrp_instance clients {{
  state {state}
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int 0.01
  track_script {{
    check
  }}
  track_interface {{
    ppp0
  }}
  virtual_ipaddress {{
    {address}/16 dev eth0
  }}
}}
"""

# About 0.9 s of checks one after the other; ends at the first that stays silent.
_LOOP: Final = f"""\
#!/bin/sh
i=0
while [ $i -lt 20 ]; do
  {_FPING} -q -c1 -t50 {TARGETS[0]} >/dev/null 2>&1 || exit 1
  sleep 0.035
  i=$((i + 1))
done
"""
_LOOP_FILE: Final = "check-loop"


@dataclass(frozen=True)
class Keepalived(System):
    """Both variants advertise every 10 ms.

    keepalived runs a check script once a second at most; `looping` gets below that by
    a script that checks on and on. rlimit_rttime is raised, or a busy machine has its
    VRRP process killed.
    """

    looping: bool

    @property
    def programs(self) -> tuple[Path, ...]:
        """See System."""
        return _PROGRAM, _FPING

    async def start(self, field: Field) -> None:
        """See System."""
        loop = field.folder("keepalived") / _LOOP_FILE
        loop.write_text(_LOOP)
        loop.chmod(0o700)
        await field.ip("entry", f"route add default via {VIRTUAL_ADDRESS}")
        for name in field.exits:
            await self.start_exit(field, name)

    async def start_exit(self, field: Field, name: str) -> None:
        """See System."""
        folder = field.folder("keepalived")
        for left in folder.glob(f"{name}.*pid"):
            left.unlink()
        script = f"{_FPING} -q -c1 -t200 {TARGETS[0]}"
        if self.looping:
            script = str(field.inside(folder / _LOOP_FILE))
        conf = folder / f"{name}.conf"
        conf.write_text(
            _CONF.format(
                name=name,
                script=script,
                timeout=2 if self.looping else 1,
                rise=2 if self.looping else 1,
                state="BACKUP" if place(name) else "MASTER",
                priority=200 - 20 * place(name),
                address=VIRTUAL_ADDRESS,
            )
        )
        files = {
            flag: str(field.inside(folder / f"{name}.{end}"))
            for flag, end in (("-f", "conf"), ("-p", "pid"), ("-r", "vrrp-pid"))
        }
        options = [word for pair in files.items() for word in pair]
        argv = [str(_PROGRAM), "-n", "-l", "-D", "-P", *options]
        await field.spawn(name, argv, log=f"keepalived-{name}")


TUNED: Final = Keepalived(
    "keepalived:Tuned10",
    "VRRPv3 every 10 ms, track_interface ppp0, script fping -t200 every 1 s",
    Pace(settle_s=1.5, phase_s=1.0, fail_s=15, back_s=20),
    looping=False,
)
LOOP: Final = Keepalived(
    "keepalived:Loop",
    "as Tuned10, but the script loops: fping -t50 about every 40 ms, rise 2",
    Pace(settle_s=2.0, phase_s=1.0, fail_s=15, back_s=20),
    looping=True,
)
