"""Process 1 of a guest: sets the machine up, then runs what the host asks for.

The guest's root is the host's file system, read-only; only the project's folder can be
written to. All else that is written lives in the guest's memory. Standard library only.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import tty
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from lab.frames import Frame, Kind, Parser
from lab.syscalls import mount, power_off

LINE: Final = "/dev/ttyS0"
MODULES: Final = Path("/run/modules")
# A provider's xl2tpd takes packet by packet, and shares the guest's one processor: what
# comes while others work has to wait somewhere.
QUEUE: Final = Path("/proc/sys/net/core/rmem_default")
QUEUE_BYTES: Final = 4 << 20
MODPROBE: Final = Path("/run/modprobe")
CHUNK_BYTES: Final = 65536

SYSTEMS: Final = (  # source and kind, where, options
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", ""),
    ("devpts", "/dev/pts", "ptmxmode=666"),
    ("tmpfs", "/dev/shm", ""),  # noqa: S108 - this is where it is mounted
    ("tmpfs", "/run", "mode=755"),
    ("tmpfs", "/tmp", ""),  # noqa: S108
    ("tmpfs", "/var/tmp", ""),  # noqa: S108
)
LINKS: Final = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}


class Command:
    """A command of the host's that runs here."""

    def __init__(self, argv: list[str], env: dict[str, str], cwd: str) -> None:
        self.process = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout is not None  # noqa: S101 - for the type checker
        assert self.process.stderr is not None  # noqa: S101
        self.streams = {
            self.process.stdout.fileno(): Kind.OUT,
            self.process.stderr.fileno(): Kind.ERR,
        }
        for descriptor in self.streams:
            os.set_blocking(descriptor, False)


class Init:
    """The guest's commands, and the conversation about them."""

    def __init__(self, line: int) -> None:
        self._line = line
        self._parser = Parser()
        self._commands: dict[int, Command] = {}
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until told to end, or until nobody is there."""
        waker, wakened = socket.socketpair()
        waker.setblocking(False)
        wakened.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._line, selectors.EVENT_READ)
        self._selector.register(wakened, selectors.EVENT_READ)
        self._say(Kind.READY, 0, {"release": os.uname().release})
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is wakened:
                    wakened.recv(4096)
                    self._reap()
                elif key.fileobj == self._line:
                    if not (data := os.read(self._line, CHUNK_BYTES)):
                        return  # the host's side is gone
                    for frame in self._parser.feed(data):
                        self._obey(frame)
                else:
                    self._pass_on(key)

    def _obey(self, frame: Frame) -> None:
        words: dict[str, Any] = json.loads(frame.payload or b"{}")
        match frame.kind:
            case Kind.SETUP:
                set_up(**words)
                self._say(Kind.READY, 0, {})
            case Kind.RUN:
                self._start(frame.number, words)
            case Kind.SIGNAL:
                command = self._commands.get(frame.number)
                if command is not None:
                    with suppress(ProcessLookupError):  # it has just ended
                        os.killpg(command.process.pid, words["signum"])
            case Kind.HOLD:
                if (command := self._commands.get(frame.number)) is not None:
                    self._hold(frame.number, command, **words)
            case Kind.OFF:
                os.sync()  # what was written to the project must arrive
                power_off()
            case _:  # what only the guest says
                pass

    def _start(self, number: int, words: dict[str, Any]) -> None:
        try:
            command = Command(**words)
        except OSError as error:
            self._write(Frame(Kind.ERR, number, f"{error}\n".encode()))
            self._say(Kind.EXIT, number, {"status": 127})
            return
        self._commands[number] = command
        self._hold(number, command, held=False)

    def _hold(self, number: int, command: Command, *, held: bool) -> None:
        """Leave what it says where it is, so that it has to wait, or take it again."""
        for descriptor in command.streams:
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
            if not held:
                self._selector.register(descriptor, selectors.EVENT_READ, number)

    def _pass_on(self, key: selectors.SelectorKey) -> None:
        """Send what there is to read, until the stream ends."""
        number, descriptor = key.data, key.fd
        if self._selector.get_map().get(descriptor) != key:
            return  # what was heard in the same moment has ended it, or holds it
        with suppress(BlockingIOError):
            if data := os.read(descriptor, CHUNK_BYTES):
                kind = self._commands[number].streams[descriptor]
                self._write(Frame(kind, number, data))
            else:
                self._selector.unregister(descriptor)

    def _reap(self) -> None:
        numbers = {one.process.pid: number for number, one in self._commands.items()}
        with suppress(ChildProcessError):  # nobody left to wait for
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if pid in numbers:  # else an orphan that came to us
                    self._finish(numbers[pid], os.waitstatus_to_exitcode(status))

    def _finish(self, number: int, status: int) -> None:
        """Pass on what is left and close; children may hold the streams open."""
        command = self._commands[number]
        for descriptor in command.streams:
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
            self._drain(number, descriptor)
        del self._commands[number]
        command.process.returncode = status
        with command.process:  # closes its streams
            self._say(Kind.EXIT, number, {"status": status})

    def _drain(self, number: int, descriptor: int) -> None:
        with suppress(BlockingIOError):
            kind = self._commands[number].streams[descriptor]
            while data := os.read(descriptor, CHUNK_BYTES):
                self._write(Frame(kind, number, data))

    def _say(self, kind: Kind, number: int, words: dict[str, Any]) -> None:
        self._write(Frame(kind, number, json.dumps(words).encode()))

    def _write(self, frame: Frame) -> None:
        data = memoryview(frame.encode())
        while data:
            data = data[os.write(self._line, data) :]


def set_up(*, writable: list[str], modules_from: str, modules: list[str]) -> None:
    """Let the project be written to, and load what the kernel has as modules."""
    for folder in writable:
        Path(folder).mkdir(parents=True, exist_ok=True)
        mount("host", folder, "hostfs", data=folder)
    release = os.uname().release
    if (Path(modules_from) / release).is_dir():
        (MODULES / "lib/modules").mkdir(parents=True)
        (MODULES / "lib/modules" / release).symlink_to(Path(modules_from) / release)
        MODPROBE.write_text(f'#!/bin/sh\nexec /sbin/modprobe -d {MODULES} "$@"\n')
        MODPROBE.chmod(0o755)
        Path("/proc/sys/kernel/modprobe").write_text(f"{MODPROBE}\n")
        subprocess.run([MODPROBE, "-a", *modules], check=False)
    QUEUE.write_text(str(QUEUE_BYTES))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def mount_systems() -> None:
    """What every Linux has mounted, and memory over what shall not reach the host."""
    for kind, where, options in SYSTEMS:
        if kind != "tmpfs" and os.path.ismount(where):
            continue  # the kernel did it
        with suppress(FileExistsError):
            Path(where).mkdir()
        mount(kind, where, kind, data=options)
    for name, rest in LINKS.items():
        with suppress(FileExistsError):
            Path("/dev", name).symlink_to(f"/proc/self/fd{rest}")


def main() -> None:
    """Set up, serve; the guest ends when this does."""
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    mount_systems()
    line = os.open(LINE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    tty.setraw(line)
    try:
        Init(line).run()
    finally:
        power_off()


if __name__ == "__main__":
    main()
