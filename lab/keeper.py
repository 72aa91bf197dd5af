"""Process 1 of a lab: makes its nodes, starts and reaps everything that runs in them.

It lives in process, mount and network namespaces of its own. Whatever a lab makes hangs
on them: when this process ends, for whatever reason, the kernel ends every process of
the lab and takes its networks, mounts and files away. It ends by itself when the
control socket closes, that is when the one who opened the lab is gone.

Speaks JSON datagrams over the control socket: a request `{"id", "do", ...}`, with
descriptors attached, gets one answer `{"id", ...}`; the end of a process is told as
`{"exited", "status"}` with the id of the request that started it. Standard library
only: it starts in a blink.
"""

import array
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.syscalls import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUTS,
    MS_BIND,
    MS_REC,
    mount,
    setns,
    unshare,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RUN: Final = Path("/run")
FOLDER: Final = RUN / "lab"  # the same in every node
NODES: Final = RUN / "nodes"  # NODES/exit-a is /run of exit-a
NETNS: Final = RUN / "netns"  # where `ip` looks for names

MOST_BYTES: Final = 180_000  # of a datagram: sockets hold a little more by default
MOST_DESCRIPTORS: Final = 4
SWEEP_S: Final = 5.0
SWEEP_PAUSE_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; the descriptors are closed once it is answered."""

    number: int
    words: dict[str, Any]
    descriptors: list[int]


class Node:
    """The namespaces of a node, held open."""

    def __init__(self, pid: int) -> None:
        self.net = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self._hostname = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
        self._net_id = os.fstat(self.net).st_ino

    def enter(self) -> None:
        """Move the calling process into the node."""
        for descriptor in (self.net, self._hostname, self._mounts):
            setns(descriptor)

    def pids(self) -> set[int]:
        """Whatever runs in the node, daemons too."""
        pids = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):  # gone, or a zombie
                    if (entry / "ns/net").stat().st_ino == self._net_id:
                        pids.add(int(entry.name))
        return pids


class Keeper:
    """The lab's nodes and processes, and the conversation about them."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._nodes: dict[str, Node] = {}
        self._children: dict[int, tuple[int, subprocess.Popen[bytes]]] = {}
        self._outgoing: list[socket.socket] = []
        self._verbs: dict[str, Callable[[Request], dict[str, Any]]] = {
            "node": self._make_node,
            "spawn": self._spawn,
            "signal": self._signal,
            "sweep": self._sweep,
            "strike": self._strike,
            "socket": self._socket,
        }

    def run(self) -> None:
        """Serve until the other side is gone."""
        waker, wakened = socket.socketpair()
        waker.setblocking(False)
        wakened.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            self._attend(wakened)
        finally:
            signal.set_wakeup_fd(-1)  # children still end when its socket is closed

    def _attend(self, wakened: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(wakened, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is wakened:
                        wakened.recv(4096)
                        self._reap()
                    elif not self._serve():
                        return

    def _serve(self) -> bool:
        """Answer one request; False at the end of the conversation."""
        try:
            raw, descriptors, _, _ = socket.recv_fds(
                self._control, MOST_BYTES, MOST_DESCRIPTORS
            )
        except ConnectionResetError:  # it left without having read our last words
            return False
        if not raw:
            return False
        words = json.loads(raw)
        request = Request(words.pop("id"), words, descriptors)
        try:
            answer = self._verbs[words.pop("do")](request)
        except (OSError, subprocess.SubprocessError) as error:
            answer = {"error": str(error)}
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._say({"id": request.number, **answer})
        return True

    def _say(self, message: dict[str, Any]) -> None:
        numbers = array.array("i", [one.fileno() for one in self._outgoing])
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if numbers else []
        with suppress(ConnectionError):  # it is gone: the next reading ends us
            self._control.sendmsg([json.dumps(message).encode()], ancillary)
        while self._outgoing:
            self._outgoing.pop().close()

    def _reap(self) -> None:
        with suppress(ChildProcessError):  # nobody left to wait for
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if pid in self._children:  # else an orphan that came to us
                    number, child = self._children.pop(pid)
                    child.returncode = os.waitstatus_to_exitcode(status)
                    self._say({"exited": number, "status": child.returncode})

    # --- verbs --------------------------------------------------------------------

    def _make_node(self, request: Request) -> dict[str, Any]:
        name = request.words["name"]
        ready_read, ready_write = os.pipe()
        done_read, done_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(done_write)
            _become_node(name, request.words["sysctls"], ready_write, done_read)
        os.close(ready_write)
        os.close(done_read)
        trouble = os.read(ready_read, 4096)[1:].decode()
        if not trouble:
            self._nodes[name] = Node(pid)
            (NETNS / name).touch()
            mount(f"/proc/{pid}/ns/net", str(NETNS / name), flags=MS_BIND)
        os.close(ready_read)
        os.close(done_write)  # lets the child go
        return {"error": trouble} if trouble else {}

    def _spawn(self, request: Request) -> dict[str, Any]:
        words = request.words

        def enter() -> None:
            if words["node"]:
                self._nodes[words["node"]].enter()
            os.chdir(words["cwd"])  # after the mounts: they change what a path means

        stdin, stdout, stderr = request.descriptors
        child = subprocess.Popen(
            words["argv"],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=words["env"],
            preexec_fn=enter,  # noqa: PLW1509 - there are no threads here
            start_new_session=True,
        )
        self._children[child.pid] = (request.number, child)
        return {"pid": child.pid}

    def _signal(self, request: Request) -> dict[str, Any]:
        """Send to a process that we started, and to children that stayed with it."""
        words = request.words
        if words["pid"] in self._children:
            send = os.kill if words["alone"] else os.killpg
            with suppress(ProcessLookupError):  # ended, but not waited for yet
                send(words["pid"], words["signum"])
        return {}

    def _sweep(self, request: Request) -> dict[str, Any]:
        """Send to all that runs in a node; SIGKILL: until nothing does."""
        node, signum = self._nodes[request.words["node"]], request.words["signum"]
        met: set[int] = set()
        deadline = time.monotonic() + SWEEP_S
        while (pids := node.pids()) and time.monotonic() < deadline:
            for pid in pids:
                with suppress(ProcessLookupError):  # it was faster
                    os.kill(pid, signum)
            met |= pids
            if signum != signal.SIGKILL:
                break
            time.sleep(SWEEP_PAUSE_S)
            self._reap()
        return {"pids": sorted(met)}

    def _strike(self, request: Request) -> dict[str, Any]:
        """Send to whatever is called so in a node; whom it met."""
        words, met = request.words, []
        for pid in self._nodes[words["node"]].pids():
            with suppress(OSError):  # it has just ended
                if Path(f"/proc/{pid}/comm").read_text().strip() == words["name"]:
                    os.kill(pid, words["signum"])
                    met.append(pid)
        return {"pids": sorted(met)}

    def _socket(self, request: Request) -> dict[str, Any]:
        """A socket lives in the network where it was made, whoever uses it then."""
        words = request.words
        home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(self._nodes[words["node"]].net)
            made = socket.socket(words["family"], words["kind"], words["proto"])
            self._outgoing.append(made)
        finally:
            setns(home)
            os.close(home)
        return {}


def _become_node(name: str, sysctls: dict[str, str], ready: int, done: int) -> None:
    """Make a node's namespaces, say so, stay until they are held; never returns."""
    try:
        unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS)
        socket.sethostname(name)
        _mount_node(NODES / name)
        for key, value in sysctls.items():
            with suppress(FileNotFoundError):  # a kernel without IPv6
                Path("/proc/sys", key).write_text(value)
    except OSError as error:
        os.write(ready, b"!" + str(error).encode())
        os._exit(1)
    os.write(ready, b".")
    os.read(done, 1)
    os._exit(0)


def _mount_node(run: Path) -> None:
    """A node's own /run, /etc/ppp and /sys; the lab's folder stays where it is."""
    for folder in (run / "lab", run / "lock", run / "etc-ppp"):
        folder.mkdir(parents=True)
    mount(str(FOLDER), str(run / "lab"), flags=MS_BIND)
    if Path("/etc/ppp").is_dir():
        mount(str(run / "etc-ppp"), "/etc/ppp", flags=MS_BIND)
    mount("sysfs", "/sys", "sysfs")
    mount(str(run), "/run", flags=MS_BIND | MS_REC)


def main() -> None:
    """Take the control socket by number, say hello, serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    mount("proc", "/proc", "proc")
    mount("lab", str(RUN), "tmpfs", data="mode=755")
    for folder in (FOLDER, NODES, NETNS):
        folder.mkdir()
    control.send(json.dumps({"hello": os.getpid()}).encode())
    Keeper(control).run()


if __name__ == "__main__":
    main()
