"""A real broker of the test's own, on a free port of the loopback."""

import contextlib
import random
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bus.mosquitto import configuration
from tests.needs import tool

START_TIMEOUT_S: Final = 5.0
STOP_TIMEOUT_S: Final = 5.0
PORTS: Final = range(20_000, 32_768)  # Linux hands out those above to who connects

# The product's own limits; who may come in is each test's business.
CONFIG: Final = """\
{usual}
listener {port} 127.0.0.1
log_dest file {folder}/mosquitto.log
{more}
"""


class Mosquitto:
    """mosquitto as a process that can die, hang and come back on the same port."""

    def __init__(
        self,
        folder: Path,
        *,
        more: str = "allow_anonymous true",
        through: Sequence[str] = (),
        text: str = "",
        port: int = 0,
    ) -> None:
        """`through`: a command that ends by becoming the one that follows it.

        `text`: a whole configuration instead; then `port` is one that it listens on.
        """
        self._through = through
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        usual = configuration((), user="root")
        own = CONFIG.format(usual=usual, port=self.port, folder=folder, more=more)
        self._config.write_text(text or own)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """It listens when this returns."""
        program = tool("mosquitto") or "mosquitto"
        self._process = subprocess.Popen(
            [*self._through, program, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"starting mosquitto: {self.log.read_text()}")
            time.sleep(0.005)

    def stop(self) -> None:
        """SIGKILL: to the agents it is just gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None

    def reload(self) -> None:
        """It reads its passwords and access lists again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def freeze(self) -> None:
        """It hangs: connections stay, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=1).close()
            return True
        return False


def free_port() -> int:
    """One for somebody who may take seconds to listen there.

    It is none that the kernel gives, meanwhile, to who connects to another.
    """
    while True:
        port = random.choice(PORTS)  # noqa: S311 - no secret
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            return port
