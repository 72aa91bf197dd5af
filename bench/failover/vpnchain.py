"""Ours: the real agents on a real mosquitto, at one of the entry's probe profiles."""

import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.failover import agent, ground
from bench.failover.field import START_S, Field
from bench.failover.system import Pace, System
from bus.commands import Request, Response
from bus.topics import REQUEST
from lab import broker, settings
from lab.nodes import FOLDER
from lab.observer import NotSeenError, Observer, observe
from lab.settings import Keys
from lab.talk import LabError
from lab.topology import CONTROL_ADDRESS

SETTINGS: Final = FOLDER / "vpnchain.toml"
WG_CONF: Final = FOLDER / "wg0.conf"
SECRETS: Final = FOLDER / "secrets"
ANSWER_S: Final = 5.0
# A key that is no secret: nothing is ever encrypted with it.
_KEY: Final = "YAnzcHFT6lShSDFbE8M+1I3bZk9x6H4nJ0nCwFSrvVA="

# Nothing that calms the chain down over minutes: the exits fail every few seconds here,
# and the others have nothing of the kind either.
_TEXT: Final = f"""\
[broker]
host = "{CONTROL_ADDRESS}"
port = {broker.PORT}
password_file = "{broker.PASSWORD}"

[coordinator]
settle_s = 0.5
start_grace_s = 1.0
cooldown_s = 0
damp_limit = 1e9

[entry]
wg_conf = "{WG_CONF}"
{{entry}}
[exit]
secrets = "{SECRETS}"
probe_targets = [{{targets}}]
backoff_min_s = 0.1
backoff_max_s = 0.1
permanent_backoff_s = 0.1
"""


@dataclass(frozen=True)
class Vpnchain(System):
    """Coordinator and mosquitto at `control`, entry and exit agents in their nodes."""

    profile: str

    @property
    def programs(self) -> tuple[Path, ...]:
        """See System."""
        return (Path("/usr/sbin/mosquitto"),)

    @property
    def translating(self) -> bool:
        """See System."""
        return False

    @property
    def movable(self) -> bool:
        """See System."""
        return True

    async def start(self, field: Field) -> None:
        """See System."""
        self._write(field)
        broker.prepare(field.lab)
        await field.spawn("control", broker.ARGV, log="mosquitto")
        socket = Path(broker.observer(field.lab).host)
        await field.until(socket.exists, "mosquitto", START_S)
        coordinator = [sys.executable, "-m", "agents", "coordinator"]
        argv = [*coordinator, "--settings", str(SETTINGS)]
        await field.spawn("control", argv, log="coordinator")
        await self._start(field, "entry")
        for name in field.exits:
            await self.start_exit(field, name)

    async def start_exit(self, field: Field, name: str) -> None:
        """See System."""
        await self._start(field, name)

    async def move(self, field: Field, to: str) -> None:
        """See System."""
        async with observe(broker.observer(field.lab)) as observer:
            refusal = await _prefer(observer, to)
        if refusal:  # raised out here: in there it would become a group
            raise LabError(f"moving to {to}: {refusal}")

    async def _start(self, field: Field, name: str) -> None:
        argv = [sys.executable, "-m", agent.__name__, name, str(SETTINGS)]
        await field.spawn(name, argv, log=name)

    def _write(self, field: Field) -> None:
        """Every file that an operator would have written."""
        targets = ", ".join(f'"{one}"' for one in ground.TARGETS)
        entry = f'probe = "{self.profile}"\nprobe_targets = [{targets}]\n'
        peer = ("client", _KEY, f"{ground.CLIENT}/32")
        texts = {
            SETTINGS: _TEXT.format(entry=entry, targets=targets),
            WG_CONF: settings.entry_wireguard(Keys(_KEY, _KEY), [peer]),
            SECRETS / "vpn_server_ip": ground.peer_address("exit-a"),
            SECRETS / "vpn_ipsec_psk": "unused",
            SECRETS / "vpn_username": "unused",
            SECRETS / "vpn_password": "unused",
        }
        field.folder(SECRETS.name)
        for path, text in texts.items():
            outside = field.lab.folder / path.relative_to(FOLDER)
            outside.touch(mode=0o600)
            outside.write_text(text)


async def _prefer(observer: Observer, to: str) -> str:
    """Asks the coordinator for it; why it is not done, empty if it is."""
    request = Request(transaction=uuid.uuid4().hex, exit=to)
    await observer.bus.publish(REQUEST, request, agent="coordinator", verb="prefer")

    def answer() -> Response | None:
        heard = (one.what for one in observer.happened)
        return next(
            (
                one
                for one in heard
                if isinstance(one, Response) and one.transaction == request.transaction
            ),
            None,
        )

    try:
        response = await observer.until(answer, "the coordinator's answer", ANSWER_S)
    except NotSeenError as error:
        return str(error)
    return "" if response is None or response.ok else response.error


NORMAL: Final = Vpnchain(
    "vpnchain normal",
    "agents on mosquitto, 10 probes a second and exit",
    Pace(),
    "normal",
)
FAST: Final = Vpnchain(
    "vpnchain fast", "agents on mosquitto, 100 probes a second and exit", Pace(), "fast"
)
